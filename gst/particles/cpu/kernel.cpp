#include "particles/cpu/kernel.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

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

template <bool kMove, bool kDraw>
HWY_INLINE void walk(Motion* motion, const ViewParams* view, const CohortLanes* cohorts, State s,
                     uint32_t begin, uint32_t end, Light light, Light glow) {
  const uint32_t n = static_cast<uint32_t>(lanes());
  const U iota{hn::Iota(DU(), 0)};
  Block block;
  for (uint32_t from = begin; from < end; from += kBlock) {
    const uint32_t to = std::min(from + kBlock, end);
    for (uint32_t i = from; i < to; i += n) {
      U id = splat_u(i) + iota;
      U salt = salt_of(id);
      F px = load_f(s.px + i), py = load_f(s.py + i), pz = load_f(s.pz + i);
      F vx = load_f(s.vx + i), vy = load_f(s.vy + i), vz = load_f(s.vz + i);
      if constexpr (kMove) {
        motion->move(salt, px, py, pz, vx, vy, vz);
        store_f(px, s.px + i), store_f(py, s.py + i), store_f(pz, s.pz + i);
        store_f(vx, s.vx + i), store_f(vy, s.vy + i), store_f(vz, s.vz + i);
      }
      if constexpr (kDraw) {
        const ViewParams& V = *view;
        Splatting draw(V);
        const uint32_t lane = i % CohortLanes::kLanes;
        F inverse_depth;
        U pixel = draw.pixel_of(px, py, pz, inverse_depth);
        F scale = draw.brightness_of(salt) * min_f(inverse_depth * splat_f(V.light.y), splat_f(2.0f)) *
                  splat_f(V.light.x);
        F heat = draw.heat_of(vx, vy, vz, load_f(cohorts->per_speed2 + lane));
        auto weight = [&](int c) HWY_ATTR {
          return draw.weight_of(load_f(cohorts->slow[c] + lane), load_f(cohorts->fast[c] + lane), heat, scale,
                                salt);
        };
        U r = weight(0), g = weight(1), b = weight(2);
        U low = r | (g << 21u), high = (g >> 11u) | (b << 10u);
        hn::StoreInterleaved2(low.v, high.v, DU(), reinterpret_cast<uint32_t*>(block.word + (i - from)));
        U x = pixel & splat_u(0xFFFFu), y = pixel >> 16u;
        auto seen =
            hn::And(hn::Ne(pixel.v, hn::Set(DU(), draw.kNoPixel)), hn::Lt(id.v, hn::Set(DU(), V.target.y)));
        U at = y * splat_u(light.stride) + x;
        U glow_at = (y >> kGlowShift) * splat_u(glow.stride) + (x >> kGlowShift);
        hn::Store(hn::IfThenElse(seen, at.v, hn::Set(DU(), light.stride * light.rows)), DU(),
                  block.at + (i - from));
        hn::Store(hn::IfThenElse(seen, glow_at.v, hn::Set(DU(), glow.stride * glow.rows)), DU(),
                  block.glow_at + (i - from));
        for (uint32_t k = i - from; k < i - from + n; ++k) __builtin_prefetch(light.words + block.at[k], 1);
      }
    }
    if constexpr (kDraw) {
      const uint32_t count = to - from;
      for (uint32_t i = 0; i < count; ++i) {
        add(light.words, block.at[i], block.word[i]);
        light.lit[block.at[i] / kPad] = 1;
      }
      for (uint32_t i = 0; i < count; i += kGlowStride) add(glow.words, block.glow_at[i], block.word[i]);
    }
  }
}

void move(const Step& step, const uint32_t* noise, State state, uint32_t begin, uint32_t end) {
  Motion motion(step, noise);
  walk<true, false>(&motion, nullptr, nullptr, state, begin, end, {}, {});
}

void draw(const ViewParams& view, const CohortLanes& cohorts, State state, uint32_t begin, uint32_t end,
          Light light, Light glow) {
  walk<false, true>(nullptr, &view, &cohorts, state, begin, end, light, glow);
}

