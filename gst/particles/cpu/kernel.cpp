#include "particles/cpu/kernel.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "particles/cpu/kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace campaign::particles::cpu::HWY_NAMESPACE {

#include "particles/cpu/lanes-inl.hpp"

using std::max;  // the kernel says max() of two floats, as GLSL does

constexpr uint32_t kBlock = kPad;  // particles whose light is gathered before it is added

constexpr uint64_t kFull = (uint64_t{1} << 20) | (uint64_t{1} << 41) | (uint64_t{1} << 62);

#define KERNEL HWY_INLINE
#define OUT(T) T&
#define INOUT(T) T&

#include "shaders/kernel/salt.h"

struct Random {
#include "shaders/kernel/random.h"
};

struct Births : Random {
  const StepParams& P;
  explicit Births(const StepParams& params) : P(params) {}
#include "shaders/kernel/birth.h"
};

struct Motion {
  const StepParams& P;
  const uint32_t* noise;
  const uint ATTRACTORS, SPHERES, PLANES;
  const bool TURBULENCE;
  Motion(const Step& step, const uint32_t* table)
      : P(step.params),
        noise(table),
        ATTRACTORS(step.shape.attractors),
        SPHERES(step.shape.spheres),
        PLANES(step.shape.planes),
        TURBULENCE(step.shape.turbulence) {}
  HWY_INLINE U noise_at(U i) const { return {hn::GatherIndex(DU(), noise, hn::BitCast(DI(), i.v))}; }
#include "shaders/kernel/motion.h"
};

struct Splatting {
  const ViewParams& V;
  explicit Splatting(const ViewParams& view) : V(view) {}
#include "shaders/kernel/light.h"
};

struct Tone {
#include "shaders/kernel/tone.h"
};

#undef KERNEL
#undef OUT
#undef INOUT

HWY_INLINE size_t lanes() { return hn::Lanes(DF()); }

void birth(const Step& step, State state, uint32_t which, uint32_t first_group, uint32_t end_group) {
  Births births(step.params);
  const Cohort& cohort = step.cohorts[which];
  const uint32_t groups = static_cast<uint32_t>(lanes() / 4);  // of four particles, in a vector
  uint32_t group = first_group + (which + kClasses - first_group % kClasses) % kClasses;
  alignas(64) uint32_t ids[HWY_MAX_BYTES / 4];
  alignas(64) float out[6][HWY_MAX_BYTES / 4];
  float* const to[6] = {state.px, state.py, state.pz, state.vx, state.vy, state.vz};
  for (; group < end_group; group += groups * kClasses) {
    for (uint32_t lane = 0; lane < lanes(); ++lane) ids[lane] = (group + lane / 4 * kClasses) * 4 + lane % 4;
    F x[6];
    births.birth(U{hn::Load(DU(), ids)}, cohort.life.y, cohort.life.x, x[0], x[1], x[2], x[3], x[4], x[5]);
    for (int c = 0; c < 6; ++c) store_f(x[c], out[c]);
    for (uint32_t g = 0; g < groups && group + g * kClasses < end_group; ++g) {
      for (int c = 0; c < 6; ++c) std::memcpy(to[c] + ids[g * 4], out[c] + g * 4, 4 * sizeof(float));
    }
  }
}

// Light of one block, gathered as vectors and added one by one.
struct Block {
  alignas(64) uint32_t at[kBlock], glow_at[kBlock];
  alignas(64) uint64_t word[kBlock];
};

HWY_INLINE void add(uint64_t* words, uint32_t at, uint64_t word) {
  uint64_t before = words[at];
  words[at] = HWY_UNLIKELY(before & kFull) ? before : before + word;
}

void move(const Step& step, const uint32_t* noise, State s, uint32_t begin, uint32_t end) {
  Motion motion(step, noise);
  const U iota{hn::Iota(DU(), 0)};
  for (uint32_t i = begin; i < end; i += static_cast<uint32_t>(lanes())) {
    F px = load_f(s.px + i), py = load_f(s.py + i), pz = load_f(s.pz + i);
    F vx = load_f(s.vx + i), vy = load_f(s.vy + i), vz = load_f(s.vz + i);
    motion.move(salt_of(splat_u(i) + iota), px, py, pz, vx, vy, vz);
    store_f(px, s.px + i), store_f(py, s.py + i), store_f(pz, s.pz + i);
    store_f(vx, s.vx + i), store_f(vy, s.vy + i), store_f(vz, s.vz + i);
  }
}

