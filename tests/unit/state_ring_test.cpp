// How many states of a world may be held at once: what they take in all is bounded, with the light that was
// sorted for those who draw them.
#include "particles/state_ring.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "particles/cpu/cpu_engine.hpp"
#include "particles/presets.hpp"
#include "particles/renderer.hpp"
#include "particles/simulation.hpp"

namespace campaign::particles {
namespace {

constexpr uint64_t kMost = 200'000'000;  // bytes
constexpr Simulation::Rate kRate{0, 30, 1};
const std::atomic<bool> kNever = false;

class Memory final : public ParticleMemory {
 public:
  Memory(uint32_t particles, uint64_t bytes) : ParticleMemory(particles), bytes_(bytes) {}
  uint64_t bytes() const override { return bytes_; }
  const void* device() const override { return nullptr; }
  Result<std::unique_ptr<Engine>> open_engine(unsigned) const override { return Error("has no engine"); }

 private:
  uint64_t bytes_;
};

// How many states of a ring are held before it has no room for another.
size_t held_of(uint32_t particles, uint64_t bytes_each) {
  StateRing ring([&](uint32_t count, std::unique_ptr<ParticleMemory>) {
    return Result<std::unique_ptr<ParticleMemory>>(std::make_unique<Memory>(count, bytes_each));
  });
  std::vector<std::shared_ptr<const ParticleMemory>> held;
  while (ring.wait_for_room(particles, {})) {
    auto turn = ring.begin_step(particles);
    EXPECT_TRUE(turn) << turn.error().for_user();
    ring.end_step(*turn);
    held.push_back(ring.share());
  }
  EXPECT_FALSE(ring.begin_step(particles));
  return held.size();
}

TEST(StateRing, HoldsMoreOfSmallStatesAndAFewOfAnySize) {
  EXPECT_EQ(most_states(24'000'000), 8u);
  EXPECT_EQ(most_states(40'000'000), 6u);
  EXPECT_EQ(most_states(2'400'000'000), 6u);
  EXPECT_GT(most_states(24'000), 60u);
}

TEST(StateRing, CountsAllThatAStateTakesRatherThanItsParticlesAlone) {
  EXPECT_EQ(held_of(500'000, 500'000 * 24), 16u);
  EXPECT_EQ(held_of(500'000, 500'000 * 40), 10u);
}

TEST(StateRing, CountsTheLightThatIsSortedForRenderers) {
  constexpr uint32_t kParticles = 400'000;
  Simulation simulation(make_cpu_engine(2), *find_scene("galaxy"), 3, kParticles);
  std::vector<std::unique_ptr<Renderer>> renderers(2);
  auto next = [&, frame = int64_t{0}]() mutable -> std::shared_ptr<const Snapshot> {
    if (!simulation.wait_for_room(kNever, 1'000'000)) return nullptr;
    auto snapshot = simulation.snapshot(frame++, kRate, kNever);
    EXPECT_TRUE(snapshot) << snapshot.error().for_user();
    return *snapshot;
  };
  for (int frame = 0; frame < 3; ++frame) {  // so that the next states are sorted for both
    const auto snapshot = next();
    for (unsigned i = 0; i < 2; ++i) {
      auto& renderer = renderers[i];
      if (!renderer) {
        renderer = std::move(*Renderer::open(*snapshot));
        ASSERT_TRUE(renderer->set_picture(FrameLayout::packed(PixelFormat::nv12, 640 >> i, 360 >> i)));
      }
      auto picture = renderer->frame_maker()();
      ASSERT_TRUE(picture);
      ASSERT_TRUE(renderer->draw(*snapshot, kParticles >> i, **picture));
    }
  }
  std::vector<std::shared_ptr<const Snapshot>> held;
  uint64_t bytes = 0;
  while (auto snapshot = next()) {
    bytes += snapshot->memory->bytes();
    held.push_back(std::move(snapshot));
  }
  const uint64_t particles = uint64_t{kParticles} * 6 * sizeof(float), light = uint64_t{kParticles} * 8;
  EXPECT_GE(held.back()->memory->bytes(), particles + light);
  EXPECT_LE(bytes, kMost);
  EXPECT_EQ(held.size(), most_states(held.back()->memory->bytes()));
  EXPECT_LT(held.size(), most_states(particles));
}

}  // namespace
}  // namespace campaign::particles
