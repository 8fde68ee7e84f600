// The rate at which packets arrive at the receiver, from feedback. Never above the rate at which they were
// sent, so that neither a queue let go at once nor a receiver's odd clock looks like capacity. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "congestion/packet_feedback.hpp"

namespace campaign::congestion {

class AcknowledgedRate {
 public:
  void add(const PacketResult& result);

  struct Rates {
    DataRate received;  // what came out of the network, whoever queued it
    DataRate bounded;   // the same, at most the rate at which it was sent
  };
  // Empty until there are enough packets for a number.
  std::optional<Rates> value() const;

  void reset() { first_ = count_ = 0; }

 private:
  static constexpr std::size_t kMostPackets = 512;  // libwebrtc robust_throughput_estimator: 500

  const PacketResult& at(std::size_t i) const { return ring_[(first_ + i) % kMostPackets]; }
  PacketResult& at(std::size_t i) { return ring_[(first_ + i) % kMostPackets]; }
  bool oldest_is_superfluous() const;

  std::array<PacketResult, kMostPackets> ring_{};  // by arrival
  std::size_t first_ = 0, count_ = 0;
};

}  // namespace campaign::congestion
