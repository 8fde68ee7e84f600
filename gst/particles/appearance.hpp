// What a step says about single particles, for consumers other than the renderers: which were just born, and
// what light each gives. The formulas are the kernel's own sources. Pure functions, safe from any thread.
#pragma once

#include <cstdint>
#include <span>

#include "particles/world.hpp"

namespace campaign::particles {

// Sets the flag of each of the first flags.size() particles that `step` gave birth to; leaves the others, so
// that the births of several steps can be collected.
void mark_newborn(const Step& step, std::span<uint8_t> flags);

struct Rgb8 {
  uint8_t r = 0, g = 0, b = 0;
  bool operator==(const Rgb8&) const = default;
};

// Full scale of the bytes, as linear light of one particle.
inline constexpr float kFullLight = 2;

// The light of the first to.size() particles: byte = round(255 sqrt(light / kFullLight)), so
// light = kFullLight (byte / 255)^2. Velocities in units per second.
void light_of(std::span<const Cohort, kClasses> cohorts, std::span<const float> vx, std::span<const float> vy,
              std::span<const float> vz, std::span<Rgb8> to);
inline void light_of(const Step& step, std::span<const float> vx, std::span<const float> vy,
                     std::span<const float> vz, std::span<Rgb8> to) {
  light_of(step.cohorts, vx, vy, vz, to);
}

}  // namespace campaign::particles