void move_and_draw(const Step& step, const uint32_t* noise, const ViewParams& view,
                   const CohortLanes& cohorts, State state, uint32_t begin, uint32_t end, Light light,
                   Light glow) {
  Motion motion(step, noise);
  walk<true, true>(&motion, &view, &cohorts, state, begin, end, light, glow);
}

// Sums of several accumulators. A pixel that is full in one of them, or in the sum, stays full: no carry.
HWY_INLINE uint64_t add_full(uint64_t a, uint64_t b) {
  if (HWY_UNLIKELY((a | b) & kFull)) return kFull;
  return a + b;
}

void glow_across(const ViewParams& view, const Light* glows, uint32_t count, uint32_t row, Glow to) {
  const int reach = static_cast<int>(view.ground.w);
  const int width = static_cast<int>(to.width);
  constexpr uint32_t kMost = 4096;  // cells a row: 32768 pixels
  float line[3][kMost];
  for (int x = 0; x < width; ++x) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; ++i)
      sum = add_full(sum, glows[i].words[row * glows[i].stride + static_cast<uint32_t>(x)]);
    bool full = sum & kFull;
    for (int c = 0; c < 3; ++c) {
      line[c][x] = full ? 1048576.0f : static_cast<float>(static_cast<int32_t>((sum >> (21 * c)) & 0x1FFFFF));
    }
  }
  for (int c = 0; c < 3; ++c) {
    float* out = to.plane[c] + size_t{row} * to.stride;
    for (int x = 0; x < width; ++x) out[x] = line[c][x];
    float ratio = std::exp(-2.0f / static_cast<float>(reach * reach)), step_ratio = ratio * ratio;
    float weight = 1, total = 1;
    for (int i = 1; i <= reach; ++i) {
      weight *= ratio;
      ratio *= step_ratio;
      total += 2 * weight;
      for (int x = 0; x < width; ++x) {
        out[x] += weight * (line[c][std::max(x - i, 0)] + line[c][std::min(x + i, width - 1)]);
      }
    }
    for (int x = 0; x < width; ++x) out[x] /= total;
  }
}

void glow_down(const ViewParams& view, Glow across, uint32_t row, Glow to) {
  const int reach = static_cast<int>(view.ground.w);
  const int rows = static_cast<int>(to.rows), y = static_cast<int>(row);
  for (int c = 0; c < 3; ++c) {
    auto line = [&](int at) {
      return across.plane[c] + static_cast<size_t>(std::clamp(at, 0, rows - 1)) * across.stride;
    };
    float* out = to.plane[c] + size_t{row} * to.stride;
    std::memcpy(out, line(y), to.width * sizeof(float));
    float ratio = std::exp(-2.0f / static_cast<float>(reach * reach)), step_ratio = ratio * ratio;
    float weight = 1, total = 1;
    for (int i = 1; i <= reach; ++i) {
      weight *= ratio;
      ratio *= step_ratio;
      total += 2 * weight;
      const float *a = line(y - i), *b = line(y + i);
      for (uint32_t x = 0; x < to.width; ++x) out[x] += weight * (a[x] + b[x]);
    }
    for (uint32_t x = 0; x < to.width; ++x) out[x] /= total;
  }
}

