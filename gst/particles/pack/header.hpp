// The header's bytes and the arithmetic that both sides of the format share. Pure functions.
#pragma once

#include <bit>
#include <cstring>

#include "particles/pack/update.hpp"
#include "util/result.hpp"

namespace campaign::particles::pack {

void write_header(const Header& header, std::span<std::byte, kHeaderSize> to);

// Checks every field; `bytes` may be longer than a header.
Result<Header, Refusal> read_header(std::span<const std::byte> bytes);

inline bool has_colour(const Header& header, uint32_t particle, bool newborn) {
  return header.key || newborn || particle / 4 % header.colour_period == header.colour_phase;
}

// A difference modulo 2^bits, with the small ones of either sign as small numbers; and back.
inline uint32_t fold(uint32_t difference, uint32_t bits) {
  const uint32_t mask = (1u << bits) - 1;
  difference &= mask;
  return difference >> (bits - 1) ? 2 * (mask - difference) + 1 : 2 * difference;
}
inline uint32_t unfold(uint32_t value) { return value & 1 ? ~(value >> 1) : value >> 1; }

}  // namespace campaign::particles::pack
