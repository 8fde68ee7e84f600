// RTP packets and payloads as a sender would write them, for tests.
#pragma once

#include <vector>

#include "pipelines/load/media/payload.hpp"

namespace campaign::load::test {

using Packet = std::vector<std::uint8_t>;

inline void put(Packet& out, std::uint32_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

struct RtpFields {
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  bool marker = false;
  std::uint8_t payload_type = 96;
  std::uint32_t ssrc = 0x1234;
  Packet extensions = {};  // of 0xbede, padded to 4 bytes
};

inline Packet rtp(const RtpFields& fields, const Packet& payload) {
  Packet out;
  out.push_back(fields.extensions.empty() ? 0x80 : 0x90);
  out.push_back(static_cast<std::uint8_t>((fields.marker ? 0x80 : 0) | fields.payload_type));
  put(out, fields.sequence, 2);
  put(out, fields.timestamp, 4);
  put(out, fields.ssrc, 4);
  if (!fields.extensions.empty()) {
    put(out, 0xbede, 2);
    put(out, static_cast<std::uint32_t>(fields.extensions.size() / 4), 2);
    out.insert(out.end(), fields.extensions.begin(), fields.extensions.end());
  }
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

// H.264: parameter sets in a STAP-A, the slice in FU-As or alone.
inline const Packet kParameterSets = {24, 0, 3, 0x67, 0x42, 0xe0, 0, 2, 0x68, 0xce};
inline const Packet kIdrStart = {0x7c, 0x85, 1, 2, 3}, kIdrEnd = {0x7c, 0x45, 4, 5};
inline const Packet kSlice = {0x41, 9, 9};

}  // namespace campaign::load::test
