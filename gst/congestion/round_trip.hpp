// The round-trip time from feedback. How long the receiver waited before it told of a packet is not part of
// it: of all packets of one message only the wait of the last one is unknown, and the least of a second has
// almost none.
#pragma once

#include <array>
#include <optional>

#include "congestion/units.hpp"

namespace campaign::congestion {

class RoundTrip {
 public:
  // Of one feedback message: now − sent − (the last packet's arrival − this one's), the least over its
  // packets.
  void add(TimeDelta sample, Timestamp now) {
    if (sample <= TimeDelta() || sample > kLongest) return;
    samples_[next_++ % kSamples] = {sample, now};
  }

  // The least sample of the last second before `now`, or the last known one; empty before the first.
  std::optional<TimeDelta> value(Timestamp now) {
    std::optional<TimeDelta> least;
    for (std::size_t i = 0; i < std::min(next_, kSamples); ++i) {
      if (now - samples_[i].at <= kWindow) least = std::min(least.value_or(kLongest), samples_[i].round_trip);
    }
    if (least) last_ = least;
    return last_;
  }

 private:
  static constexpr std::size_t kSamples = 32;  // libwebrtc goog_cc: feedback_max_rtts window
  static constexpr TimeDelta kWindow =
      TimeDelta::seconds(1);  // own: several feedback messages, one queue's length
  static constexpr TimeDelta kLongest =
      TimeDelta::seconds(60);  // anything longer is a mistake, not a network
  struct Sample {
    TimeDelta round_trip;
    Timestamp at;
  };

  std::array<Sample, kSamples> samples_{};
  std::size_t next_ = 0;
  std::optional<TimeDelta> last_;
};

}  // namespace campaign::congestion
