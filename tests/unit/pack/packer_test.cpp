// Updates of worlds on both executors: what the decoder reads is what the world was, whichever of its
// snapshots were left out.
#include "particles/pack/packer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>

#include "particles/cpu/cpu_engine.hpp"
#include "particles/pack/decoder.hpp"
#include "particles/presets.hpp"
#include "particles/simulation.hpp"
#include "particles/vulkan_engine.hpp"
#include "tests/support/llvmpipe.hpp"

namespace campaign::particles::pack {
namespace {

constexpr uint32_t kParticles = 10'003;  // not a multiple of anything
constexpr Simulation::Rate kRate{0, 30, 1};
const std::atomic<bool> kNever = false;

std::unique_ptr<Engine> make_engine(bool on_cpu) {
  return on_cpu ? make_cpu_engine(2) : test::llvmpipe_engine();
}

std::shared_ptr<const particles::Snapshot> snapshot_at(Simulation& world, int64_t frame) {
  auto snapshot = world.snapshot(frame, kRate, kNever);
  EXPECT_TRUE(snapshot) << snapshot.error().for_user();
  EXPECT_TRUE(*snapshot);
  return *snapshot;
}

Packer packer(const EncoderOptions& options = {}) {
  auto made = Packer::create(options);
  EXPECT_TRUE(made) << made.error().for_user();
  return std::move(*made);
}

Update decoded(Packer& packer, Decoder& decoder, const particles::Snapshot& snapshot, int64_t frame,
               uint32_t count = kParticles) {
  auto bytes = packer.pack(snapshot, count, static_cast<uint64_t>(frame), kRate.time_of(frame));
  EXPECT_TRUE(bytes) << bytes.error().for_user();
  EXPECT_LE(bytes->size(), largest_update(count));
  auto update = decoder.decode(*bytes);
  EXPECT_TRUE(update) << update.error().detail;
  return *update;
}

// Particles that stay where they were born, far from where they are born next.
Scene dots() {
  Scene scene;
  EmitterSpec emitter;
  emitter.life_min = 1, emitter.life_max = 2;
  scene.emitters.push_back(emitter);
  return scene;
}

TEST(Packer, TheDecoderSeesTheStateWhereverItLies) {
  for (bool on_cpu : {true, false}) {
    Simulation world(make_engine(on_cpu), *find_scene("benchmark"), 3, kParticles);
    Packer pack = packer();
    Decoder decoder;
    std::shared_ptr<const particles::Snapshot> held;
    std::vector<float> x(kParticles), y(kParticles), z(kParticles);
    for (int64_t frame = 0; frame < 20; ++frame) {
      // The world goes on while a state is read, as in a pipeline.
      auto snapshot = std::exchange(held, snapshot_at(world, frame));
      if (snapshot) {
        for (uint32_t count : {kParticles, 1000u}) {
          auto update = decoded(pack, decoder, *snapshot, frame - 1, count);
          ASSERT_EQ(update.x.size(), count);
          EXPECT_EQ(update.header.tick, static_cast<uint64_t>(frame - 1));
          EXPECT_EQ(update.header.stream_time, kRate.time_of(frame - 1));
          for (uint32_t i = 0; i < count; ++i) {
            ASSERT_NEAR(update.x[i], x[i], update.header.step(0) * 0.501) << on_cpu << " " << i;
            ASSERT_NEAR(update.y[i], y[i], update.header.step(1) * 0.501) << on_cpu << " " << i;
            ASSERT_NEAR(update.z[i], z[i], update.header.step(2) * 0.501) << on_cpu << " " << i;
          }
        }
      }
      ASSERT_TRUE(world.engine().read(kParticles, {.px = x, .py = y, .pz = z}));
    }
  }
}

TEST(Packer, BirthsInSnapshotsThatWereLeftOutAreCollected) {
  Simulation world(make_engine(true), dots(), 1, kParticles);
  Packer pack = packer({.position_bits = 16, .key_interval = 1000});
  Decoder decoder;
  std::vector<float> before, x(kParticles);
  std::mt19937 random(7);
  uint32_t births = 0;
  for (int64_t frame = 0; frame < 240; ++frame) {
    auto snapshot = snapshot_at(world, frame);
    if (frame > 0 && random() % 4 != 0) continue;
    ASSERT_TRUE(world.engine().read(kParticles, {.px = x}));
    auto update = decoded(pack, decoder, *snapshot, frame);
    for (uint32_t i = 0; i < kParticles; ++i) {
      ASSERT_EQ(update.newborn[i] != 0, frame == 0 || x[i] != before[i])
          << "particle " << i << " of " << frame;
      births += frame > 0 && update.newborn[i];
    }
    before = x;
  }
  EXPECT_GT(births, 3 * kParticles);  // 8 s of lives of 1 to 2 s
}

TEST(Packer, ParticlesThatWereTakenAwayAndCameBackAreNewborn) {
  Simulation world(make_engine(true), dots(), 1, 4000);
  Packer pack = packer();
  Decoder decoder;
  decoded(pack, decoder, *snapshot_at(world, 0), 0);
  int64_t frame = 0;
  // Only the last of these states is seen.
  for (uint32_t count : {100u, 300u, 200u, 2000u, 3000u, 4000u}) {
    world.world().set_particles(count);
    snapshot_at(world, ++frame);
  }
  auto update = decoded(pack, decoder, *snapshot_at(world, frame + 1), frame + 1);
  EXPECT_EQ(std::count(update.newborn.begin() + 100, update.newborn.end(), 1), 3900);
  EXPECT_LT(std::count(update.newborn.begin(), update.newborn.begin() + 100, 1), 100);
}

TEST(Packer, MoreGrowthsThanAreRememberedLoseNoBirth) {
  Simulation world(make_engine(true), dots(), 1, 100);
  Packer pack = packer({.position_bits = 16});
  Decoder decoder;
  int64_t frame = 0;
  decoded(pack, decoder, *snapshot_at(world, frame), frame);
  for (uint32_t count = 200; count <= 3000; count += 100) {
    world.world().set_particles(count);
    snapshot_at(world, ++frame);
  }
  auto update = decoded(pack, decoder, *snapshot_at(world, frame + 1), frame + 1);
  EXPECT_EQ(std::count(update.newborn.begin() + 100, update.newborn.end(), 1), 2900);
  // They are newborn once.
  update = decoded(pack, decoder, *snapshot_at(world, frame + 2), frame + 2);
  EXPECT_LT(std::count(update.newborn.begin(), update.newborn.end(), 1), 300);
}

TEST(Packer, AfterAJumpAllAreNewborn) {
  Simulation world(make_engine(true), dots(), 1, kParticles);
  Packer pack = packer();
  Decoder decoder;
  for (int64_t frame : {0, 1}) decoded(pack, decoder, *snapshot_at(world, frame), frame);
  world.jump();
  auto update = decoded(pack, decoder, *snapshot_at(world, 300), 300);
  EXPECT_EQ(std::count(update.newborn.begin(), update.newborn.end(), 1), kParticles);
}

TEST(Packer, AnotherWorldBeginsWithAKeyUpdate) {
  Packer pack = packer();
  Decoder decoder;
  // On the processor and on a Vulkan device, one after the other.
  int64_t tick = 0;
  for (bool on_cpu : {true, false, true}) {
    Simulation world(make_engine(on_cpu), *find_scene("galaxy"), 1, kParticles);
    pack.restart();
    for (int64_t frame = 0; frame < 3; ++frame) {
      auto update = decoded(pack, decoder, *snapshot_at(world, frame), tick++);
      EXPECT_EQ(update.header.key, frame == 0);
      EXPECT_EQ(std::count(update.newborn.begin(), update.newborn.end(), 1) == kParticles, frame == 0);
    }
  }
}

TEST(Packer, FewerParticlesThanWantedAreAllThereAre) {
  Simulation world(make_engine(true), *find_scene("galaxy"), 1, 77);
  Packer pack = packer();
  Decoder decoder;
  EXPECT_EQ(decoded(pack, decoder, *snapshot_at(world, 0), 0, 1'000'000).header.count, 77u);
}

TEST(Packer, EveryCompressionLevelIsDecodedAndTheHighestSavesMost) {
  size_t lowest = 0;
  for (uint32_t level : {0u, 1u, 9u, 19u}) {
    Simulation world(make_engine(true), *find_scene("benchmark"), 1, kParticles);
    Packer pack = packer({.compression_level = level});
    Decoder decoder;
    size_t bytes = 0;
    for (int64_t frame = 0; frame < 12; ++frame) {
      auto update = decoded(pack, decoder, *snapshot_at(world, frame), frame);
      bytes += update.header.payload_size;
    }
    if (level == 0) lowest = bytes;
    if (level == 19) {
      EXPECT_LT(bytes, lowest);
    }
  }
  EXPECT_FALSE(Packer::create({.compression_level = 20}));
}

}  // namespace
}  // namespace campaign::particles::pack
