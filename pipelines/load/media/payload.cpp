// See payload.hpp.
#include "pipelines/load/media/payload.hpp"

namespace campaign::load {
namespace {

constexpr unsigned kIdrSlice = 5, kSequenceParameters = 7;
constexpr unsigned kStapA = 24, kFuA = 28, kLastSingle = 23;

void append(std::vector<std::uint8_t>& unit, Bytes bytes) {
  unit.insert(unit.end(), bytes.begin(), bytes.end());
}

void begin_nal(std::vector<std::uint8_t>& unit, std::uint8_t header) {
  unit.insert(unit.end(), {0, 0, 0, 1, header});
}

void note(PayloadTraits& traits, unsigned nal_type) {
  if (nal_type == kSequenceParameters) traits.starts_key_frame = true;
  if (nal_type == kIdrSlice) traits.key = true;
}

std::optional<PayloadTraits> read_h264(Bytes payload, std::vector<std::uint8_t>* unit) {
  if (payload.empty() || payload[0] & 0x80) return std::nullopt;  // the forbidden bit
  PayloadTraits traits;
  const unsigned type = payload[0] & 0x1f;
  if (type >= 1 && type <= kLastSingle) {
    note(traits, type);
    if (unit) {
      begin_nal(*unit, payload[0]);
      append(*unit, payload.subspan(1));
    }
    return traits;
  }
  if (type == kStapA) {
    payload = payload.subspan(1);
    if (payload.empty()) return std::nullopt;
    while (!payload.empty()) {
      if (payload.size() < 2) return std::nullopt;
      const std::size_t size = read_u16(payload, 0);
      payload = payload.subspan(2);
      if (size == 0 || size > payload.size()) return std::nullopt;
      note(traits, payload[0] & 0x1f);
      if (unit) {
        begin_nal(*unit, payload[0]);
        append(*unit, payload.subspan(1, size - 1));
      }
      payload = payload.subspan(size);
    }
    return traits;
  }
  if (type == kFuA) {
    if (payload.size() < 3) return std::nullopt;
    const unsigned inner = payload[1] & 0x1f;
    const bool start = payload[1] & 0x80;
    if (inner == 0 || inner > kLastSingle) return std::nullopt;
    note(traits, inner);
    if (!start) traits.starts_key_frame = false;
    if (unit) {
      if (start) begin_nal(*unit, static_cast<std::uint8_t>((payload[0] & 0xe0) | inner));
      append(*unit, payload.subspan(2));
    }
    return traits;
  }
  return std::nullopt;  // packetization-mode 1 has no others
}

std::optional<PayloadTraits> read_vp8(Bytes payload, std::vector<std::uint8_t>* unit) {
  if (payload.empty()) return std::nullopt;
  const bool extended = payload[0] & 0x80;
  const bool starts_partition = payload[0] & 0x10;
  const unsigned partition = payload[0] & 0x07;
  std::size_t header = 1;
  if (extended) {
    if (payload.size() < 2) return std::nullopt;
    const unsigned flags = payload[1];
    header = 2;
    if (flags & 0x80) {  // picture id, of one byte or two
      if (payload.size() <= header) return std::nullopt;
      header += payload[header] & 0x80 ? 2 : 1;
    }
    if (flags & 0x40) ++header;  // TL0PICIDX
    if (flags & 0x30) ++header;  // temporal layer, key index
  }
  if (payload.size() <= header) return std::nullopt;
  const Bytes data = payload.subspan(header);
  PayloadTraits traits;
  if (starts_partition && partition == 0)
    traits.starts_key_frame = traits.key = !(data[0] & 0x01);  // RFC 6386, 9.1
  if (unit) append(*unit, data);
  return traits;
}

}  // namespace

std::string_view codec_name(Codec codec) { return codec == Codec::h264 ? "H264" : "VP8"; }

std::optional<PayloadTraits> read_payload(Codec codec, Bytes payload, std::vector<std::uint8_t>* unit) {
  return codec == Codec::h264 ? read_h264(payload, unit) : read_vp8(payload, unit);
}

}  // namespace campaign::load
