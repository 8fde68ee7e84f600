#include "campaign/adaptation.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace campaign {
namespace {

using congestion::DataRate;
using congestion::NetworkState;
using congestion::TimeDelta;
using congestion::Timestamp;

constexpr double kShare = 0.9;             // the contract: an encoder gets at most this of the estimate
constexpr std::uint64_t kLeast = 150'000;  // bit/s; the contract: down to here the picture still moves
constexpr double kWorthTelling = 0.1;      // own: an encoder's rate control needs time to follow
constexpr TimeDelta kBetween = TimeDelta::ms(500);
constexpr double kHopeless = 2;                     // own: half of the packets lost leave no frame whole
constexpr TimeDelta kLate = TimeDelta::seconds(2);  // own: first feedback is there after a round trip or two

}  // namespace

Adaptation::Adaptation(const Settings& settings)
    : settings_(settings),
      estimator_(settings.network),
      policy_(settings.ladder, settings.by_hand.value_or(estimator_.target())) {
  choose(true);
}

void Adaptation::set_limits(DataRate least, DataRate most) {
  settings_.network.least = least;
  settings_.network.most = std::max(least, most);
  estimator_.set_limits(least, most);
}

void Adaptation::set_by_hand(DataRate bandwidth) {
  if (settings_.by_hand) settings_.by_hand = bandwidth;
}

void Adaptation::set_ladder(const Ladder& ladder) {
  if (ladder == policy_.ladder()) return;
  settings_.ladder = ladder;
  const std::string before = rung().name;
  policy_.set_ladder(ladder, estimate());
  apply_wishes();
  if (rung().name != before) reason_ = "there are other qualities now";
  choose(rung().name != before);
}

void Adaptation::wish(std::string quality) {
  wished_ = std::move(quality);
  apply_wishes();
}

void Adaptation::limit(std::string quality) {
  highest_ = std::move(quality);
  apply_wishes();
}

void Adaptation::apply_wishes() {
  const Ladder& ladder = policy_.ladder();
  policy_.limit(ladder.find(highest_).value_or(ladder.top()));
  const auto wished = ladder.find(wished_);
  if (wished || !settings_.by_hand) policy_.choose(wished);
}

void Adaptation::on_packet_sent(Timestamp now, std::uint16_t sequence, congestion::DataSize size,
                                congestion::ProbeId probe) {
  if (!first_sent_) {
    first_sent_ = now;
    mute_ = false;
  }
  estimator_.on_packet_sent(now, sequence, size, probe);
}

void Adaptation::on_packet_without_number() {
  if (!first_sent_) mute_ = true;
}

void Adaptation::on_feedback(Timestamp now, std::span<const congestion::PacketFeedback> packets) {
  if (packets.empty()) return;
  heard_ = true;
  mute_ = false;
  estimator_.on_feedback(now, packets);
  decide(now);
}

void Adaptation::on_time(Timestamp now) {
  if (heard_) estimator_.on_time(now);
  if (!heard_ && first_sent_ && now - *first_sent_ > kLate) mute_ = true;
  decide(now);
}

std::optional<congestion::ProbePlan> Adaptation::next_probe() {
  auto plan = estimator_.next_probe();
  return settings_.by_hand ? std::nullopt : plan;
}

std::optional<Adaptation::Choice> Adaptation::take_choice() { return std::exchange(choice_, std::nullopt); }

DataRate Adaptation::estimate() const {
  const auto& network = settings_.network;
  return settings_.by_hand ? std::clamp(*settings_.by_hand, network.least, network.most)
                           : estimator_.target();
}

DataRate Adaptation::pace() const {
  return mute_ && !settings_.by_hand ? settings_.network.most : estimate();
}

NetworkState Adaptation::network() const {
  NetworkState network = estimator_.state();
  network.target = estimate();
  network.silent = network.silent && heard_;
  return network;
}

void Adaptation::decide(Timestamp now) {
  const bool wished = policy_.ladder().find(wished_).has_value();
  if (wished) {
    // whatever the network
  } else if (settings_.by_hand) {
    policy_.choose(policy_.ladder().rung_for(std::uint64_t(estimate().bps())));
  } else if (!heard_) {
    return;
  }
  const std::uint64_t bitrate = rung().bitrate;
  if (const auto moved = policy_.update(network(), now)) {
    ++switches_;
    const bool hopeless = moved->to < moved->from && moved->reason != SwitchReason::viewer_chose &&
                          moved->reason != SwitchReason::viewer_limit &&
                          double(bitrate) > kHopeless * double(estimate().bps());
    reason_ = settings_.by_hand && !wished ? "the bandwidth was set by hand" : moved->text;
    choose(true, hopeless);
  }
  if (const auto rate = policy_.take_wanted_probe()) estimator_.request_probe(*rate);
  fit_bitrate(now);
}

std::uint64_t Adaptation::fitting_bitrate() const {
  const std::uint64_t own = rung().bitrate;
  if (policy_.rung() > 0) return own;
  return std::min(own, std::max(kLeast, std::uint64_t((kShare * estimate()).bps())));
}

void Adaptation::fit_bitrate(Timestamp now) {
  const std::uint64_t fitting = fitting_bitrate();
  const bool back = fitting == rung().bitrate && told_bitrate_ != fitting;
  const double change = std::abs(double(fitting) - double(told_bitrate_)) / double(told_bitrate_);
  if (!back && told_too_slow_ == (thin_to() != 0) && change < kWorthTelling) return;
  if (last_fitted_ && now - *last_fitted_ < kBetween) return;
  last_fitted_ = now;
  choose(false);
}

void Adaptation::choose(bool other_quality, bool hopeless_before) {
  told_bitrate_ = fitting_bitrate();
  // A choice that nobody has taken yet may have said another quality.
  const bool other = other_quality || (choice_ && choice_->other_quality);
  told_too_slow_ = thin_to() != 0;
  choice_ =
      Choice{rung().name, told_bitrate_, rung().particles, reason_, told_too_slow_, other, hopeless_before};
}

}  // namespace campaign
