// RTCP, both ways: what a sender's compound says, and what a receiver answers (RFC 3550 section 6, RFC 4585).
// Plain C++; a writer belongs to one thread.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "pipelines/load/media/bytes.hpp"

namespace campaign::load {

struct SenderReport {
  std::uint32_t ssrc = 0;
  std::uint64_t ntp = 0;  // 32.32 fixed point seconds of the sender's clock
  std::uint32_t rtp_timestamp = 0;
};

struct ReceivedRtcp {
  std::optional<SenderReport> sender_report;  // the last one in the compound
  bool goodbye = false;
};

// Nothing when the compound is malformed, in part or as a whole.
std::optional<ReceivedRtcp> parse_rtcp(Bytes bytes);

struct ReceptionReport {
  std::uint32_t ssrc = 0;
  std::uint8_t fraction_lost = 0;  // of 256, since the last report
  std::int64_t lost = 0;           // in all; written clamped to 24 bits
  std::uint32_t highest_sequence = 0;
  std::uint32_t jitter = 0;               // in units of the RTP clock
  std::uint32_t last_sender_report = 0;   // middle 32 bits of its NTP time
  std::uint32_t since_sender_report = 0;  // in 1/65536 s
};

// Writes one compound into a buffer of its own. What does not fit is left out.
class RtcpWriter {
 public:
  explicit RtcpWriter(std::uint32_t own_ssrc) : own_ssrc_(own_ssrc) {}

  void receiver_report(const std::optional<ReceptionReport>& report);
  void source_description(std::string_view cname);
  void picture_loss(std::uint32_t media_ssrc);
  // `lost`: sequence numbers in ascending order, as many as fit.
  void negative_acknowledgement(std::uint32_t media_ssrc, std::span<const std::uint16_t> lost);
  // One message of RTPFB type 15, whose body comes from TransportFeedback.
  void transport_feedback(std::uint32_t media_ssrc, Bytes body);

  Bytes bytes() const { return Bytes(buffer_).first(size_); }

 private:
  bool begin(unsigned count_or_format, unsigned type, std::size_t body);
  void u8(unsigned value) { buffer_[size_++] = static_cast<std::uint8_t>(value); }
  void u16(unsigned value);
  void u32(std::uint32_t value);

  std::uint32_t own_ssrc_;
  std::array<std::uint8_t, 1200> buffer_;
  std::size_t size_ = 0;
};

}  // namespace campaign::load
