#include "particles/appearance.hpp"

#include <algorithm>
#include <cmath>

namespace campaign::particles {
namespace {

// The kernel's vocabulary for one particle at a time; its other twins are shaders/kernel/lanes.glsl and
// cpu/lanes-inl.hpp.
using F = float;
using U = uint32_t;
using M = bool;

inline F splat_f(float x) { return x; }
inline U splat_u(uint x) { return x; }
inline F to_f(U x) { return static_cast<float>(static_cast<int32_t>(x)); }
inline U to_u(F x) { return static_cast<uint32_t>(static_cast<int32_t>(x)); }
inline F min_f(F a, F b) { return std::min(a, b); }
inline F max_f(F a, F b) { return std::max(a, b); }
inline M less(F a, F b) { return a < b; }
inline M greater(F a, F b) { return a > b; }
inline M both(M a, M b) { return a && b; }
inline F select(M m, F yes, F no) { return m ? yes : no; }
inline U select_u(M m, U yes, U no) { return m ? yes : no; }

constexpr ViewParams V;  // the projection in light.h is not used here

#define KERNEL [[maybe_unused]] inline
#define OUT(T) T&
#include "shaders/kernel/light.h"
#include "shaders/kernel/salt.h"
#undef KERNEL
#undef OUT

uint8_t byte_of(float light) {
  return static_cast<uint8_t>(std::lround(255 * std::sqrt(std::clamp(light / kFullLight, 0.0f, 1.0f))));
}

}  // namespace

void mark_newborn(const Step& step, std::span<uint8_t> flags) {
  constexpr size_t kRound = size_t{4} * kClasses;  // particles until the classes repeat
  for (uint32_t n = 0; n < step.params.births.x; ++n) {
    for (size_t group = size_t{4} * step.cohorts[n].life.z; group < flags.size(); group += kRound) {
      std::fill(flags.begin() + group, flags.begin() + std::min(group + 4, flags.size()), uint8_t{1});
    }
  }
  const size_t fresh = step.params.count.y;
  if (fresh < flags.size()) std::fill(flags.begin() + fresh, flags.end(), uint8_t{1});
}

void light_of(std::span<const Cohort, kClasses> cohorts, std::span<const float> vx, std::span<const float> vy,
              std::span<const float> vz, std::span<Rgb8> to) {
  const size_t count = std::min({vx.size(), vy.size(), vz.size(), to.size()});
  for (size_t i = 0; i < count; ++i) {
    const Cohort& cohort = cohorts[i / 4 % kClasses];
    const float heat = heat_of(vx[i], vy[i], vz[i], cohort.fast.w);
    const float scale = brightness_of(salt_of(static_cast<uint32_t>(i)));
    to[i] = {byte_of((cohort.slow.x + heat * cohort.fast.x) * scale),
             byte_of((cohort.slow.y + heat * cohort.fast.y) * scale),
             byte_of((cohort.slow.z + heat * cohort.fast.z) * scale)};
  }
}

}  // namespace campaign::particles