// The light of particles i and on, one vector, into places `k` and on of the block; its words are fetched
// early.
HWY_INLINE void gather(const ViewParams& V, const CohortLanes& cohorts, State s, uint32_t i, Light light,
                       Light glow, Block& block, uint32_t k) {
  Splatting draw(V);
  const uint32_t lane = i % CohortLanes::kLanes;
  U id = splat_u(i) + U{hn::Iota(DU(), 0)};
  U salt = salt_of(id);
  F inverse_depth;
  U pixel = draw.pixel_of(load_f(s.px + i), load_f(s.py + i), load_f(s.pz + i), inverse_depth);
  F near = min_f(inverse_depth * splat_f(V.light.y), splat_f(2.0f));
  F scale = draw.brightness_of(salt) * near * splat_f(V.light.x);
  F heat =
      draw.heat_of(load_f(s.vx + i), load_f(s.vy + i), load_f(s.vz + i), load_f(cohorts.per_speed2 + lane));
  auto weight = [&](int c) HWY_ATTR {
    return draw.weight_of(load_f(cohorts.slow[c] + lane), load_f(cohorts.fast[c] + lane), heat, scale, salt);
  };
  U r = weight(0), g = weight(1), b = weight(2);
  U low = r | (g << 21u), high = (g >> 11u) | (b << 10u);
  hn::StoreInterleaved2(low.v, high.v, DU(), reinterpret_cast<uint32_t*>(block.word + k));

  U x = pixel & splat_u(0xFFFFu), y = pixel >> 16u;
  auto seen = hn::And(hn::Ne(pixel.v, hn::Set(DU(), draw.kNoPixel)), hn::Lt(id.v, hn::Set(DU(), V.target.y)));
  U at = y * splat_u(light.stride) + x;
  U glow_at = (y >> kGlowShift) * splat_u(glow.stride) + (x >> kGlowShift);
  hn::Store(hn::IfThenElse(seen, at.v, hn::Set(DU(), light.stride * light.rows)), DU(), block.at + k);
  hn::Store(hn::IfThenElse(seen, glow_at.v, hn::Set(DU(), glow.stride * glow.rows)), DU(), block.glow_at + k);
  for (uint32_t j = k; j < k + lanes(); ++j) __builtin_prefetch(light.words + block.at[j], 1);
}

void draw(const ViewParams& view, const CohortLanes& cohorts, State state, uint32_t begin, uint32_t end,
          Light light, Light glow) {
  Block block;
  for (uint32_t from = begin; from < end; from += kBlock) {
    const uint32_t count = std::min(kBlock, end - from);
    for (uint32_t k = 0; k < count; k += static_cast<uint32_t>(lanes())) {
      gather(view, cohorts, state, from + k, light, glow, block, k);
    }
    for (uint32_t k = 0; k < count; ++k) {
      add(light.words, block.at[k], block.word[k]);
      light.lit[block.at[k] / kPad] = 1;
    }
    for (uint32_t k = 0; k < count; k += kGlowStride) add(glow.words, block.glow_at[k], block.word[k]);
  }
}

// Sums of several accumulators. A pixel that is full in one of them, or in the sum, stays full: no carry.
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

// The glow and the background under a pair of rows, one value a pixel.
HWY_INLINE void glow_row(const ViewParams& view, const Glow& glow, uint32_t pair, uint32_t width,
                         float* const out[3]) {
  constexpr float kFirst[4] = {0.5625f, 0.6875f, 0.8125f,
                               0.9375f};  // from the left cell's middle to this one's
  constexpr float kSecond[4] = {0.0625f, 0.1875f, 0.3125f, 0.4375f};
  const float at = (static_cast<float>(pair) * 2 + 1) / 8 - 0.5f;
  const int above = static_cast<int>(std::floor(at)), last = static_cast<int>(glow.rows) - 1;
  const float down = at - static_cast<float>(above);
  const float ground[3] = {view.ground.x, view.ground.y, view.ground.z};
  for (int c = 0; c < 3; ++c) {
    const float* a = glow.plane[c] + static_cast<size_t>(std::clamp(above, 0, last)) * glow.stride;
    const float* b = glow.plane[c] + static_cast<size_t>(std::clamp(above + 1, 0, last)) * glow.stride;
    auto cell = [&](uint32_t k) { return (a[k] + (b[k] - a[k]) * down) * view.light.w + ground[c]; };
    float left = cell(0), middle = left;
    for (uint32_t k = 0; k < glow.width; ++k) {
      float right = cell(std::min(k + 1, glow.width - 1));
      float* to = out[c] + k * 8;
      for (int i = 0; i < 4; ++i) to[i] = left + (middle - left) * kFirst[i];
      for (int i = 0; i < 4; ++i) to[4 + i] = middle + (right - middle) * kSecond[i];
      left = middle;
      middle = right;
    }
  }
}

struct Rgb {
  F r, g, b;
};

