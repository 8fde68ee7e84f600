#include "congestion/rate_control.hpp"

#include <algorithm>
#include <cmath>

namespace campaign::congestion {
namespace {

constexpr double kBeta = 0.85;                 // draft, 5.5: decrease to this part of what arrives
constexpr double kGrowthPerSecond = 1.08;      // draft, 5.5: eta, far from the known capacity
constexpr double kMostOverAcknowledged = 1.5;  // draft, 5.5: A_hat(i) < 1.5 R_hat(i)
constexpr DataRate kOverAcknowledgedFloor =
    DataRate::kbps(10);  // libwebrtc aimd_rate_control: lag at low rates
constexpr DataRate kLeastGrowth =
    DataRate::bps(1000);                             // draft, 5.5: additive increase of at least 1000 bit/s
constexpr double kPacketsPerResponse = 0.5;          // draft, 5.5: alpha, near the known capacity
constexpr double kFramesPerSecond = 30;              // draft, 5.5: expected_packet_size_bits
constexpr DataSize kPacket = DataSize::bytes(1200);  // draft, 5.5: expected_packet_size_bits
// The draft takes 100 ms + RTT; the RTT is taken as 100 ms for everybody, so that flows of unlike round trips
// grow alike (RFC 8867, 5.5).
constexpr TimeDelta kResponseTime = TimeDelta::ms(200);
// Between cuts: one round trip, until which no cut can be seen. libwebrtc bounds it to 10 to 200 ms, so that
// a flow of 300 ms is cut twice for one queue and one of 20 ms before its neighbours have answered; own, from
// RFC 8867, 5.5.
constexpr TimeDelta kShortestPause = TimeDelta::ms(200), kLongestPause = TimeDelta::ms(1000);
constexpr double kFarBelow = 0.5;  // libwebrtc aimd_rate_control: this far below the rate, cut again at once

// Bit/s a second: half a packet, of the size that frames at this rate are cut into, in each response time.
double careful_growth(DataRate rate) {
  const double frame_bits = double(rate.bps()) / kFramesPerSecond;
  const double packets = std::ceil(frame_bits / double(kPacket.bits()));
  return kPacketsPerResponse * frame_bits / std::max(packets, 1.0) / kResponseTime.seconds();
}

}  // namespace

void RateControl::set(DataRate rate, Timestamp now) {
  if (rate < rate_) last_decrease_ = now;
  rate_ = rate;
  last_change_ = now;
}

DataRate RateControl::update(const Input& input, Timestamp now) {
  switch (input.usage) {
    case Usage::overuse:
      decrease(input, now);
      break;
    case Usage::underuse:  // let the queue empty before trying more
      state_ = State::hold;
      break;
    case Usage::normal:
      if (state_ == State::hold) last_change_ = now;
      state_ = State::increase;
      increase(input, now);
      break;
  }
  return rate_;
}

void RateControl::increase(const Input& input, Timestamp now) {
  const TimeDelta step = std::clamp(now - last_change_.value_or(now), TimeDelta(), TimeDelta::seconds(1));
  last_change_ = now;
  if (!input.acknowledged || input.application_limited) return;
  if (input.acknowledged->bounded > capacity_.upper_bound()) capacity_.forget();
  const DataRate limit = kMostOverAcknowledged * input.acknowledged->bounded + kOverAcknowledgedFloor;
  if (rate_ >= limit) return;
  const double growth = capacity_.known()
                            ? careful_growth(rate_) * step.seconds()
                            : double(rate_.bps()) * (std::pow(kGrowthPerSecond, step.seconds()) - 1);
  rate_ =
      std::min(limit, rate_ + std::max(DataRate::bps(std::int64_t(growth)), kLeastGrowth * step.seconds()));
}

void RateControl::decrease(const Input& input, Timestamp now) {
  const TimeDelta pause = std::clamp(input.round_trip, kShortestPause, kLongestPause);
  const bool due = !last_decrease_ || now - *last_decrease_ >= pause;
  if (!input.acknowledged) {  // overused before anything could be measured
    if (due) set(rate_ * kFarBelow, now);
    state_ = State::hold;
    return;
  }
  const DataRate acknowledged = input.acknowledged->received;
  if (!due && acknowledged >= kFarBelow * rate_) return;
  DataRate wanted = kBeta * acknowledged;
  // More arrives than we mean to send (a burst, an encoder that overshot): what the link is known to carry is
  // the measure.
  if (wanted > rate_ && capacity_.known()) wanted = kBeta * capacity_.mean();
  if (acknowledged < capacity_.lower_bound() || acknowledged > capacity_.upper_bound()) capacity_.forget();
  capacity_.on_overuse(acknowledged);
  rate_ = std::min(rate_, wanted);
  last_change_ = last_decrease_ = now;
  state_ = State::hold;
}

}  // namespace campaign::congestion
