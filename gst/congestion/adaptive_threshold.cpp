#include "congestion/adaptive_threshold.hpp"

#include <algorithm>
#include <cmath>

namespace campaign::congestion {
namespace {

constexpr double kUp = 0.0087, kDown = 0.039;  // per ms; libwebrtc trendline_estimator
constexpr double kLowest = 6, kHighest = 600;  // ms; draft, 5.4
constexpr double kOutlier = 15;                // ms; draft, 5.4: a spike this far above teaches nothing
constexpr TimeDelta kLongestStep = TimeDelta::ms(100);  // libwebrtc trendline_estimator

}  // namespace

void AdaptiveThreshold::follow(double modified_trend, Timestamp arrival) {
  const double size = std::abs(modified_trend);
  const TimeDelta step = last_ ? std::clamp(arrival - *last_, TimeDelta(), kLongestStep) : TimeDelta();
  last_ = arrival;
  if (size > value_ + kOutlier) return;
  value_ += (size < value_ ? kDown : kUp) * (size - value_) * step.ms();
  value_ = std::clamp(value_, kLowest, kHighest);
}

}  // namespace campaign::congestion
