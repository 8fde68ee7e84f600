// When each particle was born last, kept with a state: so whoever sees only some of a world's states, and
// perhaps loses some more, still learns who was born in between. A plain value of fixed size. Safe to read
// from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "particles/world.hpp"

namespace campaign::particles {

class Births {
 public:
  // After each step of the world, in order.
  void count(const Step& step);

  // How many there were: a time that goes on through pauses, seeks and other scenes.
  uint64_t steps() const { return steps_; }

  // Sets the flag of each of the first flags.size() particles that was born after step number `since`, clears
  // the others.
  void mark(uint64_t since, std::span<uint8_t> flags) const;

 private:
  struct Growth {
    uint64_t step = 0;
    uint32_t from = 0;  // all particles from this one on were born in that step
  };
  static constexpr uint32_t kMostGrowths = 8;

  uint64_t steps_ = 0;
  std::array<uint64_t, kClasses> last_{};  // by class: the step in which it was born last
  // Each later and from farther up than the one before: a growth hides those that began above it.
  std::array<Growth, kMostGrowths> growths_{};
  uint32_t grown_ = 0;
};

}  // namespace campaign::particles
