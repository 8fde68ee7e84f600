#include "congestion/pacer.hpp"

#include <algorithm>

namespace campaign::congestion {
namespace {

// Own: what would leave within this time leaves at once. With the pacing factor, a frame at 90 % of the
// target (12 ms at the pacing rate) waits 2 ms; a queue that holds less than 10 ms would be no use to
// anybody.
constexpr TimeDelta kBurst = TimeDelta::ms(10);
constexpr TimeDelta kMostLate =
    TimeDelta::ms(20);  // libwebrtc bitrate_prober: a timer later than this starts anew
constexpr DataRate kLeastRate = DataRate::kbps(10);  // a rate of zero would never send

}  // namespace

Pacer::Pacer(const Config& config, DataRate target)
    : config_(config), ring_(std::make_unique<Queued[]>(std::max<std::size_t>(config.most_packets, 1))) {
  set_target(std::max(target, kLeastRate));
}

bool Pacer::enqueue(std::uint64_t token, DataSize size) {
  if (count_ == config_.most_packets) return false;
  if (count_ > 0 && (queued_ + size) / std::max(pacing_rate_, kLeastRate) > config_.longest_queue)
    return false;
  ring_[(first_ + count_++) % config_.most_packets] = {token, size};
  queued_ += size;
  return true;
}

void Pacer::start_probe(const ProbePlan& plan) {
  if (probe_count_ == kProbes || plan.rate <= DataRate()) return;
  probes_[probe_count_++] = plan;
}

Pacer::Send Pacer::take_queued() {
  const Queued front = ring_[first_];
  first_ = (first_ + 1) % config_.most_packets;
  --count_;
  queued_ -= front.size;
  return {front.token, front.size, kNoProbe};
}

std::optional<Pacer::Send> Pacer::next_of_probe(Timestamp now) {
  if (probe_next_ && now < *probe_next_) return std::nullopt;
  if (!probe_next_ || now - *probe_next_ > kMostLate) probe_next_ = now;
  const ProbePlan& plan = probes_[0];
  Send send = count_ > 0 ? take_queued() : Send{std::nullopt, config_.padding, kNoProbe};
  send.probe = plan.id;
  probe_sent_ += send.size;
  ++probe_packets_;
  // From when it should have gone, so that a late timer does not slow the probe down.
  probe_next_ = *probe_next_ + send.size / plan.rate;
  if (probe_packets_ >= plan.packets && probe_sent_ >= plan.size) finish_probe();
  return send;
}

void Pacer::finish_probe() {
  std::copy(probes_ + 1, probes_ + probe_count_, probes_);
  --probe_count_;
  probe_sent_ = {};
  probe_packets_ = 0;
}

std::optional<Pacer::Send> Pacer::next(Timestamp now) {
  std::optional<Send> send;
  if (probe_count_ > 0) {
    send = next_of_probe(now);
  } else {
    probe_next_.reset();
    if (count_ > 0 && (!free_at_ || now >= *free_at_)) send = take_queued();
  }
  if (send) {
    const Timestamp from = std::max(free_at_.value_or(now - kBurst), now - kBurst);
    free_at_ = from + send->size / std::max(pacing_rate_, kLeastRate);
  }
  return send;
}

Timestamp Pacer::next_time() const {
  if (probe_count_ > 0) return probe_next_.value_or(Timestamp());
  if (count_ == 0) return Timestamp::never();
  return free_at_.value_or(Timestamp());
}

void Pacer::drop_queued() {
  first_ = count_ = 0;
  queued_ = {};
}

void Pacer::clear() {
  drop_queued();
  probe_count_ = 0;
  probe_sent_ = {};
  probe_packets_ = 0;
  probe_next_.reset();
}

}  // namespace campaign::congestion
