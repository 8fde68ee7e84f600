#include "congestion/bandwidth_estimator.hpp"

#include <algorithm>

namespace campaign::congestion {
namespace {

constexpr TimeDelta kDefaultRoundTrip =
    TimeDelta::ms(200);  // libwebrtc aimd_rate_control, until it is measured
constexpr TimeDelta kStreamTimeout =
    TimeDelta::seconds(2);  // libwebrtc delay_based_bwe: delays older than this are void
// libwebrtc RttBasedBackoff: cuts to 0.8 once a second. It waits 3 s; a picture at full rate into a dead link
// for so long is a full queue, and feedback comes every 250 ms at the slowest, so we wait one.
constexpr TimeDelta kSilence = TimeDelta::seconds(1);
constexpr double kSilenceCut = 0.8;
// Own: routes change within two seconds; who is away for longer does not run. Half of a rate that was carried
// is the next lower rung or nearly so.
constexpr TimeDelta kAway = TimeDelta::seconds(2);
constexpr double kBack = 0.5;
constexpr TimeDelta kSendingOfLate = TimeDelta::seconds(1);  // own: a paused picture is not probed for
constexpr TimeDelta kCalmQueue = TimeDelta::ms(50);  // own: half of the delay that RFC 8867 lets us cause
// Own: a full queue has no trend. When it stays longer than RFC 8867's 100 ms while packets are lost, or
// without any cut for some time, it is ours and others' like us: a TCP flow's would have shown a trend again.
constexpr TimeDelta kStandingQueue = TimeDelta::ms(100), kStuck = TimeDelta::seconds(10);
// Own: where next to nothing waits, a trend is what a queue left behind that has just drained.
constexpr TimeDelta kNoQueue = TimeDelta::ms(10);
constexpr double kFullQueueLoss = 0.02;  // draft, 6: less says nothing; each wave of a TCP flow loses 1 %
// draft, 6: below what cuts; loss without a queue is the radio's. With 2 %, 6 % of random loss halve what is
// used of 5.1.
constexpr double kCalmLoss = 0.10;
constexpr TimeDelta kSettling =
    TimeDelta::ms(500);               // own: a key frame of eight frames' size, sent and drained
constexpr double kProbeFloor = 0.85;  // libwebrtc goog_cc: kProbeDropThroughputFraction
// A receiver's clock in nanoseconds is within ±73 years of its zero; what is outside is a mistake that would
// overflow.
constexpr std::int64_t kFarthest = std::int64_t(1) << 61;

bool is_sane(Timestamp time) { return time.ns() > -kFarthest && time.ns() < kFarthest; }

}  // namespace

BandwidthEstimator::BandwidthEstimator(const Config& config)
    : config_(config), target_(std::clamp(config.start, config.least, config.most)), delay_based_(target_) {
  results_.reserve(1024);
}

void BandwidthEstimator::set_limits(DataRate least, DataRate most) {
  config_.least = least;
  config_.most = std::max(least, most);
  update_target();
}

void BandwidthEstimator::on_packet_sent(Timestamp now, std::uint16_t sequence, DataSize size, ProbeId probe) {
  advance(now);
  if (!started_) {
    started_ = true;
    probes_.start(target_, config_.most, now_);
  }
  sent_.add(sequence, now_, size, probe);
  application_.on_sent(size, target_, now_);
  if (probe == kNoProbe) last_media_ = now_;
  if (!first_sent_since_feedback_) first_sent_since_feedback_ = now_;
}

// Only what was sent, is remembered and was not told before gets past here.
void BandwidthEstimator::collect(std::span<const PacketFeedback> packets) {
  results_.clear();
  newly_lost_ = 0;
  for (const PacketFeedback& feedback : packets) {
    if (feedback.received && !is_sane(*feedback.received)) continue;
    const auto told = feedback.received ? SentPackets::Told::received : SentPackets::Told::lost;
    const auto answer = sent_.take(feedback.sequence, told);
    if (!answer) continue;
    if (first_sent_since_feedback_ && now_ - *first_sent_since_feedback_ > kAway) come_back();
    if (back_since_ && answer->packet.sent < *back_since_) continue;
    if (feedback.received) {
      results_.push_back({answer->packet, *feedback.received});
      if (answer->was_lost) --newly_lost_;
    } else {
      ++newly_lost_;
    }
  }
  const auto by_arrival = [](const PacketResult& a, const PacketResult& b) {
    return std::pair(a.received, a.packet.sequence) < std::pair(b.received, b.packet.sequence);
  };
  std::sort(results_.begin(), results_.end(), by_arrival);
}

// The receiver did not run (a machine that slept, a process that was stopped), or its network was another
// one meanwhile. What was sent to nobody says nothing: what of it was lost was not lost to congestion, and
// what waited in its socket was not delayed by any. Half of what was carried before is a start, and a probe
// looks for the rest.
void BandwidthEstimator::come_back() {
  back_since_ = last_feedback_ = now_;
  first_sent_since_feedback_.reset();
  forget_delays();
  if (!before_silence_) return;
  delay_based_.set(std::max(delay_based_.rate(), kBack * *before_silence_), now_);
  probes_.request(*before_silence_);
  before_silence_.reset();
  update_target();
}

void BandwidthEstimator::measure_round_trip() {
  std::optional<TimeDelta> least;
  for (const PacketResult& result : results_) {
    const TimeDelta waited = results_.back().received - result.received;
    const TimeDelta sample = now_ - result.packet.sent - waited;
    if (sample > TimeDelta() && (!least || sample < *least)) least = sample;
  }
  if (least) round_trip_.add(*least, now_);
  last_round_trip_ = round_trip_.value(now_);
}

void BandwidthEstimator::forget_delays() {
  groups_.reset();
  trend_.reset();
  detector_.reset();
  surge_.reset();
  queueing_.reset();
  acknowledged_.reset();
}

// A probe's own queue says nothing about the rate at which we send, nor does that of a key frame.
bool BandwidthEstimator::is_settling(const PacketResult& result) const {
  return source_changed_ && result.packet.sent >= *source_changed_ &&
         result.packet.sent - *source_changed_ < kSettling;
}

std::optional<DataRate> BandwidthEstimator::detect_collapse() {
  const bool ours = std::ranges::any_of(results_, [this](const PacketResult& result) {
    return result.packet.probe != kNoProbe || is_settling(result);
  });
  if (!ours) return surge_.add(results_, queueing_.value());
  surge_.reset();
  return std::nullopt;
}

// The worst that any group of this message said.
Usage BandwidthEstimator::detect_usage() {
  Usage usage = detector_.usage() == Usage::overuse ? Usage::normal : detector_.usage();
  for (const PacketResult& result : results_) {
    queueing_.add(result.packet.sent, result.received, now_);
    if (result.packet.probe != kNoProbe || is_settling(result)) {
      groups_.reset();
      continue;
    }
    const auto delta = groups_.add(result.packet.sent, result.received, now_);
    if (!delta) continue;
    const double slope = trend_.add(*delta);
    const Usage now = detector_.detect(slope, trend_.samples(), delta->sent, delta->arrival);
    if (now == Usage::overuse && queueing_.value() < kNoQueue) continue;
    if (usage != Usage::overuse) usage = now;
  }
  const TimeDelta standing = queueing_.standing();
  if (standing > kStandingQueue) {
    const bool calm_for_long = !last_decrease() || now_ - *last_decrease() > kStuck;
    if (calm_for_long || loss_based_.loss() > kFullQueueLoss) return Usage::overuse;
  }
  return usage;
}

void BandwidthEstimator::on_feedback(Timestamp now, std::span<const PacketFeedback> packets) {
  advance(now);
  collect(packets);
  if (results_.empty() && newly_lost_ == 0) return;
  if (last_feedback_ && now_ - *last_feedback_ > kStreamTimeout) forget_delays();
  last_feedback_ = now_;
  first_sent_since_feedback_.reset();
  before_silence_.reset();

  if (!results_.empty()) measure_round_trip();
  const TimeDelta round_trip = last_round_trip_.value_or(kDefaultRoundTrip);
  for (const PacketResult& result : results_) {
    acknowledged_.add(result);
    measurement_.add(result);
  }
  if (delay_based_.last_decrease()) loss_based_.on_decrease(*delay_based_.last_decrease());
  loss_based_.on_feedback(int(results_.size()), newly_lost_, target_, round_trip, now_);
  if (results_.empty()) return update_target();

  auto acknowledged = acknowledged_.value();
  Usage usage = detect_usage();
  if (const auto collapsed = detect_collapse(); collapsed && acknowledged) {
    usage = Usage::overuse;
    acknowledged->received = std::min(acknowledged->received, *collapsed);
    acknowledged->bounded = std::min(acknowledged->bounded, *collapsed);
  }
  auto probe = measurement_.take();
  if (probe && usage != Usage::overuse) {
    // A probe may lower the estimate, but not below what arrives anyway.
    const DataRate rate = probes_.on_result(*probe, network(), now_);
    const DataRate floor =
        std::min(acknowledged ? kProbeFloor * acknowledged->bounded : rate, delay_based_.rate());
    delay_based_.set(std::max(rate, floor), now_);
    loss_based_.on_probe(rate);
    last_probe_ = probe;
    last_probe_at_ = now_;
  } else {
    delay_based_.update({usage, acknowledged, application_.limited(), round_trip}, now_);
  }
  update_target();
}

void BandwidthEstimator::update_target() {
  delay_based_.bound(config_.least, config_.most);
  loss_based_.bound(config_.least);
  target_ = std::clamp(std::min(delay_based_.rate(), loss_based_.limit()), config_.least, config_.most);
}

ProbeController::Network BandwidthEstimator::network() const {
  const bool calm = detector_.usage() != Usage::overuse && loss_based_.loss() < kCalmLoss &&
                    queueing_.value() < kCalmQueue && last_feedback_ && now_ - *last_feedback_ < kSilence;
  return {.estimate = target_,
          .most = config_.most,
          .calm = calm,
          .application_limited = application_.since(),
          .last_decrease = last_decrease(),
          .sending = last_media_ && now_ - *last_media_ < kSendingOfLate};
}

void BandwidthEstimator::on_source_changed(Timestamp now) {
  source_changed_ = advance(now);
  groups_.reset();
  trend_.reset();
  detector_.reset();
  surge_.reset();
}

void BandwidthEstimator::on_time(Timestamp now) {
  advance(now);
  application_.on_time(target_, now_);
  if (is_silent() && (!last_silence_cut_ || now_ - *last_silence_cut_ >= kSilence)) {
    last_silence_cut_ = now_;
    if (!before_silence_) before_silence_ = delay_based_.rate();
    delay_based_.set(std::max(kSilenceCut * delay_based_.rate(), config_.least), now_);
    update_target();
  }
  probes_.on_time(network(), now_);
}

std::optional<ProbePlan> BandwidthEstimator::next_probe() {
  auto plan = probes_.take();
  if (plan) measurement_.expect(*plan);
  return plan;
}

bool BandwidthEstimator::is_silent() const {
  return first_sent_since_feedback_ && now_ - *first_sent_since_feedback_ > kSilence;
}

std::optional<Timestamp> BandwidthEstimator::last_decrease() const {
  // An empty optional is before every time.
  return std::max(delay_based_.last_decrease(), loss_based_.last_cut());
}

NetworkState BandwidthEstimator::state() const {
  const auto acknowledged = acknowledged_.value();
  return {.target = target_,
          .acknowledged = acknowledged ? std::optional(acknowledged->bounded) : std::nullopt,
          .round_trip = last_round_trip_,
          .queueing = queueing_.value(),
          .loss = loss_based_.loss(),
          .usage = detector_.usage(),
          .loss_limited = loss_based_.limit() < delay_based_.rate(),
          .application_limited = application_.limited(),
          .silent = is_silent(),
          .last_decrease = last_decrease(),
          .last_probe = last_probe_,
          .last_probe_at = last_probe_at_};
}

}  // namespace campaign::congestion
