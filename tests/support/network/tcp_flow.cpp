#include "tcp_flow.hpp"

#include <cmath>

namespace campaign::network {
namespace {

constexpr DataSize kSegment = DataSize::bytes(1500);  // on the wire
constexpr int kDuplicates = 3;                        // RFC 5681
constexpr double kLeastTimeoutMs = 1000;              // RFC 6298

}  // namespace

void TcpFlow::start(std::optional<DataSize> size, std::function<void()> done) {
  ++run_;
  active_ = true;
  done_ = std::move(done);
  to_send_ = size ? std::max<std::int64_t>(1, (size->bytes() + 1459) / 1460) : std::int64_t(1) << 60;
  flight_.clear();
  window_ = 10;
  slow_start_until_ = 1e9;
  fill();
}

void TcpFlow::fill() {
  while (active_ && to_send_ > 0 && double(flight_.size()) < std::floor(window_)) transmit();
  arm_timeout();
}

void TcpFlow::transmit() {
  const std::int64_t packet = next_packet_++;
  --to_send_;
  flight_[packet] = {events_.now()};
  forward_.send({kSegment, {}, [this, packet, run = run_](TimeDelta) {
                   arrived_bits_ += double(kSegment.bits());
                   events_.after(return_delay_, [this, packet, run] { acknowledge(packet, run); });
                 }});
}

void TcpFlow::acknowledge(std::int64_t packet, std::uint64_t run) {
  if (run != run_ || !active_) return;
  const auto it = flight_.find(packet);
  if (it == flight_.end()) return;
  const double rtt = (events_.now() - it->second.sent).ms();
  rtt_variation_ms_ =
      smoothed_rtt_ms_ ? 0.75 * rtt_variation_ms_ + 0.25 * std::abs(*smoothed_rtt_ms_ - rtt) : rtt / 2;
  smoothed_rtt_ms_ = smoothed_rtt_ms_ ? 0.875 * *smoothed_rtt_ms_ + 0.125 * rtt : rtt;
  for (auto earlier = flight_.begin(); earlier != it;) {
    if (++earlier->second.overtaken >= kDuplicates) {
      if (earlier->first >= recovery_until_) lose(next_packet_);
      earlier = flight_.erase(earlier);
      ++to_send_;  // its content goes again, as a new packet
    } else {
      ++earlier;
    }
  }
  flight_.erase(packet);
  window_ += window_ < slow_start_until_ ? 1 : 1 / window_;
  if (flight_.empty() && to_send_ == 0) {
    active_ = false;
    if (done_) done_();
    return;
  }
  fill();
}

void TcpFlow::lose(std::int64_t recovery_until) {
  recovery_until_ = recovery_until;
  slow_start_until_ = window_ = std::max(window_ / 2, 2.0);
}

void TcpFlow::arm_timeout() {
  const double wait =
      std::max(kLeastTimeoutMs, smoothed_rtt_ms_.value_or(kLeastTimeoutMs) + 4 * rtt_variation_ms_);
  events_.after(TimeDelta::us(std::int64_t(wait * 1000)), [this, armed = ++timeout_] {
    if (armed != timeout_ || !active_ || flight_.empty()) return;
    to_send_ += std::int64_t(flight_.size());
    flight_.clear();
    recovery_until_ = next_packet_;
    slow_start_until_ = std::max(window_ / 2, 2.0);
    window_ = 1;
    fill();
  });
}

}  // namespace campaign::network