// The accumulators that have light in one run of kPad pixels.
struct LitWords {
  uint64_t* words[kMostLights];  // of the run's first pixel
  uint32_t count = 0;
};

template <bool kClear>
HWY_INLINE LitWords lit_words(const Light* lights, uint32_t count, size_t at) {
  LitWords lit;
  for (uint32_t i = 0; i < count; ++i) {
    uint8_t& flag = lights[i].lit[at / kPad];
    if (flag) lit.words[lit.count++] = lights[i].words + at;
    if (kClear) flag = 0;
  }
  return lit;
}

// One vector of pixels, `x` after the run's first, as sums.
template <bool kClear>
HWY_INLINE Rgb load_light(const LitWords& lit, size_t x) {
  if (lit.count == 0) return {splat_f(0), splat_f(0), splat_f(0)};
  const hn::RepartitionToWide<DU> wide;
  const size_t half = hn::Lanes(wide);
  const auto full = hn::Set(wide, kFull);
  auto low = hn::Load(wide, lit.words[0] + x), high = hn::Load(wide, lit.words[0] + x + half);
  for (uint32_t i = 1; i < lit.count; ++i) {
    auto l = hn::Load(wide, lit.words[i] + x), h = hn::Load(wide, lit.words[i] + x + half);
    auto either = hn::And(hn::Or(hn::Or(l, low), hn::Or(h, high)), full);
    if (HWY_UNLIKELY(!hn::AllTrue(wide, hn::Eq(either, hn::Zero(wide))))) {
      auto keep = [&](auto a, auto b) HWY_ATTR {
        auto none = hn::Eq(hn::And(hn::Or(a, b), full), hn::Zero(wide));
        return hn::IfThenElse(none, hn::Add(a, b), full);
      };
      low = keep(low, l);
      high = keep(high, h);
    } else {
      low = hn::Add(low, l);
      high = hn::Add(high, h);
    }
  }
  if (kClear) {
    for (uint32_t i = 0; i < lit.count; ++i) {
      hn::Store(hn::Zero(wide), wide, lit.words[i] + x);
      hn::Store(hn::Zero(wide), wide, lit.words[i] + x + half);
    }
  }
  U even{hn::ConcatEven(DU(), hn::BitCast(DU(), high), hn::BitCast(DU(), low))};
  U odd{hn::ConcatOdd(DU(), hn::BitCast(DU(), high), hn::BitCast(DU(), low))};
  U mask = splat_u(0x1FFFFF);
  U r = even & mask, g = ((even >> 21u) | (odd << 11u)) & mask, b = odd >> 10u;
  auto any = hn::Ne(((r | g | b) & splat_u(1u << 20)).v, hn::Zero(DU()));
  M white{hn::RebindMask(DF(), any)};
  F limit = splat_f(1048576.0f);
  return {select(white, limit, to_f(r)), select(white, limit, to_f(g)), select(white, limit, to_f(b))};
}

HWY_INLINE void store_bytes(F codes, uint8_t* to) {
  hn::StoreU(hn::DemoteTo(hn::Rebind<uint8_t, DF>(), hn::ConvertTo(DI(), codes.v)), hn::Rebind<uint8_t, DF>(),
             to);
}

alignas(64) constexpr float kDither[2][16] = {
    {0.0625f, 0.5625f, 0.1875f, 0.6875f, 0.0625f, 0.5625f, 0.1875f, 0.6875f, 0.0625f, 0.5625f, 0.1875f,
     0.6875f, 0.0625f, 0.5625f, 0.1875f, 0.6875f},
    {0.8125f, 0.3125f, 0.9375f, 0.4375f, 0.8125f, 0.3125f, 0.9375f, 0.4375f, 0.8125f, 0.3125f, 0.9375f,
     0.4375f, 0.8125f, 0.3125f, 0.9375f, 0.4375f}};

