#include "media_flow.hpp"

#include <cmath>
#include <utility>

namespace campaign::network {
namespace {

constexpr TimeDelta kFrame = TimeDelta::us(33'333);
constexpr DataSize kPacket = DataSize::bytes(1200);
constexpr double kFrameNoise = 0.15;                   // frames differ by up to this much from their share
constexpr double kKeyFrame = 5;                        // frames
constexpr TimeDelta kTick = TimeDelta::ms(25);         // the element's timer
constexpr TimeDelta kResolution = TimeDelta::us(250);  // of arrival times in transport-wide feedback

}  // namespace

MediaFlow::MediaFlow(EventQueue& events, std::unique_ptr<Controller> controller, Link& forward,
                     Link* backward, TimeDelta return_delay, const Config& config)
    : events_(events),
      controller_(std::move(controller)),
      forward_(forward),
      backward_(backward),
      return_delay_(return_delay),
      config_(config),
      random_(config.seed),
      pacer_({}, controller_->target()) {
  next_bin();
}

void MediaFlow::next_bin() {
  events_.after(kBin, [this] {
    bin().target_kbps = controller_->target().kbps();
    bins_.emplace_back();
    next_bin();
  });
}

void MediaFlow::start() {
  running_ = true;
  next_frame(++run_);
  if (!ticking_) {
    ticking_ = true;
    next_feedback();
    pump();
  }
}

void MediaFlow::stop() { running_ = false; }

void MediaFlow::next_frame(std::uint64_t run) {
  if (!running_ || run != run_) return;
  const double noise = std::uniform_real_distribution(1 - kFrameNoise, 1 + kFrameNoise)(random_);
  const DataRate rate = config_.source_rate.value_or(controller_->target());
  const double key = std::exchange(key_frame_, false) ? kKeyFrame : 1;
  const double bytes = std::max(double((rate * kFrame).bytes()) * noise * key, 50.0);
  const int packets = int(std::ceil(bytes / double(kPacket.bytes())));
  for (int i = 0; i < packets; ++i) {
    // A full pacer loses the packet, as the element would drop to the next key frame.
    if (!pacer_.enqueue(0, DataSize::bytes(std::int64_t(bytes / packets)))) break;
  }
  pump();
  events_.after(kFrame, [this, run] { next_frame(run); });
}

// What the element does at each wake-up.
void MediaFlow::pump() {
  const Timestamp now = events_.now();
  controller_->on_time(now);
  pacer_.set_target(controller_->target());
  while (auto probe = controller_->next_probe()) pacer_.start_probe(*probe);
  while (auto packet = pacer_.next(now)) {
    send(*packet);
    while (auto probe = controller_->next_probe()) pacer_.start_probe(*probe);
  }
  wake_at(std::min(pacer_.next_time(), now + kTick));
}

void MediaFlow::wake_at(Timestamp when) {
  if (wake_ > events_.now() && when >= wake_) return;
  wake_ = when;
  events_.at(when, [this, when] {
    if (wake_ != when) return;  // an earlier one came instead
    wake_ = Timestamp::never();
    pump();
  });
}

void MediaFlow::send(const Pacer::Send& packet) {
  const std::int64_t sequence = next_sequence_++;
  controller_->on_packet_sent(events_.now(), std::uint16_t(sequence), packet.size, packet.probe);
  ++bin().sent;
  const bool media = packet.token.has_value();
  forward_.send({packet.size, config_.further, [this, sequence, size = packet.size, media](TimeDelta queued) {
                   arrive(sequence, size, media, queued);
                 }});
}

void MediaFlow::arrive(std::int64_t sequence, DataSize size, bool media, TimeDelta queued) {
  ++bin().arrived;
  if (media) {
    bin().media_bits += double(size.bits());
    queueing_.push_back({events_.now(), queued.ms()});
  }
  const std::int64_t ticks = events_.now().ns() / kResolution.ns();
  arrivals_.push_back({sequence, Timestamp::ns(ticks * kResolution.ns())});
}

void MediaFlow::next_feedback() {
  events_.after(config_.feedback_interval, [this] {
    next_feedback();
    if (arrivals_.empty()) return;
    auto message = std::make_shared<std::vector<PacketFeedback>>();
    for (const Arrival& arrival : arrivals_) {
      for (; next_told_ < arrival.sequence; ++next_told_) message->push_back({std::uint16_t(next_told_), {}});
      message->push_back({std::uint16_t(arrival.sequence), arrival.received});
      next_told_ = arrival.sequence + 1;
    }
    arrivals_.clear();
    const auto told = [this, message] {
      controller_->on_feedback(events_.now(), *message);
      pump();
    };
    if (backward_) {
      // IP, UDP, RTCP and transport-wide headers, and a status and a delta for each packet.
      const auto size = DataSize::bytes(28 + 20 + 2 * std::int64_t(message->size()));
      backward_->send({size, config_.further, [told](TimeDelta) { told(); }});
    } else {
      events_.after(return_delay_ + config_.further, told);
    }
  });
}

}  // namespace campaign::network
