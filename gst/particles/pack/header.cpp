#include "particles/pack/header.hpp"

#include <cmath>
#include <concepts>

namespace campaign::particles::pack {
namespace {

constexpr char kMagic[4] = {'C', 'P', 'U', 'D'};
constexpr uint8_t kKeyFlag = 1;

// Byte by byte, so that it is little endian on every machine.
struct Writer {
  std::byte* to;
  void number(std::unsigned_integral auto value) {
    for (size_t i = 0; i < sizeof value; ++i) *to++ = static_cast<std::byte>(uint64_t{value} >> (8 * i));
  }
  void number(float value) { number(std::bit_cast<uint32_t>(value)); }
};

struct Reader {
  const std::byte* from;
  template <std::unsigned_integral T>
  T number() {
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) value |= std::to_integer<uint64_t>(*from++) << (8 * i);
    return static_cast<T>(value);
  }
  float real() { return std::bit_cast<float>(number<uint32_t>()); }
};

Refusal bad(std::string_view field, std::string_view expected, const std::string& got) {
  std::string text;
  text.append("the header's ")
      .append(field)
      .append(" must be ")
      .append(expected)
      .append(", not ")
      .append(got);
  return {Reason::bad_header, std::move(text)};
}

// Nothing here when the fields fit each other and their ranges.
Result<void, Refusal> check(const Header& h) {
  auto text = [](auto value) { return std::to_string(value); };
  if (h.position_bits < kLeastBits || h.position_bits > kMostBits) {
    return bad("position bits", "8 to 16", text(h.position_bits));
  }
  if (h.colour_period < 1 || h.colour_period > kMostColourPeriod) {
    return bad("colour period", "1 to 64", text(h.colour_period));
  }
  if (h.colour_phase >= h.colour_period) {
    return bad("colour phase", "below the colour period", text(h.colour_phase));
  }
  if (h.count < 1 || h.count > kMostParticles) return bad("count", "1 to 1048576", text(h.count));
  if (uint64_t{h.first_id} + h.count > uint64_t{1} << 32) {
    return bad("first id", "at most 2^32 less the count", text(h.first_id));
  }
  if (h.key && (h.base_tick != h.tick || h.key_tick != h.tick)) {
    return bad("base tick and key tick", "the tick in a key update",
               text(h.base_tick) + ", " + text(h.key_tick));
  }
  if (!h.key && (h.base_tick >= h.tick || h.key_tick > h.base_tick)) {
    return bad("ticks", "in order (key, base, own)",
               text(h.key_tick) + ", " + text(h.base_tick) + ", " + text(h.tick));
  }
  for (int axis = 0; axis < 3; ++axis) {
    const float least = h.box.least[axis], greatest = h.box.greatest[axis];
    if (!(least >= -kFarthest && greatest <= kFarthest && least < greatest)) {
      return bad("box", "finite, within 2e6 units and not empty", text(least) + " to " + text(greatest));
    }
  }
  const uint64_t fewest = h.size_of_planes(h.key ? h.count : 0), most = h.size_of_planes(h.count);
  if (h.planes_size < fewest || h.planes_size > most) {
    return bad("length of the planes", text(fewest) + " to " + text(most), text(h.planes_size));
  }
  return {};
}

}  // namespace

std::string_view name_of(Reason reason) {
  switch (reason) {
    case Reason::too_short:
      return "too-short";
    case Reason::not_an_update:
      return "not-an-update";
    case Reason::unknown_version:
      return "unknown-version";
    case Reason::bad_header:
      return "bad-header";
    case Reason::too_large:
      return "too-large";
    case Reason::bad_payload:
      return "bad-payload";
    case Reason::bad_planes:
      return "bad-planes";
    case Reason::needs_key_update:
      return "needs-key-update";
  }
  return "unknown";
}

void write_header(const Header& header, std::span<std::byte, kHeaderSize> to) {
  std::memcpy(to.data(), kMagic, sizeof kMagic);
  Writer w{to.data() + sizeof kMagic};
  w.number(kVersion);
  w.number(header.key ? kKeyFlag : uint8_t{0});
  w.number(header.position_bits);
  w.number(header.colour_period);
  w.number(header.tick);
  w.number(static_cast<uint64_t>(header.stream_time));
  w.number(header.base_tick);
  w.number(header.key_tick);
  w.number(header.first_id);
  w.number(header.count);
  for (float side : header.box.least) w.number(side);
  for (float side : header.box.greatest) w.number(side);
  w.number(header.colour_phase);
  w.number(header.planes_size);
  w.number(header.payload_size);
}

Result<Header, Refusal> read_header(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeaderSize) {
    return Refusal{Reason::too_short, "an update has at least 84 bytes, not " + std::to_string(bytes.size())};
  }
  if (std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) {
    return Refusal{Reason::not_an_update, "an update begins with the letters CPUD"};
  }
  Reader r{bytes.data() + sizeof kMagic};
  if (const auto version = r.number<uint8_t>(); version != kVersion) {
    return Refusal{Reason::unknown_version, "this decoder knows version 1, not " + std::to_string(version)};
  }
  Header h;
  const auto flags = r.number<uint8_t>();
  if (flags & ~kKeyFlag) return bad("flags", "0 or 1", std::to_string(flags));
  h.key = flags & kKeyFlag;
  h.position_bits = r.number<uint8_t>();
  h.colour_period = r.number<uint8_t>();
  h.tick = r.number<uint64_t>();
  h.stream_time = static_cast<int64_t>(r.number<uint64_t>());
  h.base_tick = r.number<uint64_t>();
  h.key_tick = r.number<uint64_t>();
  h.first_id = r.number<uint32_t>();
  h.count = r.number<uint32_t>();
  for (float& side : h.box.least) side = r.real();
  for (float& side : h.box.greatest) side = r.real();
  h.colour_phase = r.number<uint32_t>();
  h.planes_size = r.number<uint32_t>();
  h.payload_size = r.number<uint32_t>();
  if (auto fits = check(h); !fits) return fits.error();
  return h;
}

}  // namespace campaign::particles::pack
