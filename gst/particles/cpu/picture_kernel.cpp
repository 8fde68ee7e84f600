#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "particles/cpu/glow_cell.hpp"
#include "particles/cpu/kernel.hpp"

// Vectors are members of structs here, which those of SVE, whose length no compiler knows, cannot be.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "particles/cpu/picture_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace campaign::particles::cpu::HWY_NAMESPACE {

#include "particles/cpu/lanes-inl.hpp"

#define KERNEL HWY_INLINE
struct Tone {
#include "shaders/kernel/tone.h"
};
#undef KERNEL

HWY_INLINE size_t lanes() { return hn::Lanes(DF()); }

// A word in each of four lanes, straight from memory: GCC would take two instructions more.
HWY_INLINE hn::Vec<hn::FixedTag<uint32_t, 4>> four_times(const uint32_t* word) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || \
    HWY_TARGET == HWY_AVX3_ZEN4
  return {_mm_castps_si128(_mm_broadcast_ss(reinterpret_cast<const float*>(word)))};
#else
  return hn::Set(hn::FixedTag<uint32_t, 4>(), *word);
#endif
}

// From a place to its pixel or cell: how many bytes after the first one of the band its sum lies, where each
// takes 2^kBytesShift of them.
template <uint32_t kBytesShift>
struct Places {
  static constexpr uint32_t kBytes = 1u << kBytesShift;
  const U places, in_a_band, whole, width, height, base, offset, row;
  const uint down_shift;
  HWY_INLINE explicit Places(const Placing& p)
      : places(splat_u((1u << kPlaceBits) - 1)),
        in_a_band(splat_u((1u << (32 - kPlaceBits)) - 1)),
        whole(splat_u(~(kBytes - 1))),
        width(splat_u(p.width)),
        height(splat_u(p.height)),
        base(splat_u(p.base)),
        // Neither may fit into 32 bits; what is left of both, with a place below `base`, does.
        offset(splat_u(p.base * p.height - (p.first_row << (kPlaceBits + p.shift)))),
        row(splat_u(p.stride * kBytes)),
        down_shift(kPlaceBits + p.shift) {}
  // Of the upper halves of records.
  HWY_INLINE U operator()(U high) const {
    const U x = (((high & places) * width) >> (down_shift - kBytesShift)) & whole;
    const U below = U{hn::Sub((high >> kPlaceBits).v, base.v)} & in_a_band;
    return ((below * height + offset) >> down_shift) * row + x;
  }
};

// Calls add(record, bytes before its pixel or cell) for records [begin, end).
template <uint32_t kBytesShift, class Add>
HWY_INLINE void each_placed(const Placing& placing, const Record* begin, const Record* end,
                            const Record* next, Add&& add) {
  const Places<kBytesShift> places(placing);
  constexpr ptrdiff_t kTogether = 64;
  alignas(64) uint32_t at[kTogether];
  for (const Record* from = begin; from < end; from += kTogether, next += kTogether) {
    const ptrdiff_t count = std::min(kTogether, end - from);
    for (ptrdiff_t k = 0; k < count; k += static_cast<ptrdiff_t>(lanes())) {
      for (size_t line = 0; line < lanes(); line += 8) __builtin_prefetch(next + k + line);
      const auto* words = reinterpret_cast<const uint32_t*>(from + k);
      const auto first = hn::LoadU(DU(), words), second = hn::LoadU(DU(), words + lanes());
      hn::Store(places(U{hn::ConcatOdd(DU(), second, first)}).v, DU(), at + k);
    }
    ptrdiff_t k = 0;
    for (; k + 8 <= count; k += 8) {
#pragma GCC unroll 8
      for (ptrdiff_t i = 0; i < 8; ++i) add(from + k + i, at[k + i]);
    }
    for (; k < count; ++k) add(from + k, at[k]);
  }
}

void add_sorted(const Placing& placing, const Record* begin, const Record* end, const Record* next,
                uint32_t* sums) {
  const hn::FixedTag<uint32_t, 4> d;
  constexpr uint32_t kAbove = 32 - kWeightBits;
  alignas(16) static constexpr uint32_t kShifts[4] = {kAbove, kAbove, kAbove - kWeightBits,
                                                      kAbove - 2 * kWeightBits};
  const auto shifts = hn::Load(d, kShifts);
  const auto add_one = [&](const Record* record, uint32_t at) HWY_ATTR __attribute__((always_inline)) {
    auto* sum = reinterpret_cast<uint32_t*>(reinterpret_cast<std::byte*>(sums) + at);
    const auto low = four_times(reinterpret_cast<const uint32_t*>(record));
    const auto light = hn::ShiftRight<kAbove>(hn::Shl(low, shifts));
    hn::Store(hn::Add(hn::Load(d, sum), light), d, sum);
  };
  each_placed<4>(placing, begin, end, next, add_one);
}

