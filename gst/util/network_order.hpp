// Numbers in packets, the most significant byte first. Byte by byte: they stand at any address there.
#pragma once

#include <cstdint>

namespace campaign {

constexpr std::uint16_t read16(const std::uint8_t* bytes) { return std::uint16_t(bytes[0] << 8 | bytes[1]); }
constexpr void write16(std::uint8_t* bytes, std::uint16_t number) {
  bytes[0] = std::uint8_t(number >> 8);
  bytes[1] = std::uint8_t(number);
}

}  // namespace campaign
