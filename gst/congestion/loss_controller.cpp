#include "congestion/loss_controller.hpp"

#include <algorithm>
#include <cmath>

namespace campaign::congestion {
namespace {

constexpr double kLittle = 0.02, kMuch = 0.10;  // draft, 6
constexpr double kCut = 0.5;                    // draft, 6: rate × (1 − 0.5 p)
constexpr double kGrowthPerSecond = 1.08;       // libwebrtc send_side_bandwidth_estimation
constexpr TimeDelta kPause =
    TimeDelta::ms(300);            // libwebrtc send_side_bandwidth_estimation, plus one round trip
constexpr int kLeastPackets = 20;  // libwebrtc send_side_bandwidth_estimation
constexpr TimeDelta kWindow = TimeDelta::ms(250);  // own: as the acknowledged rate's
constexpr double kWeight = 0.4;   // own: of the newest window; half of a change within 400 ms
constexpr double kForgotten = 2;  // own: a limit twice above the rate limits nothing any more

}  // namespace

bool LossController::lossy() const { return smoothed_ > kMuch; }

void LossController::on_feedback(int received, int lost, DataRate rate, TimeDelta round_trip, Timestamp now) {
  if (!opened_) opened_ = now;
  received_ += received;
  lost_ = std::max(0, lost_ + lost);
  if (received_ + lost_ >= kLeastPackets && now - *opened_ >= kWindow) close_window(rate, round_trip, now);
}

void LossController::close_window(DataRate rate, TimeDelta round_trip, Timestamp now) {
  const double fraction = double(lost_) / double(received_ + lost_);
  const TimeDelta length = std::min(now - *opened_, TimeDelta::seconds(1));
  smoothed_ = kWeight * fraction + (1 - kWeight) * smoothed_;
  received_ = lost_ = 0;
  opened_ = now;
  if (smoothed_ > kMuch) {
    // The smoothed loss is remembered longer than its cause lasts: no cut when the newest window is already
    // clean.
    const auto last = std::max(last_cut_, last_decrease_);
    if (fraction < kLittle || (last && now - *last < kPause + round_trip)) return;
    limit_ = std::min(limit_, rate) * (1 - kCut * smoothed_);
    last_cut_ = now;
  } else if (smoothed_ >= kLittle) {
    limit_ = std::min(limit_, rate);
  } else if (limit_ < DataRate::infinite()) {
    limit_ = limit_ * std::pow(kGrowthPerSecond, length.seconds());
    if (limit_ > kForgotten * rate) limit_ = DataRate::infinite();
  }
}

}  // namespace campaign::congestion