void add_glow(const Placing& placing, const Record* begin, const Record* end, const Record* next,
              uint64_t* words) {
  const auto add_one = [&](const Record* record, uint32_t at) HWY_ATTR __attribute__((always_inline)) {
    constexpr Record kWeights = (1u << kWeightBits) - 1;
    const Record r = *record & kWeights, g = (*record >> kWeightBits) & kWeights,
                 b = (*record >> (2 * kWeightBits)) & kWeights;
    add_to_cell(words, at / sizeof *words, r << 16 | g << 32 | b << 48);
  };
  each_placed<3>(placing, begin, end, next, add_one);
}

void add(const Record* begin, const Record* end, const Record* next, uint32_t* sums) {
  const hn::FixedTag<uint32_t, 4> wide;
  const hn::FixedTag<uint16_t, 4> narrow;
  const auto add_one = [&](const Record* at) HWY_ATTR __attribute__((always_inline)) {
    const auto* parts = reinterpret_cast<const uint16_t*>(at);
    uint16_t pixel;
    std::memcpy(&pixel, parts, sizeof pixel);
    uint32_t* sum = sums + size_t{pixel} * 4;
    hn::Store(hn::Add(hn::Load(wide, sum), hn::PromoteTo(wide, hn::LoadU(narrow, parts))), wide, sum);
  };
  constexpr ptrdiff_t kInALine = kAlign / sizeof(Record);
  const Record* at = begin;
  for (; end - at >= kInALine; at += kInALine, next += kInALine) {
    __builtin_prefetch(next);
#pragma GCC unroll 8
    for (ptrdiff_t i = 0; i < kInALine; ++i) add_one(at + i);
  }
  for (; at != end; ++at) add_one(at);
}

constexpr uint32_t kWhite = 1u << 20;  // a channel that is full; also the limit of shaders/accumulate.glsl

void clamp(uint32_t* sums, size_t pixels) {
  for (size_t i = 0; i < pixels * 4; ++i) sums[i] = std::min(sums[i], kWhite);
}

// Sums of several glow accumulators. A cell that is full in one of them, or in the sum, stays full: no carry.
HWY_INLINE uint64_t add_full(uint64_t a, uint64_t b) {
  if (HWY_UNLIKELY((a | b) & kFull)) return kFull;
  return a + b;
}

// A Gaussian that is two standard deviations wide at `reach`: out[x] becomes the mean of itself and of its
// neighbours a[x] and b[x] at each distance, which `neighbours(distance)` gives as a pair of rows.
template <class Neighbours>
HWY_INLINE void spread_row(float* out, uint32_t width, int reach, Neighbours&& neighbours) {
  float ratio = std::exp(-2.0f / static_cast<float>(reach * reach)), step_ratio = ratio * ratio;
  float weight = 1, total = 1;
  for (int i = 1; i <= reach; ++i) {
    weight *= ratio;
    ratio *= step_ratio;
    total += 2 * weight;
    const auto [a, b] = neighbours(i);
    for (uint32_t x = 0; x < width; ++x) out[x] += weight * (a[x] + b[x]);
  }
  for (uint32_t x = 0; x < width; ++x) out[x] /= total;
}

void glow_across(const ViewParams& view, const Light* glows, uint32_t count, uint32_t row, Glow to) {
  constexpr uint32_t kMostCells = 4096, kMostReach = 1024;  // of a picture of 32768 pixels
  const int reach = std::min(static_cast<int>(view.ground.w), static_cast<int>(kMostReach));
  float line[3][kMostCells + 2 * kMostReach];  // with its ends repeated on both sides
  for (uint32_t x = 0; x < to.width; ++x) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; ++i) sum = add_full(sum, glows[i].words[row * glows[i].stride + x]);
    for (uint32_t c = 0; c < 3; ++c) {
      const auto channel = static_cast<int32_t>((sum >> (21 * c)) & 0x1FFFFF);
      line[c][kMostReach + x] = sum & kFull ? 1048576.0f : static_cast<float>(channel);
    }
  }
  for (uint32_t c = 0; c < 3; ++c) {
    float *out = to.plane[c] + size_t{row} * to.stride, *first = line[c] + kMostReach;
    std::fill(first - reach, first, first[0]);
    std::fill(first + to.width, first + to.width + reach, first[to.width - 1]);
    std::memcpy(out, first, to.width * sizeof(float));
    spread_row(out, to.width, reach,
               [&](int i) { return std::pair<const float*, const float*>(first - i, first + i); });
  }
}

