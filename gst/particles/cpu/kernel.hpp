// The vector half of the CPU engine: pure loops over memory that somebody else owns, compiled for each
// instruction set and chosen once at run time. Different calls may run on different threads as long as they
// write to different places.
#pragma once

#include <cstddef>
#include <cstdint>

#include "particles/frame.hpp"
#include "particles/world.hpp"

namespace campaign::particles::cpu {

inline constexpr uint32_t kMostLights = 8;  // accumulators that one picture is summed from
inline constexpr uint32_t kPad = 64;        // rows of pixels and arrays of particles are multiples of this

// The particles, one array a component.
struct State {
  float *px, *py, *pz, *vx, *vy, *vz;
};

// A light accumulator: one 64-bit word a pixel, rows of `stride`, and one more word for what is off the
// picture. As in shaders/accumulate.glsl. `lit` has a byte for each kPad words, not zero once light fell
// there: what is dark needs neither reading nor clearing, and a frame's cost is the memory it touches.
struct Light {
  uint64_t* words;
  uint8_t* lit;
  uint32_t stride, rows;
};

// Cohort values of 4 * kClasses consecutive particles, ready to load as vectors.
struct CohortLanes {
  static constexpr uint32_t kLanes = 4 * kClasses;
  alignas(64) float slow[3][kLanes], fast[3][kLanes], per_speed2[kLanes];
};

struct Glow {  // the spread glow, planar; `stride` cells a row with kPad to spare
  float* plane[3];
  uint32_t stride, width, rows;
};

struct Kernel {
  const char* name;  // of the instruction set

  // All particles of cohort `which` with groups from `first_group` below `end_group`.
  void (*birth)(const Step&, State, uint32_t which, uint32_t first_group, uint32_t end_group);
  // Particles [begin, end), begin a multiple of kPad.
  void (*move)(const Step&, const uint32_t* noise, State, uint32_t begin, uint32_t end);
  void (*draw)(const ViewParams&, const CohortLanes&, State, uint32_t begin, uint32_t end, Light, Light glow);

  // Row `row` of the glow: summed over the accumulators into floats, spread along x; then along y.
  void (*glow_across)(const ViewParams&, const Light* glows, uint32_t count, uint32_t row, Glow to);
  void (*glow_down)(const ViewParams&, Glow across, uint32_t row, Glow to);

  // Rows 2 * pair and 2 * pair + 1 of the picture. `clear` leaves the accumulators' rows zero.
  // `scratch` is the thread's own, of scratch_size(width) floats.
  void (*resolve)(const ViewParams&, const Light* lights, uint32_t count, Glow, const FrameLayout&,
                  uint32_t pair, bool clear, float* scratch, std::byte* frame);
};

constexpr size_t scratch_size(uint32_t width) {
  return size_t{3} * ((width + kPad - 1) / kPad * kPad + kPad);
}

const Kernel& best_kernel();

}  // namespace campaign::particles::cpu
