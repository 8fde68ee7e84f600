#include "congestion/application_limit.hpp"

#include <algorithm>

namespace campaign::congestion {
namespace {

constexpr double kUsedRatio = 0.65;          // libwebrtc alr_detector: bandwidth_usage_ratio
constexpr double kStart = 0.8, kStop = 0.5;  // libwebrtc alr_detector: budget levels
constexpr double kWindowMs = 500;            // libwebrtc interval_budget

}  // namespace

void ApplicationLimit::on_sent(DataSize size, DataRate estimate, Timestamp now) {
  const double rate = std::max(kUsedRatio * double(estimate.bps()), 1.0);
  level_ms_ = std::max(level_ms_ - double(size.bits()) * 1000 / rate, -kWindowMs);
  on_time(estimate, now);
}

void ApplicationLimit::on_time(DataRate estimate, Timestamp now) {
  if (last_ && now > *last_) level_ms_ = std::min(level_ms_ + (now - *last_).ms(), kWindowMs);
  last_ = std::max(last_.value_or(now), now);
  if (level_ms_ > kStart * kWindowMs) {
    if (!since_) since_ = now;
  } else if (level_ms_ < kStop * kWindowMs) {
    since_.reset();
  }
}

}  // namespace campaign::congestion
