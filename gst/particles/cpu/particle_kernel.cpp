#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "particles/cpu/glow_cell.hpp"
#include "particles/cpu/kernel.hpp"

// Vectors are members of structs here, which those of SVE, whose length no compiler knows, cannot be.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "particles/cpu/particle_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace campaign::particles::cpu::HWY_NAMESPACE {

#include "particles/cpu/lanes-inl.hpp"

using std::max;  // the kernel says max() of two floats, as GLSL does

constexpr uint32_t kBlock = kPad;  // particles whose light is gathered before it is added

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

// The attractors that pull: the last one is the pointer's, and mostly rests.
uint32_t pulling(const Step& step) {
  const uint32_t last = step.shape.attractors - 1;
  const bool rests = step.params.attractor[last].w == 0 && step.params.attractor_shape[last].z == 0;
  return rests ? last : last + 1;
}

// How many there are of each force: whatever the scene has, or numbers that the compiler knows, so that the
// loops over them unroll and what is the same for all particles is worked out once.
struct AnyForces {
  const uint ATTRACTORS, SPHERES, PLANES;
  const bool TURBULENCE;
  explicit AnyForces(const Step& step)
      : ATTRACTORS(pulling(step)),
        SPHERES(step.shape.spheres),
        PLANES(step.shape.planes),
        TURBULENCE(step.shape.turbulence) {}
};
template <uint kAttractors, uint kSpheres, uint kPlanes, bool kTurbulence>
struct TheseForces {
  static constexpr uint ATTRACTORS = kAttractors, SPHERES = kSpheres, PLANES = kPlanes;
  static constexpr bool TURBULENCE = kTurbulence;
  explicit TheseForces(const Step&) {}
};

template <class Forces>
struct Motion : Forces {
  using Forces::ATTRACTORS, Forces::SPHERES, Forces::PLANES, Forces::TURBULENCE;
  const StepParams P;  // a copy, which no store of a particle can change
  const uint32_t* noise;
  Motion(const Step& step, const uint32_t* table) : Forces(step), P(step.params), noise(table) {}
  HWY_INLINE U noise_at(U i) const { return {hn::GatherIndex(DU(), noise, hn::BitCast(DI(), i.v))}; }
#include "shaders/kernel/motion.h"
};

struct Splatting {
  const ViewParams& V;
  explicit Splatting(const ViewParams& view) : V(view) {}
#include "shaders/kernel/light.h"

  struct Weights {
    HWY_INLINE Weights() {}
    U r, g, b;
  };
  // Of particles i and on; `lane` is theirs in the lanes of the cohorts.
  HWY_INLINE Weights weights_of(State s, uint32_t i, const CohortLanes& cohorts, uint32_t lane, U salt,
                                F inverse_depth) {
    F near = min_f(inverse_depth * splat_f(V.light.y), splat_f(2.0f));
    F scale = brightness_of(salt) * near * splat_f(V.light.x);
    F heat = heat_of(load_f(s.vx + i), load_f(s.vy + i), load_f(s.vz + i), load_f(cohorts.per_speed2 + lane));
    Weights weights;
    weights.r = weight_of(load_f(cohorts.slow[0] + lane), load_f(cohorts.fast[0] + lane), heat, scale, salt);
    weights.g = weight_of(load_f(cohorts.slow[1] + lane), load_f(cohorts.fast[1] + lane), heat, scale, salt);
    weights.b = weight_of(load_f(cohorts.slow[2] + lane), load_f(cohorts.fast[2] + lane), heat, scale, salt);
    return weights;
  }
};

#undef KERNEL
#undef OUT
#undef INOUT

HWY_INLINE size_t lanes() { return hn::Lanes(DF()); }

void birth(const Step& step, const uint32_t* noise, State state, uint32_t which, uint32_t first_group,
           uint32_t end_group) {
  Births births(step.params);
  Motion<AnyForces> motion(step, noise);
  const Cohort& cohort = step.cohorts[which];
  const uint32_t groups = static_cast<uint32_t>(lanes() / 4);  // of four particles, in a vector
  uint32_t group = first_group + (which + kClasses - first_group % kClasses) % kClasses;
  alignas(64) uint32_t ids[HWY_MAX_BYTES / 4];
  alignas(64) float out[6][HWY_MAX_BYTES / 4];
  float* const to[6] = {state.px, state.py, state.pz, state.vx, state.vy, state.vz};
  for (; group < end_group; group += groups * kClasses) {
    for (uint32_t lane = 0; lane < lanes(); ++lane) ids[lane] = (group + lane / 4 * kClasses) * 4 + lane % 4;
    const U id{hn::Load(DU(), ids)};
    F x[6];
    births.birth(id, cohort.life.y, cohort.life.x, x[0], x[1], x[2], x[3], x[4], x[5]);
    motion.move(salt_of(id), x[0], x[1], x[2], x[3], x[4], x[5]);
    for (int c = 0; c < 6; ++c) store_f(x[c], out[c]);
    for (uint32_t g = 0; g < groups && group + g * kClasses < end_group; ++g) {
      for (int c = 0; c < 6; ++c) std::memcpy(to[c] + ids[g * 4], out[c] + g * 4, 4 * sizeof(float));
    }
  }
}

