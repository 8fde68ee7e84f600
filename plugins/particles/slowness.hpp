// Whether a machine is too slow for the frames of a live source, which then leaves out ever more of them: the
// longer one takes, the further away is the next. One thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace campaign {

class Slowness {
 public:
  // To be told once a second, or after a frame that took longer, the mean time that a frame took and how long
  // one lasts, in nanoseconds, and of how many particles. True when the former has been more for two seconds
  // on end, once for so many: fewer of them are another matter. Nothing follows from the first second, in
  // which the world is made.
  bool is_news(uint64_t took, uint64_t lasts, uint32_t particles) {
    constexpr uint64_t kSecond = 1'000'000'000;
    const bool first = !begun_;
    begun_ = true;
    if (first || took <= lasts) {
      slow_for_ = 0;
      return false;
    }
    slow_for_ += std::max(kSecond, took);
    if (slow_for_ < 2 * kSecond || particles >= told_) return false;
    told_ = particles;
    return true;
  }

 private:
  bool begun_ = false;
  uint64_t slow_for_ = 0;                                 // nanoseconds
  uint32_t told_ = std::numeric_limits<uint32_t>::max();  // of so many
};

}  // namespace campaign
