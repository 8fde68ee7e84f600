// What an RTP payload holds of a coded picture: where key frames begin, and the bytes a decoder takes.
// H.264 by RFC 6184 (single NAL units, STAP-A, FU-A), VP8 by RFC 7741. Plain C++, any thread, hostile bytes.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "pipelines/load/media/bytes.hpp"

namespace campaign::load {

enum class Codec { h264, vp8 };
std::string_view codec_name(Codec codec);

struct PayloadTraits {
  bool starts_key_frame = false;  // nothing of the key frame came before this packet
  bool key = false;               // of a key frame, as far as this packet shows
};

// Reads one payload, and appends what a decoder takes to `unit` when there is one (H.264 as a byte stream
// with start codes). Nothing when the payload is malformed.
std::optional<PayloadTraits> read_payload(Codec codec, Bytes payload, std::vector<std::uint8_t>* unit);

}  // namespace campaign::load
