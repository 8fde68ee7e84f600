// Bytes as they come from the network, and big-endian numbers in them. Readers and writers do not check
// sizes: the caller has.
#pragma once

#include <cstdint>
#include <span>

namespace campaign::load {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint16_t read_u16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

constexpr std::uint32_t read_u24(Bytes bytes, std::size_t at) {
  return std::uint32_t(bytes[at]) << 16 | read_u16(bytes, at + 1);
}

constexpr std::uint32_t read_u32(Bytes bytes, std::size_t at) {
  return std::uint32_t(read_u16(bytes, at)) << 16 | read_u16(bytes, at + 2);
}

constexpr std::uint64_t read_u64(Bytes bytes, std::size_t at) {
  return std::uint64_t(read_u32(bytes, at)) << 32 | read_u32(bytes, at + 4);
}

}  // namespace campaign::load
