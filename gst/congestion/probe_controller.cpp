#include "congestion/probe_controller.hpp"

#include <algorithm>

namespace campaign::congestion {
namespace {

constexpr double kFirstScale = 3, kSecondScale = 6;  // libwebrtc probe_controller: exponential probes
constexpr double kFurtherScale = 2, kFurtherThreshold = 0.7;   // libwebrtc probe_controller
constexpr double kPeriodicScale = 2;                           // libwebrtc probe_controller: alr_scale
constexpr TimeDelta kLimitedInterval = TimeDelta::seconds(5);  // libwebrtc probe_controller: alr_interval
constexpr TimeDelta kResultTimeout = TimeDelta::seconds(1);    // libwebrtc probe_controller
// libwebrtc probe_controller, est_lower_than_network_interval: with nothing in the way, look every 3 s
// whether there is more; growth alone needs 12 s from 1.0 to 2.5 Mbit/s (RFC 8867, 5.1).
constexpr TimeDelta kCalmInterval = TimeDelta::seconds(3);
// While they succeed, one follows the other as soon as the new rate has been felt for a round trip or two:
// own.
constexpr TimeDelta kRisingInterval = TimeDelta::ms(500);
// A probe among others: it shows twice our rate at most, and where the link is full it takes bytes from them.
// So step by step when all arrived, and half of the way when not; own, from the flows of RFC 8867 5.2, 5.4
// and 5.5.
constexpr double kLargestStep = 1.5, kPartOfTheWay = 0.5, kWorthIt = 1.1;
constexpr TimeDelta kRequestInterval = TimeDelta::seconds(1);  // own: no wish is probed more often

}  // namespace

void ProbeController::plan(DataRate rate, const Network& network, Why why, Timestamp now) {
  rate = std::min(rate, network.most);
  if (rate <= DataRate() || planned_count_ == kPlanned) return;
  const ProbePlan plan{next_id_, rate, rate * kProbeDuration, kProbePackets};
  planned_[planned_count_++] = plan;
  next_id_ = (next_id_ + 1) & 0xffffff;
  why_ = why;
  last_id_ = plan.id;
  last_rate_ = rate;
  waiting_ = true;
  last_planned_ = now;
}

void ProbeController::start(DataRate rate, DataRate most, Timestamp now) {
  const Network network{.estimate = rate, .most = most};
  plan(kFirstScale * rate, network, Why::start, now);
  plan(kSecondScale * rate, network, Why::start, now);
}

DataRate ProbeController::on_result(const ProbeResult& result, const Network& network, Timestamp now) {
  const bool last = waiting_ && result.id == last_id_;
  if (last) waiting_ = false;
  if (why_ == Why::calm) {
    const DataRate now_at = network.estimate;
    const DataRate wanted = !result.saturated      ? std::min(result.rate, kLargestStep * now_at)
                            : result.rate > now_at ? now_at + kPartOfTheWay * (result.rate - now_at)
                                                   : result.rate;
    if (last) rising_ = wanted > kWorthIt * now_at;
    return wanted;
  }
  if (last && why_ != Why::request && result.rate > kFurtherThreshold * last_rate_ &&
      last_rate_ < network.most) {
    plan(kFurtherScale * result.rate, network, why_, now);
  }
  // A wish may be for less than is known to fit: that it went through says nothing against the rest.
  if (why_ == Why::request && !result.saturated) return std::max(result.rate, network.estimate);
  return result.rate;
}

void ProbeController::on_time(const Network& network, Timestamp now) {
  if (waiting_ && last_planned_ && now - *last_planned_ > kResultTimeout) waiting_ = false;
  if (!network.calm || !network.sending || waiting_) return;
  const TimeDelta since = last_planned_ ? now - *last_planned_ : kLimitedInterval;
  const TimeDelta calm_for = network.last_decrease ? now - *network.last_decrease : kCalmInterval;
  if (requested_ && since >= kRequestInterval) {
    plan(*requested_, network, Why::request, now);
    requested_.reset();
  } else if (network.estimate < network.most) {
    const DataRate rate = kPeriodicScale * network.estimate;
    if (network.application_limited) {
      if (since >= kLimitedInterval && now - *network.application_limited >= kLimitedInterval) {
        plan(rate, network, Why::application_limited, now);
      }
    } else if (since >= (rising_ ? kRisingInterval : kCalmInterval) && calm_for >= kCalmInterval) {
      rising_ = false;
      plan(rate, network, Why::calm, now);
    }
  }
}

std::optional<ProbePlan> ProbeController::take() {
  if (planned_count_ == 0) return std::nullopt;
  const ProbePlan first = planned_[0];
  std::copy(planned_.begin() + 1, planned_.begin() + std::ptrdiff_t(planned_count_), planned_.begin());
  --planned_count_;
  return first;
}

}  // namespace campaign::congestion
