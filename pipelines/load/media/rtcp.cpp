// See rtcp.hpp.
#include "pipelines/load/media/rtcp.hpp"

#include <algorithm>

namespace campaign::load {
namespace {

constexpr unsigned kSenderReport = 200, kReceiverReport = 201, kSourceDescription = 202, kBye = 203;
constexpr unsigned kTransportFeedback = 205, kPayloadFeedback = 206;
constexpr unsigned kNack = 1, kTransportWide = 15, kPictureLoss = 1;
constexpr std::size_t kMaxCname = 64;

}  // namespace

std::optional<ReceivedRtcp> parse_rtcp(Bytes bytes) {
  ReceivedRtcp received;
  if (bytes.empty()) return std::nullopt;
  while (!bytes.empty()) {
    if (bytes.size() < 4 || bytes[0] >> 6 != 2) return std::nullopt;
    const std::size_t size = 4 * (std::size_t(read_u16(bytes, 2)) + 1);
    if (bytes.size() < size) return std::nullopt;
    const unsigned type = bytes[1];
    if (type == kSenderReport) {
      if (size < 28) return std::nullopt;
      received.sender_report = SenderReport{read_u32(bytes, 4), read_u64(bytes, 8), read_u32(bytes, 16)};
    } else if (type == kBye) {
      received.goodbye = true;
    }
    bytes = bytes.subspan(size);
  }
  return received;
}

void RtcpWriter::u16(unsigned value) {
  u8(value >> 8 & 0xff);
  u8(value & 0xff);
}

void RtcpWriter::u32(std::uint32_t value) {
  u16(value >> 16);
  u16(value & 0xffff);
}

// `body`: what follows the first 32 bits, in bytes, a multiple of four.
bool RtcpWriter::begin(unsigned count_or_format, unsigned type, std::size_t body) {
  if (size_ + 4 + body > buffer_.size()) return false;
  u8(0x80 | count_or_format);
  u8(type);
  u16(static_cast<unsigned>(body / 4));
  return true;
}

void RtcpWriter::receiver_report(const std::optional<ReceptionReport>& report) {
  if (!begin(report ? 1 : 0, kReceiverReport, report ? 28 : 4)) return;
  u32(own_ssrc_);
  if (!report) return;
  u32(report->ssrc);
  const auto lost = std::clamp<std::int64_t>(report->lost, -0x800000, 0x7fffff);
  u32(std::uint32_t(report->fraction_lost) << 24 | (static_cast<std::uint32_t>(lost) & 0xffffff));
  u32(report->highest_sequence);
  u32(report->jitter);
  u32(report->last_sender_report);
  u32(report->since_sender_report);
}

void RtcpWriter::source_description(std::string_view cname) {
  cname = cname.substr(0, kMaxCname);
  const std::size_t chunk = (4 + 2 + cname.size() + 1 + 3) / 4 * 4;  // a zero ends the items, zeros pad
  if (!begin(1, kSourceDescription, chunk)) return;
  const std::size_t end = size_ + chunk;
  u32(own_ssrc_);
  u8(1);
  u8(static_cast<unsigned>(cname.size()));
  for (char c : cname) u8(static_cast<unsigned char>(c));
  while (size_ < end) u8(0);
}

void RtcpWriter::picture_loss(std::uint32_t media_ssrc) {
  if (!begin(kPictureLoss, kPayloadFeedback, 8)) return;
  u32(own_ssrc_);
  u32(media_ssrc);
}

void RtcpWriter::negative_acknowledgement(std::uint32_t media_ssrc, std::span<const std::uint16_t> lost) {
  // Each entry names one packet and, as a bit mask, the 16 after it.
  constexpr std::size_t kMaxEntries = 32;
  std::array<std::pair<std::uint16_t, std::uint16_t>, kMaxEntries> entries;
  std::size_t count = 0;
  for (const std::uint16_t sequence : lost) {
    const unsigned after = count == 0 ? 0 : static_cast<std::uint16_t>(sequence - entries[count - 1].first);
    if (after >= 1 && after <= 16) {
      entries[count - 1].second |= static_cast<std::uint16_t>(1u << (after - 1));
    } else {
      if (count == kMaxEntries) break;
      entries[count++] = {sequence, std::uint16_t(0)};
    }
  }
  if (count == 0 || !begin(kNack, kTransportFeedback, 8 + 4 * count)) return;
  u32(own_ssrc_);
  u32(media_ssrc);
  for (std::size_t i = 0; i < count; ++i) {
    u16(entries[i].first);
    u16(entries[i].second);
  }
}

void RtcpWriter::transport_feedback(std::uint32_t media_ssrc, Bytes body) {
  const std::size_t padded = (body.size() + 3) / 4 * 4;
  if (!begin(kTransportWide, kTransportFeedback, 8 + padded)) return;
  u32(own_ssrc_);
  u32(media_ssrc);
  for (const std::uint8_t byte : body) u8(byte);
  for (std::size_t i = body.size(); i < padded; ++i) u8(0);
}

}  // namespace campaign::load
