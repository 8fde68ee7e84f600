#include "particles/pack/decoder.hpp"

#include <zstd.h>

#include <algorithm>

#include "particles/pack/header.hpp"

namespace campaign::particles::pack {
namespace {

size_t births_size(const Header& header) { return (size_t{header.count} + 7) / 8; }

bool is_born(const std::byte* births, uint32_t particle) {
  return (births[particle / 8] >> (particle % 8) & std::byte{1}) != std::byte{0};
}

}  // namespace

void Decoder::Free::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

Decoder::Decoder(uint32_t most_particles)
    : most_particles_(std::min(most_particles, kMostParticles)), zstd_(ZSTD_createDCtx()) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

// A difference needs the very update that it was made to, under the same key update.
Result<void, Refusal> Decoder::follows(const Header& header) const {
  if (header.key) return {};
  auto refuse = [&](const std::string& instead) {
    return Refusal{Reason::needs_key_update,
                   "update " + std::to_string(header.tick) + " is a difference to update " +
                       std::to_string(header.base_tick) + " of key update " +
                       std::to_string(header.key_tick) + ", but " + instead + "; wait for a key update"};
  };
  if (!last_) return refuse("no key update has been decoded");
  if (header.base_tick != last_->tick || header.key_tick != last_->key_tick) {
    return refuse("the last one decoded was " + std::to_string(last_->tick) + " of key update " +
                  std::to_string(last_->key_tick));
  }
  if (header.count != last_->count || header.first_id != last_->first_id || !(header.box == last_->box) ||
      header.position_bits != last_->position_bits) {
    return Refusal{Reason::bad_header,
                   "the header's count, first id, position bits and box must be those of the key update"};
  }
  return {};
}

Result<void, Refusal> Decoder::unpack(const Header& header, std::span<const std::byte> payload) {
  auto refuse = [](const std::string& why) { return Refusal{Reason::bad_payload, "the payload " + why}; };
  if (!zstd_) return refuse("cannot be unpacked: there is no memory");
  if (ZSTD_getFrameContentSize(payload.data(), payload.size()) != header.planes_size) {
    return refuse("must be a zstd frame whose content is as large as the planes");
  }
  if (ZSTD_findFrameCompressedSize(payload.data(), payload.size()) != payload.size()) {
    return refuse("must be one whole zstd frame and nothing else");
  }
  if (planes_.size() < header.planes_size) planes_.resize(header.planes_size);
  const size_t size =
      ZSTD_decompressDCtx(zstd_.get(), planes_.data(), header.planes_size, payload.data(), payload.size());
  if (ZSTD_isError(size)) return refuse(std::string("is damaged: ") + ZSTD_getErrorName(size));
  if (size != header.planes_size) return refuse("is shorter than it says");
  return {};
}

Result<void, Refusal> Decoder::check_planes(const Header& header) const {
  auto refuse = [](const char* why) { return Refusal{Reason::bad_planes, why}; };
  const std::byte* births = planes_.data();
  if (header.count % 8 != 0 && births[header.count / 8] >> (header.count % 8) != std::byte{0}) {
    return refuse("the births must not reach beyond the count");
  }
  uint32_t colours = 0;
  for (uint32_t i = 0; i < header.count; ++i) colours += has_colour(header, i, is_born(births, i));
  if (header.planes_size != header.size_of_planes(colours)) {
    return refuse("there must be colours for exactly the newborn and those whose turn it is");
  }
  const std::byte* low = births + births_size(header);
  for (int axis = 0; axis < 3; ++axis, low += size_t{2} * header.count) {
    std::byte any{0};
    for (uint32_t i = 0; i < header.count; ++i) any |= low[header.count + i];
    if (std::to_integer<uint32_t>(any) >> (header.position_bits - 8) != 0) {
      return refuse("a position must be below 2^(position bits)");
    }
  }
  return {};
}

void Decoder::move(const Header& header, int axis, const std::byte* low) {
  Axis& to = axes_[axis];
  const std::byte* high = low + header.count;
  const uint32_t mask = (1u << header.position_bits) - 1;
  const double least = header.box.least[axis], step = header.step(axis);
  const float greatest = header.box.greatest[axis];
  for (uint32_t i = 0; i < header.count; ++i) {
    const uint32_t value = std::to_integer<uint32_t>(low[i]) | std::to_integer<uint32_t>(high[i]) << 8;
    const bool outright = header.key || newborn_[i];
    const uint32_t place = outright ? value : (2u * to.last[i] - to.before[i] + unfold(value)) & mask;
    to.before[i] = outright ? static_cast<uint16_t>(place) : to.last[i];
    to.last[i] = static_cast<uint16_t>(place);
    to.position[i] = std::min(static_cast<float>(least + place * step), greatest);
  }
}

void Decoder::paint(const Header& header, const std::byte* red) {
  uint32_t sent = 0;
  for (uint32_t i = 0; i < header.count; ++i) sent += has_colour(header, i, newborn_[i]);
  const std::byte *green = red + sent, *blue = green + sent;
  for (uint32_t i = 0; i < header.count; ++i) {
    if (!has_colour(header, i, newborn_[i])) continue;
    Rgb8& to = colours_[i];
    if (header.key || newborn_[i]) to = {};
    to.r = static_cast<uint8_t>(to.r + std::to_integer<uint8_t>(*red++));
    to.g = static_cast<uint8_t>(to.g + std::to_integer<uint8_t>(*green++));
    to.b = static_cast<uint8_t>(to.b + std::to_integer<uint8_t>(*blue++));
  }
}

Result<Update, Refusal> Decoder::decode(std::span<const std::byte> bytes) {
  auto read = read_header(bytes);
  if (!read) return read.error();
  const Header& header = *read;
  if (header.count > most_particles_) {
    return Refusal{Reason::too_large, "this decoder takes " + std::to_string(most_particles_) +
                                          " particles, not " + std::to_string(header.count)};
  }
  if (bytes.size() < kHeaderSize + uint64_t{header.payload_size}) {
    return Refusal{Reason::too_short, "the header announces " + std::to_string(header.payload_size) +
                                          " bytes of payload, not " +
                                          std::to_string(bytes.size() - kHeaderSize)};
  }
  if (bytes.size() > kHeaderSize + uint64_t{header.payload_size}) {
    return Refusal{Reason::bad_payload, "nothing must follow the payload"};
  }
  if (auto fits = follows(header); !fits) return fits.error();
  if (auto done = unpack(header, bytes.subspan(kHeaderSize)); !done) return done.error();
  if (auto sound = check_planes(header); !sound) return sound.error();

  // Nothing below fails.
  for (auto& axis : axes_) {
    axis.last.resize(header.count);
    axis.before.resize(header.count);
    axis.position.resize(header.count);
  }
  colours_.resize(header.count);
  newborn_.resize(header.count);
  const std::byte* plane = planes_.data();
  for (uint32_t i = 0; i < header.count; ++i) newborn_[i] = is_born(plane, i);
  plane += births_size(header);
  for (int axis = 0; axis < 3; ++axis, plane += size_t{2} * header.count) move(header, axis, plane);
  paint(header, plane);
  last_ = header;
  return Update{header, axes_[0].position, axes_[1].position, axes_[2].position, colours_, newborn_};
}

}  // namespace campaign::particles::pack