// Vectors of half a cache line and less go in two passes over so many particles: one after another, the
// forces and the way of a particle are a chain too long for a processor to find work beside it.
constexpr bool kInTwoPasses = HWY_MAX_BYTES <= 32;
constexpr uint32_t kPass = 4 * kPad;

template <class Forces>
void move_by(const Step& step, const uint32_t* noise, State from, State to, uint32_t begin, uint32_t end) {
  Motion<Forces> motion(step, noise);
  const U iota{hn::Iota(DU(), 0)};
  const auto n = static_cast<uint32_t>(lanes());
  alignas(64) float velocity[3][kInTwoPasses ? kPass : 1];
  for (uint32_t block = begin; block < end; block += kPass) {
    const uint32_t block_end = std::min(block + kPass, end);
    for (uint32_t i = block; i < block_end; i += n) {
      F px = load_f(from.px + i), py = load_f(from.py + i), pz = load_f(from.pz + i);
      F vx = load_f(from.vx + i), vy = load_f(from.vy + i), vz = load_f(from.vz + i);
      motion.accelerate(salt_of(splat_u(i) + iota), px, py, pz, vx, vy, vz);
      if constexpr (kInTwoPasses) {
        const uint32_t k = i - block;
        store_f(vx, velocity[0] + k), store_f(vy, velocity[1] + k), store_f(vz, velocity[2] + k);
      } else {
        motion.travel(px, py, pz, vx, vy, vz);
        store_f(px, to.px + i), store_f(py, to.py + i), store_f(pz, to.pz + i);
        store_f(vx, to.vx + i), store_f(vy, to.vy + i), store_f(vz, to.vz + i);
      }
    }
    for (uint32_t i = block; i < block_end && kInTwoPasses; i += n) {
      const uint32_t k = i - block;
      F px = load_f(from.px + i), py = load_f(from.py + i), pz = load_f(from.pz + i);
      F vx = load_f(velocity[0] + k), vy = load_f(velocity[1] + k), vz = load_f(velocity[2] + k);
      motion.travel(px, py, pz, vx, vy, vz);
      store_f(px, to.px + i), store_f(py, to.py + i), store_f(pz, to.pz + i);
      store_f(vx, to.vx + i), store_f(vy, to.vy + i), store_f(vz, to.vz + i);
    }
  }
}

// Below these numbers of attractors, spheres and planes a loop is compiled for each of them.
constexpr uint kFewAttractors = 4, kFewSpheres = 2, kFewPlanes = 2;

template <uint... kWhich>
constexpr auto moves_by(std::integer_sequence<uint, kWhich...>) {
  return std::array{move_by<TheseForces<kWhich % kFewAttractors, kWhich / kFewAttractors % kFewSpheres,
                                        kWhich / (kFewAttractors * kFewSpheres) % kFewPlanes,
                                        kWhich / (kFewAttractors * kFewSpheres * kFewPlanes) != 0>>...};
}
constexpr auto kMovesBy =
    moves_by(std::make_integer_sequence<uint, kFewAttractors * kFewSpheres * kFewPlanes * 2>());

void move(const Step& step, const uint32_t* noise, State from, State to, uint32_t begin, uint32_t end) {
  const AnyForces forces(step);
  const bool few =
      forces.ATTRACTORS < kFewAttractors && forces.SPHERES < kFewSpheres && forces.PLANES < kFewPlanes;
  if (!few) return move_by<AnyForces>(step, noise, from, to, begin, end);
  const uint which =
      forces.ATTRACTORS +
      kFewAttractors *
          (forces.SPHERES + kFewSpheres * (forces.PLANES + kFewPlanes * (forces.TURBULENCE ? 1u : 0u)));
  kMovesBy[which](step, noise, from, to, begin, end);
}

// Light of one block, gathered as vectors and handed out one by one.
struct Block {
  alignas(64) uint32_t band[kBlock], glow_at[kBlock];
  alignas(64) Record record[kBlock];
};

