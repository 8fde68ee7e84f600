// The server's offer, read from hostile text, and the answer of a viewer that only watches (RFC 8829, RFC
// 8866). Plain C++, any thread.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/load/media/payload.hpp"
#include "util/result.hpp"

namespace campaign::load {

using Fingerprint = std::array<std::uint8_t, 32>;  // SHA-256 of a certificate

std::string to_text(const Fingerprint& fingerprint);  // "AB:CD:…"

struct Offer {
  std::string mid, ice_ufrag, ice_pwd;
  Fingerprint fingerprint{};
  Codec codec = Codec::h264;
  std::uint8_t payload_type = 0;
  std::uint32_t clock_rate = 90'000;
  std::string format;                                 // of fmtp, echoed
  std::optional<std::uint8_t> retransmission_type;    // "rtx" for payload_type
  std::vector<std::string> feedback;                  // of rtcp-fb that we know, echoed
  std::optional<std::uint8_t> transport_sequence_id;  // of extmap
  std::vector<std::string> candidates;                // "candidate:…"

  bool has_feedback(std::string_view kind) const;
};

Result<Offer> parse_offer(std::string_view sdp);

struct AnsweringSide {
  std::string ice_ufrag, ice_pwd;
  Fingerprint fingerprint{};
};

// We start DTLS (setup:active), as browsers do. Our candidates follow one by one (trickle ICE).
std::string write_answer(const Offer& offer, const AnsweringSide& us);

}  // namespace campaign::load
