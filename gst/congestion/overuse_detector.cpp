#include "congestion/overuse_detector.hpp"

#include <algorithm>

namespace campaign::congestion {
namespace {

constexpr double kGain = 4;                            // libwebrtc trendline_estimator: threshold gain
constexpr int kMostSamples = 60;                       // libwebrtc trendline_estimator: min_num_deltas
constexpr TimeDelta kOveruseTime = TimeDelta::ms(10);  // draft, 5.4: overuse_time_th

}  // namespace

Usage OveruseDetector::detect(double trend, int samples, TimeDelta sent, Timestamp arrival) {
  if (samples < 2) return usage_ = Usage::normal;
  const double modified = std::min(samples, kMostSamples) * trend * kGain;
  if (modified > threshold_.value()) {
    // The first sample has been above for half of its time, on average.
    above_ = above_ ? *above_ + sent : sent * 0.5;
    ++groups_above_;
    if (*above_ > kOveruseTime && groups_above_ > 1 && trend >= last_trend_) {
      above_ = TimeDelta();
      groups_above_ = 0;
      usage_ = Usage::overuse;
    }
  } else {
    above_.reset();
    groups_above_ = 0;
    usage_ = modified < -threshold_.value() ? Usage::underuse : Usage::normal;
  }
  last_trend_ = trend;
  threshold_.follow(modified, arrival);
  return usage_;
}

}  // namespace campaign::congestion