HWY_INLINE Rgb tone_of(const Rgb& light, F exposure, float* const under[3], size_t x) {
  return {Tone().tone(light.r * exposure + load_f(under[0] + x)),
          Tone().tone(light.g * exposure + load_f(under[1] + x)),
          Tone().tone(light.b * exposure + load_f(under[2] + x))};
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

template <bool kClear>
HWY_INLINE void resolve_pair(const ViewParams& view, const Light* lights, uint32_t count, const Glow& glow,
                             const FrameLayout& layout, uint32_t pair, float* scratch, std::byte* frame) {
  const size_t n = lanes(), width = layout.width, padded = lights[0].stride, line = padded + kPad;
  float* const under[3] = {scratch, scratch + line, scratch + 2 * line};
  glow_row(view, glow, pair, layout.width, under);
  const F exposure = splat_f(view.light.z);
  const F dither[2] = {load_f(kDither[0]), load_f(kDither[1])}, half = splat_f(0.5f);
  const bool rgb = layout.format == PixelFormat::rgba || layout.format == PixelFormat::bgra;
  const uint32_t rows = std::min(2u, layout.height - pair * 2);
  auto row_at = [&](size_t plane, size_t y, size_t bytes) {
    return Row{frame + layout.offset[plane] + y * layout.stride[plane], bytes};
  };
  const Row main_row[2] = {row_at(0, pair * 2, rgb ? width * 4 : width),
                           row_at(0, pair * 2 + 1, rgb ? width * 4 : width)};
  const size_t columns = (width + 1) / 2;
  const bool nv12 = layout.format == PixelFormat::nv12;
  const Row blue_row = row_at(1, pair, nv12 ? columns * 2 : columns), red_row = row_at(2, pair, columns);

  LitWords lit[2];
  for (size_t x = 0; x < width; x += 2 * n) {
    if (x % kPad == 0) {
      for (uint32_t y = 0; y < rows; ++y)
        lit[y] = lit_words<kClear>(lights, count, (pair * 2 + y) * padded + x);
    }
    Rgb color[2][2];  // by row, by half
    for (size_t h = 0; h < 2; ++h) {
      const size_t at = x % kPad + h * n;
      color[0][h] = tone_of(load_light<kClear>(lit[0], at), exposure, under, x + h * n);
      // An odd edge counts twice in its chroma, and two dark rows look alike.
      if (rows == 1 || lit[0].count + lit[1].count == 0)
        color[1][h] = color[0][h];
      else
        color[1][h] = tone_of(load_light<kClear>(lit[1], at), exposure, under, x + h * n);
    }
    for (uint32_t y = 0; y < rows; ++y) {
      for (size_t h = 0; h < 2; ++h) {
        const Rgb& c = color[y][h];
        if (rgb) {
          store_rgb(c, dither[y], layout.format == PixelFormat::rgba, main_row[y], x + h * n);
        } else {
          F luma = Tone().luma_code(Tone().luma_of(c.r, c.g, c.b)) + dither[y];
          main_row[y].write(x + h * n, n, [&](uint8_t* to) HWY_ATTR { store_bytes(luma, to); });
        }
      }
    }
    if (rgb) continue;

    F sum[3][2];
    for (size_t h = 0; h < 2; ++h) {
      sum[0][h] = color[0][h].r + color[1][h].r;
      sum[1][h] = color[0][h].g + color[1][h].g;
      sum[2][h] = color[0][h].b + color[1][h].b;
    }
    if (HWY_UNLIKELY(width % 2 == 1 && x + 2 * n > width)) {
      for (auto& s : sum) repeat_column(s[0], s[1], width - 1 - x);
    }
    F red = mean_of_four(sum[0][0], sum[0][1]), green = mean_of_four(sum[1][0], sum[1][1]),
      blue = mean_of_four(sum[2][0], sum[2][1]);
    F luma = Tone().luma_of(red, green, blue);
    F cb = Tone().blue_code(blue, luma) + half, cr = Tone().red_code(red, luma) + half;
    if (nv12) {
      const hn::Rebind<uint8_t, DF> d8;
      auto code = [&](F v) HWY_ATTR { return hn::DemoteTo(d8, hn::ConvertTo(DI(), v.v)); };
      blue_row.write(x, 2 * n,
                     [&](uint8_t* to) HWY_ATTR { hn::StoreInterleaved2(code(cb), code(cr), d8, to); });
    } else {
      blue_row.write(x / 2, n, [&](uint8_t* to) HWY_ATTR { store_bytes(cb, to); });
      red_row.write(x / 2, n, [&](uint8_t* to) HWY_ATTR { store_bytes(cr, to); });
    }
  }
}

void resolve(const ViewParams& view, const Light* lights, uint32_t count, Glow glow,
             const FrameLayout& layout, uint32_t pair, bool clear, float* scratch, std::byte* frame) {
  if (clear)
    resolve_pair<true>(view, lights, count, glow, layout, pair, scratch, frame);
  else
    resolve_pair<false>(view, lights, count, glow, layout, pair, scratch, frame);
}

const Kernel* kernel() {
  static const Kernel table{hwy::TargetName(HWY_TARGET), birth, move, draw, glow_across, glow_down, resolve};
  return &table;
}

}  // namespace campaign::particles::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace campaign::particles::cpu {

HWY_EXPORT(kernel);

const Kernel& best_kernel() { return *HWY_DYNAMIC_DISPATCH(kernel)(); }

}  // namespace campaign::particles::cpu
#endif