// The light of particles i and on, one vector, into places `k` and on of the block.
HWY_INLINE void gather(const ViewParams& V, const CohortLanes& cohorts, State s, uint32_t i,
                       const Raster& raster, Light glow, Block& block, uint32_t k) {
  Splatting draw(V);
  const uint32_t lane = i % CohortLanes::kLanes;
  U salt = salt_of(splat_u(i) + U{hn::Iota(DU(), 0)});
  F inverse_depth;
  U across, down;
  M inside = draw.place_of(load_f(s.px + i), load_f(s.py + i), load_f(s.pz + i), across, down, inverse_depth);
  const auto weights = draw.weights_of(s, i, cohorts, lane, salt, inverse_depth);
  U x = (across * splat_u(V.raster.x)) >> V.place.x, y = (down * splat_u(V.raster.y)) >> V.place.x;
  U at = (y & splat_u(raster.band_rows() - 1)) * splat_u(raster.stride) + x;
  U low = at | (weights.r << 16u), high = weights.g | (weights.b << 16u);
  hn::StoreInterleaved2(low.v, high.v, DU(), reinterpret_cast<uint32_t*>(block.record + k));

  auto seen = hn::RebindMask(DU(), inside.v);
  U band{hn::ShiftRightSame(y.v, static_cast<int>(raster.band_shift))};
  U glow_at = (y >> kGlowShift) * splat_u(glow.stride) + (x >> kGlowShift);
  hn::Store(hn::IfThenElse(seen, band.v, hn::Set(DU(), raster.bands())), DU(), block.band + k);
  hn::Store(hn::IfThenElse(seen, glow_at.v, hn::Set(DU(), glow.stride * glow.rows)), DU(), block.glow_at + k);
}

void draw(const ViewParams& view, const CohortLanes& cohorts, State state, uint32_t begin, uint32_t end,
          const Raster& raster, PictureBands::Lists& lists, Light glow) {
  Block block;
  for (uint32_t from = begin; from < end; from += kBlock) {
    const uint32_t count = std::min(kBlock, end - from);
    for (uint32_t k = 0; k < count; k += static_cast<uint32_t>(lanes())) {
      gather(view, cohorts, state, from + k, raster, glow, block, k);
    }
    for (uint32_t k = 0; k < count; k += kGlowStride) __builtin_prefetch(glow.words + block.glow_at[k], 1);
#pragma GCC unroll 4
    for (uint32_t k = 0; k < count; ++k) lists.append(block.band[k], block.record[k]);
    for (uint32_t k = 0; k < count; k += kGlowStride)
      add_to_cell(glow.words, block.glow_at[k], block.record[k]);
  }
}

// The light of particles i and on, one vector, for several pictures; what is not of [begin, end) belongs to
// no band.
HWY_INLINE void gather_places(const ViewParams& V, const CohortLanes& cohorts, State s, uint32_t i,
                              uint32_t begin, uint32_t end, const Cut& cut, Block& block, uint32_t k) {
  Splatting draw(V);
  const uint32_t lane = i % CohortLanes::kLanes;
  U id = splat_u(i) + U{hn::Iota(DU(), 0)};
  U salt = salt_of(id);
  F inverse_depth;
  U across, down;
  M inside = draw.place_of(load_f(s.px + i), load_f(s.py + i), load_f(s.pz + i), across, down, inverse_depth);
  const auto weights = draw.weights_of(s, i, cohorts, lane, salt, inverse_depth);
  U band = (down * splat_u(cut.count)) >> kPlaceBits;
  U low = weights.r | (weights.g << kWeightBits) | (weights.b << (2 * kWeightBits));
  U high = across | (down << kPlaceBits);  // its upper bits fall off
  hn::StoreInterleaved2(low.v, high.v, DU(), reinterpret_cast<uint32_t*>(block.record + k));
  auto mine = hn::AndNot(hn::Lt(id.v, hn::Set(DU(), begin)), hn::Lt(id.v, hn::Set(DU(), end)));
  auto seen = hn::And(hn::RebindMask(DU(), inside.v), mine);
  hn::Store(hn::IfThenElse(seen, band.v, hn::Set(DU(), cut.count)), DU(), block.band + k);
}

void sort(const ViewParams& view, const CohortLanes& cohorts, State state, uint32_t begin, uint32_t end,
          const Cut& cut, SortedLight::Lights::Lists& lights, SortedLight::Glows::Lists& glows) {
  Block block;
  for (uint32_t from = begin / kBlock * kBlock; from < end; from += kBlock) {
    const uint32_t count = std::min(kBlock, end - from);
    for (uint32_t k = 0; k < count; k += static_cast<uint32_t>(lanes())) {
      gather_places(view, cohorts, state, from + k, begin, end, cut, block, k);
    }
#pragma GCC unroll 4
    for (uint32_t k = 0; k < count; ++k) lights.append(block.band[k], block.record[k]);
    for (uint32_t k = 0; k < count; k += kGlowStride) glows.append(block.band[k], block.record[k]);
  }
}

const ParticleKernel* particle_kernel() {
  static const ParticleKernel table{hwy::TargetName(HWY_TARGET), move, birth, draw, sort};
  return &table;
}

}  // namespace campaign::particles::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace campaign::particles::cpu {

HWY_EXPORT(particle_kernel);

const ParticleKernel& best_particle_kernel() { return *HWY_DYNAMIC_DISPATCH(particle_kernel)(); }

}  // namespace campaign::particles::cpu
#endif
