#include "particles/births.hpp"

#include <algorithm>

namespace campaign::particles {

void Births::count(const Step& step) {
  ++steps_;
  for (uint32_t n = 0; n < step.params.births.x; ++n) last_[step.cohorts[n].life.z] = steps_;
  const uint32_t from = step.params.count.y;
  if (from >= step.params.count.x) return;
  while (grown_ > 0 && growths_[grown_ - 1].from >= from) --grown_;
  if (grown_ ==
      kMostGrowths) {  // two count as one: some particles of the older are called younger than they are
    growths_[1].from = growths_[0].from;
    std::copy(growths_.begin() + 1, growths_.end(), growths_.begin());
    --grown_;
  }
  growths_[grown_++] = {steps_, from};
}

void Births::mark(uint64_t since, std::span<uint8_t> flags) const {
  std::array<uint8_t, kClasses> born;
  std::ranges::transform(last_, born.begin(), [&](uint64_t step) { return uint8_t{step > since}; });
  for (size_t i = 0; i < flags.size(); ++i) flags[i] = born[i / 4 % kClasses];
  for (uint32_t i = 0; i < grown_; ++i) {
    if (growths_[i].step <= since || growths_[i].from >= flags.size()) continue;
    std::fill(flags.begin() + growths_[i].from, flags.end(), uint8_t{1});
    return;
  }
}

}  // namespace campaign::particles
