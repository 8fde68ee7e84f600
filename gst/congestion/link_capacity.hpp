// What the link carried each time it was overused: near it the rate grows carefully, far from it quickly
// (draft-ietf-rmcat-gcc-02, section 5.5: the average and deviation of the incoming rate at overuse).
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "congestion/units.hpp"

namespace campaign::congestion {

class LinkCapacity {
 public:
  void on_overuse(DataRate acknowledged) {
    const double sample = acknowledged.kbps();
    mean_ = mean_ ? (1 - kWeight) * *mean_ + kWeight * sample : sample;
    const double error = *mean_ - sample;
    variance_ = (1 - kWeight) * variance_ + kWeight * error * error / std::max(*mean_, 1.0);
    variance_ = std::clamp(variance_, kLeastVariance, kMostVariance);
  }
  void forget() { mean_.reset(); }

  bool known() const { return mean_.has_value(); }
  DataRate lower_bound() const { return mean_ ? rate(*mean_ - 3 * deviation()) : DataRate(); }
  DataRate upper_bound() const { return mean_ ? rate(*mean_ + 3 * deviation()) : DataRate::infinite(); }
  DataRate mean() const { return rate(mean_.value_or(0)); }

 private:
  static constexpr double kWeight = 0.05;  // draft, 5.5: between 0.9 and 0.95 for the past
  static constexpr double kLeastVariance = 0.4,
                          kMostVariance = 2.5;  // kbit/s, relative; libwebrtc link_capacity

  static DataRate rate(double kbps) { return DataRate::bps(std::int64_t(std::max(kbps, 0.0) * 1000)); }
  double deviation() const { return std::sqrt(variance_ * *mean_); }

  std::optional<double> mean_;  // kbit/s
  double variance_ = kLeastVariance;
};

}  // namespace campaign::congestion
