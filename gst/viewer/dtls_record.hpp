// DTLS records in a datagram (RFC 6347, section 4.1), as far as it matters when media may follow. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace campaign::viewer {

// Whether one of them is encrypted: of a handshake, that is its Finished, and what came before is enough for
// the other end to have the keys of media.
inline bool has_encrypted_record(std::span<const std::uint8_t> datagram) {
  constexpr std::size_t kHeader = 13, kEpoch = 3, kLength = 11;
  while (datagram.size() >= kHeader) {
    if (datagram[kEpoch] != 0 || datagram[kEpoch + 1] != 0) return true;
    const std::size_t size = kHeader + (std::size_t(datagram[kLength]) << 8 | datagram[kLength + 1]);
    if (size > datagram.size()) return false;
    datagram = datagram.subspan(size);
  }
  return false;
}

}  // namespace campaign::viewer
