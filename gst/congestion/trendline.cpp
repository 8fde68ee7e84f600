#include "congestion/trendline.hpp"

#include <algorithm>

namespace campaign::congestion {
namespace {

constexpr double kSmoothing = 0.9;  // libwebrtc trendline_estimator
constexpr int kMostSamples = 1000;  // libwebrtc trendline_estimator

}  // namespace

double Trendline::add(const GroupDelta& delta) {
  if (count_ == 0) first_arrival_ = delta.arrival;
  samples_ = std::min(samples_ + 1, kMostSamples);
  delay_ms_ += (delta.received - delta.sent).ms();
  smoothed_delay_ms_ = kSmoothing * smoothed_delay_ms_ + (1 - kSmoothing) * delay_ms_;
  points_[count_++ % kWindow] = {(delta.arrival - first_arrival_).ms(), smoothed_delay_ms_};
  if (count_ >= kWindow) last_slope_ = slope();
  return last_slope_;
}

// Least squares.
double Trendline::slope() const {
  double mean_x = 0, mean_y = 0;
  for (const Point& point : points_) {
    mean_x += point.arrival_ms / double(kWindow);
    mean_y += point.smoothed_delay_ms / double(kWindow);
  }
  double covariance = 0, variance = 0;
  for (const Point& point : points_) {
    covariance += (point.arrival_ms - mean_x) * (point.smoothed_delay_ms - mean_y);
    variance += (point.arrival_ms - mean_x) * (point.arrival_ms - mean_x);
  }
  return variance > 0 ? covariance / variance : last_slope_;
}

}  // namespace campaign::congestion
