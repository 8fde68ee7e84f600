#include "campaign/quality_policy.hpp"

#include <algorithm>
#include <utility>

namespace campaign {
namespace {

using congestion::DataRate;
using congestion::NetworkState;
using congestion::TimeDelta;
using congestion::Timestamp;
using congestion::Usage;

constexpr TimeDelta kBetween = TimeDelta::seconds(1);  // the contract: never two switches within a second
constexpr double kSpare = 1.15;                        // the contract: 15 % to spare
constexpr TimeDelta kStable =
    TimeDelta::seconds(2);  // own: twenty round trips; others wait 6 to 12 s and probe not
constexpr TimeDelta kFresh = TimeDelta::ms(1500);      // own: a probe older than this says nothing about now
constexpr TimeDelta kJustNow = TimeDelta::seconds(1);  // own: a decrease of now and not of some time ago
constexpr TimeDelta kBelowFor =
    TimeDelta::seconds(2);  // own: an estimate below the threshold without any cause seen
constexpr double kMuchLoss = 0.10, kLittleLoss = 0.02;  // draft-ietf-rmcat-gcc-02, 6
constexpr TimeDelta kTrial = TimeDelta::seconds(10);    // own: an up-switch taken back within this has failed
constexpr TimeDelta kBackOff =
    TimeDelta::seconds(5);  // own: half of what others begin with, as we probe; doubles
constexpr TimeDelta kLongestBackOff = TimeDelta::seconds(60);
// own: an estimate so many times that of the failed up-switch is of another network. A token bucket's burst
// shows no more than was asked for, which is 8 % above what was needed then.
constexpr double kOther = 1.5;
constexpr TimeDelta kLongestProbeInterval = TimeDelta::seconds(30);
constexpr double kGrown = 1.3;  // own: more than an estimate moves on a network that does not change
constexpr TimeDelta kProbeInterval = TimeDelta::seconds(3);  // own: as the estimator's own
constexpr double kProbeStep =
    4;  // own: no probe asked for above so many times the estimate; it would be a queue of 160 ms
constexpr double kProbeMargin = 1.08;  // own: a probe measures a few per cent less than it sends

std::string kbps(DataRate rate) { return std::to_string(std::int64_t(rate.kbps())) + " kbit/s"; }

std::size_t admitted(const Ladder& ladder, DataRate estimate) {
  return ladder.rung_for(std::uint64_t(std::max<std::int64_t>(estimate.bps(), 0)));
}

std::string in_words(SwitchReason reason, const NetworkState& network) {
  switch (reason) {
    case SwitchReason::viewer_chose:
      return "chosen by the viewer";
    case SwitchReason::viewer_limit:
      return "limited by max-quality";
    case SwitchReason::overuse:
      return "the delay grew; the network carries " + kbps(network.target);
    case SwitchReason::loss:
      return std::to_string(int(network.loss * 100 + 0.5)) +
             " % of the packets were lost; the network carries " + kbps(network.target);
    case SwitchReason::silence:
      return "nothing is heard from the viewer";
    case SwitchReason::slow_network:
      return "the network carries " + kbps(network.target);
    case SwitchReason::room:
      return "a probe showed room for " + kbps(network.last_probe->rate);
  }
  return {};
}

}  // namespace

QualityPolicy::QualityPolicy(const Ladder& ladder, DataRate estimate)
    : ladder_(ladder), rung_(admitted(ladder_, estimate)), highest_(ladder_.top()) {}

void QualityPolicy::set_ladder(const Ladder& ladder, DataRate estimate) {
  rung_ = ladder.find(ladder_[rung_].name).value_or(admitted(ladder, estimate));
  ladder_ = ladder;
  highest_ = ladder_.top();
  chosen_.reset();
  below_since_.reset();
  wanted_probe_.reset();
  last_wanted_.reset();
  misses_ = 0;
}

DataRate QualityPolicy::needed(std::size_t rung) const {
  const Rung& of = ladder_[rung];
  return std::max(DataRate::bps(std::int64_t(of.threshold)),
                  kSpare * DataRate::bps(std::int64_t(of.bitrate)));
}

std::optional<DataRate> QualityPolicy::take_wanted_probe() {
  return std::exchange(wanted_probe_, std::nullopt);
}

std::optional<QualitySwitch> QualityPolicy::update(const NetworkState& network, Timestamp now) {
  too_slow_ = network.target < DataRate::bps(std::int64_t(ladder_[0].bitrate));
  if (last_up_ && now - *last_up_ > kTrial) failures_ = 0;
  const auto move = decide(network, now);
  if (!move || move->to == rung_) return std::nullopt;
  if (last_switch_ && now - *last_switch_ < kBetween) return std::nullopt;
  const std::size_t from = rung_;
  remember(*move, network, now);
  return QualitySwitch{from, rung_, move->reason, in_words(move->reason, network)};
}

std::optional<QualityPolicy::Move> QualityPolicy::decide(const NetworkState& network, Timestamp now) {
  if (chosen_) {
    const bool limited = *chosen_ > highest_;
    return Move{std::min(*chosen_, highest_),
                limited ? SwitchReason::viewer_limit : SwitchReason::viewer_chose};
  }
  if (rung_ > highest_) return Move{highest_, SwitchReason::viewer_limit};
  if (const auto move = down(network, now)) return move;
  return up(network, now);
}

std::optional<QualityPolicy::Move> QualityPolicy::down(const NetworkState& network, Timestamp now) {
  const std::size_t fitting = admitted(ladder_, network.target);
  if (fitting >= rung_) {
    below_since_.reset();
    return std::nullopt;
  }
  if (!below_since_) below_since_ = now;
  if (network.silent) return Move{fitting, SwitchReason::silence};
  if (network.loss_limited || network.loss > kMuchLoss) return Move{fitting, SwitchReason::loss};
  const bool cut = network.last_decrease && now - *network.last_decrease < kJustNow;
  if (network.usage == Usage::overuse || cut) return Move{fitting, SwitchReason::overuse};
  if (now - *below_since_ >= kBelowFor) return Move{fitting, SwitchReason::slow_network};
  return std::nullopt;
}

std::optional<QualityPolicy::Move> QualityPolicy::up(const NetworkState& network, Timestamp now) {
  if (rung_ >= highest_) return std::nullopt;
  if (backed_off_until_ && now < *backed_off_until_ && network.target < kOther * tried_at_)
    return std::nullopt;
  const bool stable = network.usage != Usage::overuse && !network.silent && network.loss < kLittleLoss &&
                      (!network.last_decrease || now - *network.last_decrease >= kStable);
  if (!stable) return std::nullopt;
  if (network.last_probe_at && now - *network.last_probe_at <= kFresh) {
    for (std::size_t to = std::min(admitted(ladder_, network.target), highest_); to > rung_; --to) {
      if (network.last_probe->rate >= needed(to)) return Move{to, SwitchReason::room};
    }
  }
  want_probe(network, now);
  return std::nullopt;
}

void QualityPolicy::want_probe(const NetworkState& network, Timestamp now) {
  // For the best that the estimate admits: it may have risen far while less was sent.
  const std::size_t next = std::max(rung_ + 1, std::min(admitted(ladder_, network.target), highest_));
  const DataRate rate = kProbeMargin * needed(next);
  if (rate > kProbeStep * network.target) return;
  if (last_wanted_) {
    // A probe that showed too little is a burst for nothing: ask less and less often, until the estimate has
    // grown.
    if (network.target > kGrown * target_when_wanted_) misses_ = 0;
    const TimeDelta wait = misses_ == 0 ? kBetween : kProbeInterval * double(1 << std::min(misses_ - 1, 10));
    if (now - *last_wanted_ < std::min(wait, kLongestProbeInterval)) return;
  }
  ++misses_;
  last_wanted_ = now;
  target_when_wanted_ = network.target;
  wanted_probe_ = rate;
}

void QualityPolicy::remember(const Move& move, const NetworkState& network, Timestamp now) {
  const bool viewers = move.reason == SwitchReason::viewer_chose || move.reason == SwitchReason::viewer_limit;
  if (move.to < rung_ && !viewers && last_up_ && now - *last_up_ <= kTrial) {
    backed_off_until_ = now + std::min(kBackOff * double(1 << std::min(failures_, 10)), kLongestBackOff);
    ++failures_;
    last_up_.reset();
  }
  if (move.to > rung_ && !viewers) {
    last_up_ = now;
    tried_at_ = network.target;
  }
  rung_ = move.to;
  last_switch_ = now;
  below_since_.reset();
  wanted_probe_.reset();
  last_wanted_.reset();  // another rung, another probe, at once
  misses_ = 0;
}

}  // namespace campaign
