// Hands packets on in the order of their sequence numbers. What arrives in order passes without a copy; what
// comes after a gap waits a moment for what is missing. Plain C++, one thread.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "pipelines/load/media/rtp_packet.hpp"
#include "pipelines/load/media/time.hpp"

namespace campaign::load {

class ReorderBuffer {
 public:
  // Long enough for one retransmission over most paths, short enough to be no freeze by itself.
  static constexpr Time kPatience = 150ms;
  static constexpr std::size_t kMaxWaiting = 256;

  // deliver(packet, gap_before): `gap_before` says that what was missing before it is given up.
  template <class Deliver>
  void push(std::int64_t extended, const RtpPacket& packet, Time now, Deliver&& deliver) {
    if (!started_) {
      started_ = true;
      next_ = extended;
    }
    if (extended < next_) return;  // given up already
    if (extended > next_) {
      if (waiting_.empty()) since_ = now;
      waiting_.try_emplace(extended, packet);
    } else {
      deliver(packet, false);
      ++next_;
      drain(now, deliver);
    }
    expire(now, deliver);
  }

  template <class Deliver>
  void expire(Time now, Deliver&& deliver) {
    while (!waiting_.empty() && (now - since_ >= kPatience || waiting_.size() > kMaxWaiting)) {
      next_ = waiting_.begin()->first;
      deliver_first(deliver, true);
      drain(now, deliver);
    }
  }

  // What is missing between what was handed on and the newest waiting packet, at most `limit` of it.
  std::vector<std::uint16_t> missing(std::size_t limit) const {
    std::vector<std::uint16_t> numbers;
    auto at = next_;
    for (const auto& [extended, packet] : waiting_)
      for (; at <= extended; ++at) {
        if (at == extended || numbers.size() == limit) continue;
        numbers.push_back(static_cast<std::uint16_t>(at));
      }
    return numbers;
  }

  bool is_waiting() const { return !waiting_.empty(); }

 private:
  struct Waiting {
    explicit Waiting(const RtpPacket& packet)
        : header(packet), payload(packet.payload.begin(), packet.payload.end()) {}
    RtpPacket header;  // its spans are dead
    std::vector<std::uint8_t> payload;
  };

  template <class Deliver>
  void deliver_first(Deliver& deliver, bool gap_before) {
    auto node = waiting_.extract(waiting_.begin());
    RtpPacket packet = node.mapped().header;
    packet.extensions = {};
    packet.payload = node.mapped().payload;
    deliver(packet, gap_before);
    ++next_;
  }

  template <class Deliver>
  void drain(Time now, Deliver& deliver) {
    while (!waiting_.empty() && waiting_.begin()->first == next_) deliver_first(deliver, false);
    since_ = now;  // for a gap further on, patience begins again
  }

  bool started_ = false;
  std::int64_t next_ = 0;
  Time since_{};
  std::map<std::int64_t, Waiting> waiting_;
};

}  // namespace campaign::load
