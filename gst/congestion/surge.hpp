// A capacity that collapsed. The trendline looks at twenty groups of packets, and a picture at a low frame
// rate is two groups a frame: a third of a second, in which a queue of 300 ms has been filled and overflows.
// A delay that rises steeply through several feedback messages in a row is sure earlier. One thread. Own; the
// cases of RFC 8867 are none, as their rates change by less than the queue takes to show it.
#pragma once

#include <optional>
#include <span>

#include "congestion/packet_feedback.hpp"

namespace campaign::congestion {

class Surge {
 public:
  // The packets of one feedback message, by arrival, and the queueing delay of the last one. When the
  // capacity has collapsed: what arrived a second while it did.
  std::optional<DataRate> add(std::span<const PacketResult> packets, TimeDelta queueing) {
    const Timestamp arrival = packets.back().received;
    const TimeDelta step = last_ ? arrival - last_->arrival : TimeDelta();
    if (!last_ || step <= TimeDelta() || queueing - last_->queueing < step * kSteep) {
      from_ = last_ = Point{arrival, queueing};
      size_ = {};
      messages_ = 0;
      packets_ = 0;
      return std::nullopt;
    }
    last_ = Point{arrival, queueing};
    for (const PacketResult& result : packets) size_ += result.packet.size;
    packets_ += packets.size();
    if (++messages_ < kMessages || packets_ < kPackets || queueing < kQueue) return std::nullopt;
    const DataRate rate = size_ / (arrival - from_->arrival);
    reset();
    return rate;
  }
  void reset() { *this = {}; }

 private:
  static constexpr int kMessages = 3;
  static constexpr std::size_t kPackets = 30;  // fewer make no rate: slow streams are the trendline's
  static constexpr double kSteep = 0.5;  // of the time that passes: half of what is sent arrives, or less
  static constexpr TimeDelta kQueue = TimeDelta::ms(80);

  struct Point {
    Timestamp arrival;
    TimeDelta queueing;
  };
  std::optional<Point> from_, last_;
  DataSize size_;
  int messages_ = 0;
  std::size_t packets_ = 0;
};

}  // namespace campaign::congestion
