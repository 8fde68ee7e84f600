// One RTP packet (RFC 3550, section 5.1), read from hostile bytes. Plain C++, any thread; the spans point
// into the bytes that were parsed.
#pragma once

#include <optional>

#include "pipelines/load/media/bytes.hpp"

namespace campaign::load {

struct RtpPacket {
  std::uint8_t payload_type = 0;
  bool marker = false;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  std::uint16_t extension_profile = 0;
  Bytes extensions;
  Bytes payload;  // without padding
};

std::optional<RtpPacket> parse_rtp(Bytes bytes);

// The header extension element `id` (RFC 8285), of either form.
std::optional<Bytes> find_extension(const RtpPacket& packet, unsigned id);

// Of packets that share a port by RFC 5761: payload types 64 to 95 are RTCP's.
bool is_rtcp(Bytes bytes);

// What a retransmission (RFC 4588) carried at first; nothing when it is too short to carry one.
std::optional<RtpPacket> unwrap_retransmission(RtpPacket packet, std::uint8_t payload_type);

}  // namespace campaign::load