void glow_down(const ViewParams& view, Glow across, uint32_t row, Glow to) {
  const int last = static_cast<int>(to.rows) - 1, y = static_cast<int>(row);
  for (uint32_t c = 0; c < 3; ++c) {
    auto line = [&](int at) -> const float* {
      return across.plane[c] + static_cast<size_t>(std::clamp(at, 0, last)) * across.stride;
    };
    float* out = to.plane[c] + size_t{row} * to.stride;
    std::memcpy(out, line(y), to.width * sizeof(float));
    spread_row(out, to.width, static_cast<int>(view.ground.w),
               [&](int i) { return std::pair(line(y - i), line(y + i)); });
  }
}

struct Rgb {
  HWY_INLINE Rgb() {}
  HWY_INLINE Rgb(F red, F green, F blue) : r(red), g(green), b(blue) {}
  F r, g, b;
};

// The glow and the background under a pair of rows: a value for each cell of 8 pixels, its edges repeated,
// from which those of the pixels are interpolated.
class Under {
 public:
  // `scratch`: of scratch_size(picture's width) floats.
  HWY_INLINE Under(const ViewParams& view, const Glow& glow, uint32_t pair, float* scratch)
      : stride_(size_t{glow.stride} + kPad), cells_(scratch) {
    const float at = (static_cast<float>(pair) * 2 + 1) / kCell - 0.5f;
    const int above = static_cast<int>(std::floor(at)), last = static_cast<int>(glow.rows) - 1;
    const float down = at - static_cast<float>(above);
    const float ground[3] = {view.ground.x, view.ground.y, view.ground.z};
    for (int c = 0; c < 3; ++c) {
      const float* a = glow.plane[c] + static_cast<size_t>(std::clamp(above, 0, last)) * glow.stride;
      const float* b = glow.plane[c] + static_cast<size_t>(std::clamp(above + 1, 0, last)) * glow.stride;
      float* to = cells_ + c * stride_;
      for (uint32_t k = 0; k < glow.width; ++k) {
        to[k + 1] = (a[k] + (b[k] - a[k]) * down) * view.light.w + ground[c];
      }
      to[0] = to[1];
      to[glow.width + 1] = to[glow.width];
    }
    for (uint32_t lane = 0; lane < lanes(); ++lane) {
      for (uint32_t half = 0; half < 2; ++half) {
        const uint32_t from_middle =
            half * kCell / 2 + lane + kCell / 2;  // of the cell left of the first one's
        left_[half][lane] = static_cast<int32_t>(from_middle / kCell);
        right_[half][lane] = left_[half][lane] + 1;
        part_[half][lane] = (static_cast<float>(from_middle % kCell) + 0.5f) / kCell;
      }
    }
  }

  // One vector of pixels; `x` a multiple of its lanes.
  HWY_INLINE Rgb at(size_t x) const {
    const size_t half = x % kCell / (kCell / 2);
    const auto left = hn::SetTableIndices(DF(), left_[half]), right = hn::SetTableIndices(DF(), right_[half]);
    const F part = load_f(part_[half]);
    auto channel = [&](size_t c) HWY_ATTR {
      const F cells = load_f(cells_ + c * stride_ + x / kCell);
      const F a{hn::TableLookupLanes(cells.v, left)}, b{hn::TableLookupLanes(cells.v, right)};
      return a + (b - a) * part;
    };
    return {channel(0), channel(1), channel(2)};
  }

 private:
  static constexpr uint32_t kCell = 1u << kGlowShift;
  size_t stride_;
  float* cells_;
  alignas(64) int32_t left_[2][HWY_MAX_BYTES / 4], right_[2][HWY_MAX_BYTES / 4];
  alignas(64) float part_[2][HWY_MAX_BYTES / 4];
};

// One vector of pixels' sums, which are zero afterwards.
HWY_INLINE Rgb take_light(uint32_t* words, bool lit) {
  if (!lit) return {splat_f(0), splat_f(0), splat_f(0)};
  U unused, r, g, b;
  hn::LoadInterleaved4(DU(), words, unused.v, r.v, g.v, b.v);
  for (size_t i = 0; i < 4; ++i) hn::Store(hn::Zero(DU()), DU(), words + i * lanes());
  const auto full = hn::Set(DU(), kWhite);
  M white{hn::RebindMask(DF(), hn::Eq(hn::Min(hn::Max(hn::Max(r.v, g.v), b.v), full), full))};
  F limit = splat_f(kWhite);
  return {select(white, limit, to_f(r)), select(white, limit, to_f(g)), select(white, limit, to_f(b))};
}

