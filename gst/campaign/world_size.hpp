// How large a world its source is asked for, and whether what comes is large enough to be drawn: it is
// simulated at the largest count that a watched rung draws. Plain C++, on the thread that feeds the rungs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace campaign {

class WorldSize {
 public:
  // Pictures, half a second of them at 30 a second, in which a source grows that can.
  static constexpr unsigned kPatience = 15;

  // From here on the world has so many particles.
  void came(std::uint32_t particles) {
    here_ = particles;
    most_ = std::max(most_, particles);
    waited_ = 0;
  }

  // For every picture. The count to ask the source for, when it is another than before.
  std::optional<std::uint32_t> need(std::uint32_t particles) {
    if (asked_ != particles) {
      asked_ = particles;
      waited_ = 0;
      return particles;
    }
    if (!has(particles) && ++waited_ > kPatience) most_ = here_;
    return std::nullopt;
  }

  // Whether so many can be drawn, or all that the source has.
  bool has(std::uint32_t particles) const { return here_ >= std::min(particles, most_); }

 private:
  std::uint32_t here_ = 0, most_ = 0, asked_ = 0;
  unsigned waited_ = 0;
};

}  // namespace campaign
