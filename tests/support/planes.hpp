// Particle updates put together by hand, to say what no encoder would.
#pragma once

#include <zstd.h>

#include <vector>

#include "particles/pack/header.hpp"

namespace campaign::particles::pack {

using Bytes = std::vector<std::byte>;

inline Bytes copy(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

// `header` with its lengths made true, and `planes` as its payload.
inline Bytes assemble(Header header, std::span<const std::byte> planes) {
  Bytes update(kHeaderSize + ZSTD_compressBound(planes.size()));
  const size_t size = ZSTD_compress(update.data() + kHeaderSize, update.size() - kHeaderSize, planes.data(),
                                    planes.size(), 1);
  header.planes_size = static_cast<uint32_t>(planes.size());
  header.payload_size = static_cast<uint32_t>(size);
  write_header(header, std::span<std::byte, kHeaderSize>(update.data(), kHeaderSize));
  update.resize(kHeaderSize + size);
  return update;
}

// The planes of an update that is known to be good.
inline Bytes planes_of(std::span<const std::byte> update) {
  Bytes planes(read_header(update)->planes_size);
  ZSTD_decompress(planes.data(), planes.size(), update.data() + kHeaderSize, update.size() - kHeaderSize);
  return planes;
}

}  // namespace campaign::particles::pack