// Codes are from 16 to 240.
HWY_INLINE void store_bytes(F codes, uint8_t* to) {
  hn::StoreU(hn::U8FromU32(to_u(codes).v), hn::Rebind<uint8_t, DF>(), to);
}
HWY_INLINE void store_pairs_of_bytes(F first, F second, uint8_t* to) {
  const U pairs = to_u(first) | (to_u(second) << 8u);
  const hn::Rebind<uint16_t, DF> d16;
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(DI(), pairs.v)), d16, reinterpret_cast<uint16_t*>(to));
}

alignas(64) constexpr float kDither[2][16] = {
    {0.0625f, 0.5625f, 0.1875f, 0.6875f, 0.0625f, 0.5625f, 0.1875f, 0.6875f, 0.0625f, 0.5625f, 0.1875f,
     0.6875f, 0.0625f, 0.5625f, 0.1875f, 0.6875f},
    {0.8125f, 0.3125f, 0.9375f, 0.4375f, 0.8125f, 0.3125f, 0.9375f, 0.4375f, 0.8125f, 0.3125f, 0.9375f,
     0.4375f, 0.8125f, 0.3125f, 0.9375f, 0.4375f}};

HWY_INLINE Rgb tone_of(const Rgb& light, F exposure, const Rgb& under) {
  return {Tone().tone(light.r * exposure + under.r), Tone().tone(light.g * exposure + under.g),
          Tone().tone(light.b * exposure + under.b)};
}

// One row of a picture in memory; vectors that reach beyond its end go through a buffer.
struct Row {
  std::byte* begin;
  size_t bytes;

  template <class Store>
  HWY_INLINE void write(size_t at, size_t size, Store&& store) const {
    if (HWY_LIKELY(at + size <= bytes)) {
      store(reinterpret_cast<uint8_t*>(begin + at));
    } else if (at < bytes) {
      alignas(64) uint8_t buffer[64];
      store(buffer);
      std::memcpy(begin + at, buffer, bytes - at);
    }
  }
};

HWY_INLINE void store_rgb(const Rgb& color, F dither, bool red_first, const Row& row, size_t x) {
  auto code = [&](F v) HWY_ATTR { return to_u(v * splat_f(255.0f) + dither); };
  U r = code(color.r), g = code(color.g), b = code(color.b);
  U words = (red_first ? r | (b << 16u) : b | (r << 16u)) | (g << 8u) | splat_u(0xFF000000u);
  row.write(x * 4, lanes() * 4,
            [&](uint8_t* to) HWY_ATTR { hn::StoreU(words.v, DU(), reinterpret_cast<uint32_t*>(to)); });
}

// The means of four neighbours, of two vectors of sums of two.
HWY_INLINE F mean_of_four(F first, F second) {
  auto even = hn::ConcatEven(DF(), second.v, first.v), odd = hn::ConcatOdd(DF(), second.v, first.v);
  return F{hn::Add(even, odd)} * splat_f(0.25f);
}

// At the right edge of an odd width the last column counts twice.
HWY_INLINE void repeat_column(F& first, F& second, size_t last) {
  alignas(64) float both_halves[2 * HWY_MAX_BYTES / 4];
  store_f(first, both_halves), store_f(second, both_halves + lanes());
  both_halves[last + 1] = both_halves[last];
  first = load_f(both_halves), second = load_f(both_halves + lanes());
}

// Whether any light fell on these pixels; most of a picture may be dark, and tells so cheaply.
HWY_INLINE bool is_lit(const uint32_t* sums, size_t pixels) {
  auto any = hn::Zero(DU());
#pragma GCC unroll 8
  for (size_t i = 0; i < pixels * 4; i += lanes()) any = hn::Or(any, hn::Load(DU(), sums + i));
  return !hn::AllTrue(DU(), hn::Eq(any, hn::Zero(DU())));
}

