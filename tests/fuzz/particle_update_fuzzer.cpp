// Feeds anything to the decoder of particle updates; whatever it lets through must keep its promises, and
// whatever it refuses must leave it as it was. libFuzzer's entry, and the one of the seeded test that runs
// everywhere. The first byte chooses: even, the rest is an update as it stands; odd, it is a header and bare
// planes, which are compressed here, so that mutations get past zstd's checksum.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "particles/pack/decoder.hpp"
#include "particles/pack/encoder.hpp"
#include "tests/support/planes.hpp"

namespace {

using namespace campaign::particles;
using namespace campaign::particles::pack;

constexpr uint32_t kMost = 4096;  // particles that the decoder under test takes

void require(bool promise) {
  if (!promise) std::abort();
}

Bytes compressed(std::span<const std::byte> header, std::span<const std::byte> planes) {
  Bytes update(kHeaderSize + ZSTD_compressBound(planes.size()));
  std::copy(header.begin(), header.end(), update.begin());
  const size_t size = ZSTD_compress(update.data() + kHeaderSize, update.size() - kHeaderSize, planes.data(),
                                    planes.size(), 1);
  update.resize(kHeaderSize + size);
  for (int byte = 0; byte < 4; ++byte) {
    update[76 + byte] = static_cast<std::byte>(planes.size() >> (8 * byte));
    update[80 + byte] = static_cast<std::byte>(size >> (8 * byte));
  }
  return update;
}

void check(const Update& update) {
  const Header& header = update.header;
  require(header.count >= 1 && header.count <= kMost);
  require(update.x.size() == header.count && update.y.size() == header.count &&
          update.z.size() == header.count);
  require(update.colours.size() == header.count && update.newborn.size() == header.count);
  for (int axis = 0; axis < 3; ++axis) {
    require(std::isfinite(header.step(axis)) && header.step(axis) > 0);
    for (float place : axis == 0 ? update.x : axis == 1 ? update.y : update.z) {
      require(place >= header.box.least[axis] && place <= header.box.greatest[axis]);
    }
  }
  for (uint8_t flag : update.newborn) require(flag <= 1);
}

// A short stream of 100 particles: a key update and two differences.
const std::array<Bytes, 3>& stream() {
  static const std::array<Bytes, 3> updates = [] {
    std::array<Bytes, 3> made;
    auto encoder = Encoder::create();
    std::array<float, 100> places{};
    std::array<Rgb8, 100> colours{};
    std::array<uint8_t, 100> newborn{};
    for (uint64_t tick = 0; tick < made.size(); ++tick) {
      for (size_t i = 0; i < places.size(); ++i) places[i] = std::sin(static_cast<float>(i + tick) * 0.1f);
      newborn[tick] = 1;
      made[tick] = copy(*encoder->encode({tick, 0, 0, places, places, places, colours, newborn}));
    }
    return made;
  }();
  return updates;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 + kHeaderSize || size > (1u << 20)) return 0;
  const std::span bytes(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  const Bytes update =
      data[0] % 2 == 0 ? copy(bytes) : compressed(bytes.first(kHeaderSize), bytes.subspan(kHeaderSize));
  Decoder decoder(kMost);
  require(static_cast<bool>(decoder.decode(stream()[0])));
  require(static_cast<bool>(decoder.decode(stream()[1])));
  const auto decoded = decoder.decode(update);
  if (decoded) {
    check(*decoded);
  } else {
    require(!decoded.error().detail.empty() && decoded.error().detail.size() < 512);
    require(name_of(decoded.error().reason) != "unknown");
    const auto next = decoder.decode(stream()[2]);
    require(static_cast<bool>(next));
    check(*next);
  }
  return 0;
}
