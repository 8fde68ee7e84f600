// Says from the trend of the delay whether we send more than the network carries (draft-ietf-rmcat-gcc-02,
// section 5.4).
#pragma once

#include <optional>

#include "congestion/adaptive_threshold.hpp"
#include "congestion/packet_feedback.hpp"

namespace campaign::congestion {

class OveruseDetector {
 public:
  // `samples`: groups that the trend rests on. `sent`: time between this group and the one before, at the
  // sender.
  Usage detect(double trend, int samples, TimeDelta sent, Timestamp arrival);

  Usage usage() const { return usage_; }
  void reset() { *this = {}; }

 private:
  AdaptiveThreshold threshold_;
  Usage usage_ = Usage::normal;
  std::optional<TimeDelta> above_;  // for how long the trend has been above the threshold
  int groups_above_ = 0;
  double last_trend_ = 0;
};

}  // namespace campaign::congestion
