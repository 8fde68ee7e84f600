// write-stream STREAM TRUTH BITS: what the independent decoder is tested against. A real world's particle
// updates, one behind the other, and the snapshots that they were made from: for each update the count as
// uint32, x, y and z as floats, red, green and blue and the births as bytes, little endian.
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "particles/appearance.hpp"
#include "particles/cpu/cpu_engine.hpp"
#include "particles/pack/encoder.hpp"
#include "particles/presets.hpp"

using namespace campaign::particles;

static_assert(std::endian::native == std::endian::little, "the truth is written as it lies in memory");

namespace {

constexpr uint32_t kCounts[] = {1203,
                                1000};  // the second from the middle on; not multiples of eight, and one
constexpr int kUpdates = 120;
constexpr Nanoseconds kUpdate = 33'333'333;

int fail(const std::string& why) { return std::fprintf(stderr, "write-stream: %s\n", why.c_str()), 1; }

template <class T>
void put(std::ofstream& to, std::span<const T> values) {
  to.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return fail("usage: write-stream STREAM TRUTH BITS");
  std::ofstream stream(argv[1], std::ios::binary), truth(argv[2], std::ios::binary);
  pack::EncoderOptions options;
  options.position_bits = static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10));
  options.key_interval = 25;
  options.colour_bits = 8;
  auto encoder = pack::Encoder::create(options);
  auto scene = find_scene("benchmark");
  if (!encoder || !scene) return fail((encoder ? scene.error() : encoder.error()).for_user());

  auto engine = make_cpu_engine();
  World world(*scene, 9, kCounts[0]);
  world.restart(0);
  std::vector<float> x, y, z, vx, vy, vz;
  std::vector<Rgb8> colours;
  std::vector<uint8_t> newborn;
  for (int i = 0; i < kUpdates; ++i) {
    auto step = world.advance(i * kUpdate);
    if (auto done = engine->run({.step = &*step}); !done) return fail(done.error().for_user());
    const uint32_t count = kCounts[i < kUpdates / 2 ? 0 : 1];
    for (auto* component : {&x, &y, &z, &vx, &vy, &vz}) component->resize(count);
    colours.resize(count);
    newborn.assign(count, 0);
    if (auto read = engine->read(count, {x, y, z, vx, vy, vz}); !read) return fail(read.error().for_user());
    mark_newborn(*step, newborn);
    light_of(*step, vx, vy, vz, colours);
    auto update = encoder->encode({static_cast<uint64_t>(2 * i), i * kUpdate, 0, x, y, z, colours, newborn});
    if (!update) return fail(update.error().for_user());
    put(stream, *update);
    put(truth, std::span<const uint32_t>(&count, 1));
    for (const auto* component : {&x, &y, &z}) put(truth, std::span<const float>(*component));
    put(truth, std::span<const Rgb8>(colours));
    put(truth, std::span<const uint8_t>(newborn));
  }
  if (!stream.flush() || !truth.flush()) return fail("the files could not be written");
  return 0;
}
