// The transport-wide feedback that rtpsession sends upstream as the event RTPTWCCPackets, as gst/congestion
// takes it: bounded, with the receiver's wrapping clock unwrapped, and with the numbers that we gave to the
// packets. rtpsession gives each packet its own number, from 0 on and in order; where packets reach it past
// us, its numbers run away from ours, which its local times show. One thread, or under one lock.
#pragma once

#include <gst/gst.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "congestion/packet_feedback.hpp"
#include "congestion/reference_time.hpp"

namespace campaign {

class TransportFeedback {
 public:
  static constexpr const char* kEvent = "RTPTWCCPackets";

  TransportFeedback() { packets_.reserve(1024); }

  // In the order of their numbers, before the packets are pushed: `count` of them at once, which rtpsession
  // gives one time. `at` on the system clock.
  void on_sent(std::uint16_t first, std::uint16_t count, GstClockTime at);

  // The packets that `event` speaks of, in our numbers; what is not a packet in it is left out. The result
  // lives until the next call.
  std::span<const congestion::PacketFeedback> read(const GstStructure* event);

 private:
  static constexpr std::size_t kRemembered = 4096;  // a power of two, so that it divides the numbers
  static constexpr int kSure = 3;                   // pushes that agree on how far the numbers are apart

  struct Sent {
    std::uint16_t number = 0;
    std::uint16_t first = 0, following = 0;  // of those pushed with it, and the first of the next ones
    GstClockTime at = GST_CLOCK_TIME_NONE;   // none: never
  };
  void take(const GValue* packet);
  void follow_numbers(std::uint16_t theirs, GstClockTime local);
  bool went_out_at(std::uint16_t number, GstClockTime local) const;
  std::optional<std::uint16_t> number_at(GstClockTime local) const;

  std::array<Sent, kRemembered> sent_{};
  std::uint16_t next_ = 0;
  std::uint16_t apart_ = 0;  // theirs less ours
  std::optional<GstClockTime> last_local_;
  std::uint16_t other_apart_ = 0;
  int other_seen_ = 0;  // pushes in a row whose first packet said other_apart_
  congestion::ReferenceTimeUnwrapper remote_;
  std::vector<congestion::PacketFeedback> packets_;
};

}  // namespace campaign