void resolve(const ViewParams& view, const Raster& raster, uint32_t* sums, Glow glow,
             const FrameLayout& layout, uint32_t pair, float* scratch, const FramePlanes& frame) {
  const size_t n = lanes(), width = layout.width;
  const Under glow_under(view, glow, pair, scratch);
  const F exposure = splat_f(view.light.z);
  const F dither[2] = {load_f(kDither[0]), load_f(kDither[1])}, half = splat_f(0.5f);
  const bool rgb = layout.format == PixelFormat::rgba || layout.format == PixelFormat::bgra;
  const bool red_first = layout.format == PixelFormat::rgba;
  const uint32_t rows = std::min(2u, layout.height - pair * 2);
  auto row_at = [&](size_t plane, size_t y, size_t bytes) {
    return Row{frame.data[plane] + static_cast<ptrdiff_t>(y) * frame.stride[plane], bytes};
  };
  const Row main_row[2] = {row_at(0, pair * 2, rgb ? width * 4 : width),
                           row_at(0, pair * 2 + 1, rgb ? width * 4 : width)};
  const size_t columns = (width + 1) / 2;
  const bool nv12 = layout.format == PixelFormat::nv12;
  const Row blue_row = row_at(1, pair, nv12 ? columns * 2 : columns), red_row = row_at(2, pair, columns);

  bool lit[2] = {false, false};
  // Two dark rows look alike, and an odd edge counts twice in its chroma.
  bool alike = true;
  // One vector of pixels of both rows. Written out rather than looped over, so that all stays in registers.
  const auto colors_at = [&](size_t x, Rgb & upper, Rgb & lower) HWY_ATTR __attribute__((always_inline)) {
    uint32_t* words = sums + x * 4;
    const Rgb under = glow_under.at(x);
    upper = tone_of(take_light(words, lit[0]), exposure, under);
    lower = alike ? upper : tone_of(take_light(words + raster.stride * 4, lit[1]), exposure, under);
  };
  const auto store_main = [&](const Rgb& c, uint32_t y, size_t x) HWY_ATTR __attribute__((always_inline)) {
    if (rgb) {
      store_rgb(c, dither[y], red_first, main_row[y], x);
    } else {
      const F luma = Tone().luma_code(Tone().luma_of(c.r, c.g, c.b)) + dither[y];
      main_row[y].write(x, n, [&](uint8_t* to) HWY_ATTR { store_bytes(luma, to); });
    }
  };
  // What a vector of both rows adds to the chroma of its columns.
  const auto sums_at = [&](size_t x) HWY_ATTR __attribute__((always_inline))->Rgb {
    Rgb upper, lower;
    colors_at(x, upper, lower);
    store_main(upper, 0, x);
    if (HWY_LIKELY(rows == 2)) store_main(lower, 1, x);
    return {upper.r + lower.r, upper.g + lower.g, upper.b + lower.b};
  };
  for (size_t x = 0; x < width; x += 2 * n) {
    if (x % kPad == 0) {
      for (uint32_t y = 0; y < rows; ++y) lit[y] = is_lit(sums + (y * raster.stride + x) * 4, kPad);
      alike = rows == 1 || !(lit[0] || lit[1]);
    }
    Rgb first = sums_at(x), second = sums_at(x + n);
    if (rgb) continue;

    if (HWY_UNLIKELY(width % 2 == 1 && x + 2 * n > width)) {
      repeat_column(first.r, second.r, width - 1 - x);
      repeat_column(first.g, second.g, width - 1 - x);
      repeat_column(first.b, second.b, width - 1 - x);
    }
    F red = mean_of_four(first.r, second.r), green = mean_of_four(first.g, second.g),
      blue = mean_of_four(first.b, second.b);
    F luma = Tone().luma_of(red, green, blue);
    F cb = Tone().blue_code(blue, luma) + half, cr = Tone().red_code(red, luma) + half;
    if (nv12) {
      blue_row.write(x, 2 * n, [&](uint8_t* to) HWY_ATTR { store_pairs_of_bytes(cb, cr, to); });
    } else {
      blue_row.write(x / 2, n, [&](uint8_t* to) HWY_ATTR { store_bytes(cb, to); });
      red_row.write(x / 2, n, [&](uint8_t* to) HWY_ATTR { store_bytes(cr, to); });
    }
  }
}

const PictureKernel* picture_kernel() {
  static const PictureKernel table{add_sorted, add_glow, add, clamp, glow_across, glow_down, resolve};
  return &table;
}

}  // namespace campaign::particles::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace campaign::particles::cpu {

HWY_EXPORT(picture_kernel);

const PictureKernel& best_picture_kernel() { return *HWY_DYNAMIC_DISPATCH(picture_kernel)(); }

}  // namespace campaign::particles::cpu
#endif
