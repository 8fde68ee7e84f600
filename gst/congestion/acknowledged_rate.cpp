#include "congestion/acknowledged_rate.hpp"

#include <algorithm>
#include <utility>

namespace campaign::congestion {
namespace {

// libwebrtc measures over 150 ms (bitrate_estimator) or 1 s (robust_throughput_estimator); eight frames of a
// 30 fps picture lie between: short enough to see a fall of the capacity within two round trips, long enough
// for bursts.
constexpr TimeDelta kShortest = TimeDelta::ms(250), kLongest = TimeDelta::seconds(1);
constexpr std::size_t kEnoughPackets = 20;    // libwebrtc robust_throughput_estimator: window_packets
constexpr std::size_t kRequiredPackets = 10;  // libwebrtc robust_throughput_estimator
constexpr TimeDelta kClockChanged =
    TimeDelta::seconds(1);  // libwebrtc robust_throughput_estimator: max reordering
constexpr TimeDelta kLeastSpan = TimeDelta::ms(1);

}  // namespace

bool AcknowledgedRate::oldest_is_superfluous() const {
  const TimeDelta span = at(count_ - 1).received - at(0).received;
  return span > kLongest || (span > kShortest && count_ > kEnoughPackets);
}

void AcknowledgedRate::add(const PacketResult& result) {
  if (count_ > 0 && (at(count_ - 1).received - result.received > kClockChanged)) reset();
  if (count_ == kMostPackets) {
    first_ = (first_ + 1) % kMostPackets;
    --count_;
  }
  at(count_++) = result;
  for (std::size_t i = count_ - 1; i > 0 && at(i).received < at(i - 1).received; --i)
    std::swap(at(i), at(i - 1));
  while (count_ > 1 && oldest_is_superfluous()) {
    first_ = (first_ + 1) % kMostPackets;
    --count_;
  }
}

std::optional<AcknowledgedRate::Rates> AcknowledgedRate::value() const {
  if (count_ < kRequiredPackets) return std::nullopt;
  Timestamp first_sent = at(0).packet.sent, last_sent = first_sent;
  DataSize total, last_sent_size;
  TimeDelta largest_gap, second_gap;
  for (std::size_t i = 0; i < count_; ++i) {
    const SentPacket& packet = at(i).packet;
    total += packet.size;
    first_sent = std::min(first_sent, packet.sent);
    if (packet.sent >= last_sent) {
      last_sent = packet.sent;
      last_sent_size = packet.size;
    }
    if (i == 0) continue;
    const TimeDelta gap = at(i).received - at(i - 1).received;
    if (gap > largest_gap) {
      second_gap = std::exchange(largest_gap, gap);
    } else {
      second_gap = std::max(second_gap, gap);
    }
  }
  // n packets span n−1 intervals, so one packet does not count. One stall of the network is not a slow
  // network: its gap counts as the second largest.
  const TimeDelta received_span =
      std::max(at(count_ - 1).received - at(0).received - largest_gap + second_gap, kLeastSpan);
  const TimeDelta sent_span = std::max(last_sent - first_sent, kLeastSpan);
  const DataRate received = (total - at(0).packet.size) / received_span;
  return Rates{received, std::min(received, (total - last_sent_size) / sent_span)};
}

}  // namespace campaign::congestion
