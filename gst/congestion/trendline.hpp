// The slope of the one-way delay over the last groups: how much faster than the network carries we send
// (libwebrtc's trendline estimator, which replaced the Kalman filter of draft-ietf-rmcat-gcc-02,
// section 5.3).
#pragma once

#include <array>
#include <cstddef>

#include "congestion/inter_arrival.hpp"

namespace campaign::congestion {

class Trendline {
 public:
  // The slope, (send rate − capacity) / capacity: above 0 the queue grows, below it shrinks. 0 until the
  // window is full.
  double add(const GroupDelta& delta);

  // Groups seen, up to the number that counts.
  int samples() const { return samples_; }
  void reset() { *this = {}; }

 private:
  static constexpr std::size_t kWindow = 20;  // groups; libwebrtc trendline_estimator
  struct Point {
    double arrival_ms, smoothed_delay_ms;
  };
  double slope() const;

  std::array<Point, kWindow> points_{};
  std::size_t count_ = 0;  // points ever, so the next one's place is count_ % kWindow
  int samples_ = 0;
  Timestamp first_arrival_;
  double delay_ms_ = 0, smoothed_delay_ms_ = 0;
  double last_slope_ = 0;
};

}  // namespace campaign::congestion
