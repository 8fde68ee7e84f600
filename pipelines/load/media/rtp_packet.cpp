// See rtp_packet.hpp.
#include "pipelines/load/media/rtp_packet.hpp"

namespace campaign::load {
namespace {

constexpr std::size_t kFixedHeader = 12;
constexpr std::uint16_t kOneByteElements = 0xbede;  // RFC 8285, section 4.2
constexpr std::uint16_t kTwoByteElements = 0x1000;  // section 4.3; the low four bits are the application's

}  // namespace

std::optional<RtpPacket> parse_rtp(Bytes bytes) {
  if (bytes.size() < kFixedHeader || bytes[0] >> 6 != 2) return std::nullopt;
  RtpPacket packet;
  packet.marker = bytes[1] & 0x80;
  packet.payload_type = bytes[1] & 0x7f;
  packet.sequence = read_u16(bytes, 2);
  packet.timestamp = read_u32(bytes, 4);
  packet.ssrc = read_u32(bytes, 8);

  const std::size_t contributors = 4 * std::size_t(bytes[0] & 0x0f);
  Bytes rest = bytes.subspan(kFixedHeader);
  if (rest.size() < contributors) return std::nullopt;
  rest = rest.subspan(contributors);

  if (bytes[0] & 0x10) {
    if (rest.size() < 4) return std::nullopt;
    packet.extension_profile = read_u16(rest, 0);
    const std::size_t size = 4 * std::size_t(read_u16(rest, 2));
    rest = rest.subspan(4);
    if (rest.size() < size) return std::nullopt;
    packet.extensions = rest.first(size);
    rest = rest.subspan(size);
  }
  if (bytes[0] & 0x20) {
    if (rest.empty() || rest.back() == 0 || rest.back() > rest.size()) return std::nullopt;
    rest = rest.first(rest.size() - rest.back());
  }
  packet.payload = rest;
  return packet;
}

std::optional<Bytes> find_extension(const RtpPacket& packet, unsigned id) {
  const bool one_byte = packet.extension_profile == kOneByteElements;
  if (!one_byte && (packet.extension_profile & 0xfff0) != kTwoByteElements) return std::nullopt;
  Bytes rest = packet.extensions;
  while (!rest.empty()) {
    if (rest[0] == 0) {  // padding
      rest = rest.subspan(1);
      continue;
    }
    if (!one_byte && rest.size() < 2) return std::nullopt;
    const unsigned found = one_byte ? rest[0] >> 4 : rest[0];
    const std::size_t size = one_byte ? (rest[0] & 0x0f) + 1u : rest[1];
    if (one_byte && found == 15) return std::nullopt;  // reserved: stop reading
    rest = rest.subspan(one_byte ? 1 : 2);
    if (rest.size() < size) return std::nullopt;
    if (found == id) return rest.first(size);
    rest = rest.subspan(size);
  }
  return std::nullopt;
}

bool is_rtcp(Bytes bytes) { return bytes.size() >= 2 && (bytes[1] & 0x7f) >= 64 && (bytes[1] & 0x7f) <= 95; }

std::optional<RtpPacket> unwrap_retransmission(RtpPacket packet, std::uint8_t payload_type) {
  if (packet.payload.size() < 2) return std::nullopt;
  packet.sequence = read_u16(packet.payload, 0);
  packet.payload = packet.payload.subspan(2);
  packet.payload_type = payload_type;
  return packet;
}

}  // namespace campaign::load