// The glow and the background under a pair of rows, one value a pixel.
HWY_INLINE void glow_row(const ViewParams& view, const Glow& glow, uint32_t pair, uint32_t width,
                         float* out[3]) {
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

template <bool kClear>
HWY_INLINE void resolve_pair(const ViewParams& view, const Light* lights, uint32_t count, const Glow& glow,
                             const FrameLayout& layout, uint32_t pair, float* scratch, std::byte* frame) {
  const size_t n = lanes();
  const uint32_t width = layout.width, padded = lights[0].stride;
  const size_t line = padded + kPad;
  float* under[3] = {scratch, scratch + line, scratch + 2 * line};
  float* sum[3] = {scratch + 3 * line, scratch + 4 * line, scratch + 5 * line};
  auto* bytes = reinterpret_cast<uint8_t*>(scratch + 6 * line);  // two lines of floats: eight of bytes
  glow_row(view, glow, pair, width, under);
  const bool rgb = layout.format == PixelFormat::rgba || layout.format == PixelFormat::bgra;
  const F exposure = splat_f(view.light.z);
  for (uint32_t row = 0; row < 2; ++row) {
    const uint32_t y = pair * 2 + row;
    if (y >= layout.height) {  // an odd edge counts twice in its chroma
      for (size_t c = 0; c < 3; ++c) {
        for (size_t x = 0; x < padded; x += n) store_f(load_f(sum[c] + x) + load_f(sum[c] + x), sum[c] + x);
      }
      break;
    }
    const F dither = load_f(kDither[row]);
    auto* out = reinterpret_cast<uint8_t*>(frame) + layout.offset[0] + size_t{y} * layout.stride[0];
    LitWords lit;
    for (size_t x = 0; x < width; x += n) {
      if (x % kPad == 0) lit = lit_words<kClear>(lights, count, size_t{y} * padded + x);
      Rgb light = load_light<kClear>(lit, x % kPad);
      F r = Tone().tone(light.r * exposure + load_f(under[0] + x));
      F g = Tone().tone(light.g * exposure + load_f(under[1] + x));
      F b = Tone().tone(light.b * exposure + load_f(under[2] + x));
      const bool tail = x + n > width;
      if (rgb) {
        auto code = [&](F v) HWY_ATTR { return to_u(v * splat_f(255.0f) + dither); };
        U r8 = code(r), g8 = code(g), b8 = code(b);
        U words = (layout.format == PixelFormat::rgba ? r8 | (b8 << 16u) : b8 | (r8 << 16u)) | (g8 << 8u) |
                  splat_u(0xFF000000u);
        uint8_t* to = tail ? bytes : out + x * 4;
        hn::StoreU(words.v, DU(), reinterpret_cast<uint32_t*>(to));
        if (tail) std::memcpy(out + x * 4, bytes, (width - x) * 4);
        continue;
      }
      uint8_t* to = tail ? bytes : out + x;
      store_bytes(Tone().luma_code(Tone().luma_of(r, g, b)) + dither, to);
      if (tail) std::memcpy(out + x, bytes, width - x);
      const F all[3] = {r, g, b};
      for (size_t c = 0; c < 3; ++c) store_f(row == 0 ? all[c] : load_f(sum[c] + x) + all[c], sum[c] + x);
    }
  }
  if (rgb) return;
  if (width % 2 == 1) {
    for (auto* s : sum) s[width] = s[width - 1];
  }

  const uint32_t chroma = (width + 1) / 2;
  const F quarter = splat_f(0.25f), half = splat_f(0.5f);
  for (size_t x = 0; x < chroma; x += n) {
    F mean[3];
    for (size_t c = 0; c < 3; ++c) {
      F even, odd;
      hn::LoadInterleaved2(DF(), sum[c] + 2 * x, even.v, odd.v);
      mean[c] = (even + odd) * quarter;
    }
    F luma = Tone().luma_of(mean[0], mean[1], mean[2]);
    F cb = Tone().blue_code(mean[2], luma) + half, cr = Tone().red_code(mean[0], luma) + half;
    if (layout.format == PixelFormat::nv12) {
      const hn::Rebind<uint8_t, DF> d8;
      auto code = [&](F v) HWY_ATTR { return hn::DemoteTo(d8, hn::ConvertTo(DI(), v.v)); };
      hn::StoreInterleaved2(code(cb), code(cr), d8, bytes + 2 * x);
    } else {
      store_bytes(cb, bytes + x);
      store_bytes(cr, bytes + line + x);
    }
  }
  auto* to = reinterpret_cast<uint8_t*>(frame) + size_t{pair} * layout.stride[1];
  if (layout.format == PixelFormat::nv12) {
    std::memcpy(to + layout.offset[1], bytes, size_t{chroma} * 2);
  } else {
    std::memcpy(to + layout.offset[1], bytes, chroma);
    std::memcpy(to + layout.offset[2], bytes + line, chroma);
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
  static const Kernel table{
      hwy::TargetName(HWY_TARGET), birth, move, draw, move_and_draw, glow_across, glow_down, resolve};
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
