// A probe: a few packets sent faster than the estimate, to see how fast they arrive. Plans, and what came of
// them.
#pragma once

#include "congestion/packet_feedback.hpp"

namespace campaign::congestion {

inline constexpr int kProbePackets = 5;  // libwebrtc probe_controller: at least
// libwebrtc probe_controller: at least 15 ms, 100 ms where it can take its time. The frames of a neighbour at
// 30 fps come every 33 ms, and a shorter burst fits between them and sees the whole link as free: own, one
// frame and a bit.
inline constexpr TimeDelta kProbeDuration = TimeDelta::ms(40);

struct ProbePlan {
  ProbeId id = kNoProbe;
  DataRate rate;    // at which to send its packets
  DataSize size;    // at least this much, and
  int packets = 0;  // at least so many
};

struct ProbeResult {
  ProbeId id = kNoProbe;
  DataRate rate;           // what the network was shown to carry, with a margin where it was full
  bool saturated = false;  // the packets arrived slower than they were sent
};

}  // namespace campaign::congestion
