// What 20,000 particles at 30 updates a second cost: they must fit in 7 Mbit/s, which a browser's data
// channel carries. Real scenes on the CPU executor, ten seconds after the world has settled.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

#include "particles/appearance.hpp"
#include "particles/cpu/cpu_engine.hpp"
#include "particles/pack/decoder.hpp"
#include "particles/pack/encoder.hpp"
#include "particles/presets.hpp"

namespace campaign::particles::pack {
namespace {

constexpr uint32_t kParticles = 20'000;
constexpr Nanoseconds kUpdate = 33'333'333;
constexpr int kUpdates = 300;
constexpr double kMostBits = 7e6;  // a second

class Rate : public testing::TestWithParam<const char*> {};

TEST_P(Rate, TwentyThousandParticlesAt30HzFitIn7MbitASecond) {
  auto scene = find_scene(GetParam());
  ASSERT_TRUE(scene) << scene.error().for_user();
  auto engine = make_cpu_engine();
  World world(*scene, 1, kParticles);
  world.restart(0);
  const int settled = static_cast<int>(world.memory() / kUpdate) + 1;

  auto encoder = Encoder::create();
  ASSERT_TRUE(encoder) << encoder.error().for_user();
  Decoder decoder(kParticles);
  std::vector<float> x(kParticles), y(kParticles), z(kParticles), vx(kParticles), vy(kParticles),
      vz(kParticles);
  std::vector<Rgb8> colours(kParticles);
  std::vector<uint8_t> newborn(kParticles);

  size_t bytes = 0, key_bytes = 0, most = 0;
  int keys = 0;
  double farthest = 0, promised = 0;
  int stalest = 0;
  std::chrono::duration<double, std::milli> encoding{}, decoding{};
  for (int i = 0; i < settled + kUpdates; ++i) {
    auto step = world.advance(i * kUpdate);
    ASSERT_TRUE(step && engine->run({.step = &*step}));
    if (i < settled) continue;
    ASSERT_TRUE(engine->read(kParticles, {x, y, z, vx, vy, vz}));
    std::fill(newborn.begin(), newborn.end(), uint8_t{0});
    mark_newborn(*step, newborn);
    light_of(*step, vx, vy, vz, colours);

    const auto start = std::chrono::steady_clock::now();
    auto update = encoder->encode({static_cast<uint64_t>(i), i * kUpdate, 0, x, y, z, colours, newborn});
    const auto encoded = std::chrono::steady_clock::now();
    ASSERT_TRUE(update) << update.error().for_user();
    auto read = decoder.decode(*update);
    decoding += std::chrono::steady_clock::now() - encoded;
    encoding += encoded - start;
    ASSERT_TRUE(read) << read.error().detail;

    bytes += update->size();
    most = std::max(most, update->size());
    if (read->header.key) ++keys, key_bytes += update->size();
    for (int axis = 0; axis < 3; ++axis) {
      const auto& truth = axis == 0 ? x : axis == 1 ? y : z;
      const auto decoded = axis == 0 ? read->x : axis == 1 ? read->y : read->z;
      const double step_size = read->header.step(axis);
      promised = std::max(promised, step_size / 2);
      for (uint32_t p = 0; p < kParticles; ++p) {
        const double off = std::abs(double{decoded[p]} - truth[p]);
        ASSERT_LE(off, step_size / 2 + 3e-7 * std::abs(truth[p]) + 1e-9)
            << "particle " << p << ", axis " << axis;
        farthest = std::max(farthest, off);
      }
    }
    for (uint32_t p = 0; p < kParticles; ++p) {
      stalest = std::max({stalest, std::abs(read->colours[p].r - colours[p].r),
                          std::abs(read->colours[p].g - colours[p].g),
                          std::abs(read->colours[p].b - colours[p].b)});
    }
  }
  const double rate = static_cast<double>(bytes) * 8 * 30 / kUpdates;
  std::printf(
      "%s: %.2f Mbit/s for %u particles at 30 Hz (%d key updates of %.1f KB on average, differences of %.1f "
      "KB, "
      "at most %.1f KB)\n  farthest from the truth %.1e units, promised %.1e; colours at most %d of 255 "
      "late; "
      "%.2f ms to encode, %.2f ms to decode\n",
      GetParam(), rate / 1e6, kParticles, keys, key_bytes / 1e3 / keys,
      static_cast<double>(bytes - key_bytes) / 1e3 / (kUpdates - keys), most / 1e3, farthest, promised,
      stalest, encoding.count() / kUpdates, decoding.count() / kUpdates);
  EXPECT_LE(rate, kMostBits);
  EXPECT_GE(keys, kUpdates / 60);
  EXPECT_LE(keys, kUpdates / 60 + 5) << "particles leave the box all the time";
  EXPECT_LE(farthest, 1e-3) << "units";
}

INSTANTIATE_TEST_SUITE_P(Of, Rate, testing::Values("galaxy", "benchmark"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace campaign::particles::pack
