// What the receiver says about one packet, and what the sender remembers about it.
#pragma once

#include <cstdint>
#include <optional>

#include "congestion/units.hpp"

namespace campaign::congestion {

using ProbeId = std::int32_t;
inline constexpr ProbeId kNoProbe = -1;

struct PacketFeedback {
  std::uint16_t sequence = 0;         // transport-wide, as sent
  std::optional<Timestamp> received;  // the receiver's clock, unwrapped; empty: not there (yet)
};

struct SentPacket {
  std::int64_t sequence = 0;  // unwrapped
  Timestamp sent;             // the sender's clock
  DataSize size;              // on the wire
  ProbeId probe = kNoProbe;   // which probe it belongs to
};

// Both halves of one packet that arrived.
struct PacketResult {
  SentPacket packet;
  Timestamp received;  // the receiver's clock
};

enum class Usage {
  normal,
  overuse,   // the queue grows
  underuse,  // the queue shrinks
};

}  // namespace campaign::congestion
