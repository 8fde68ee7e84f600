// What consumers other than the renderers are told about single particles, held against what an engine did.
#include "particles/appearance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "particles/cpu/cpu_engine.hpp"

namespace campaign::particles {
namespace {

constexpr uint32_t kParticles = 10'003;  // not a multiple of anything
constexpr Nanoseconds kFrame = 33'333'333;

// Particles that stay where they were born, far from where they are born next.
Scene dots() {
  Scene scene;
  EmitterSpec emitter;
  emitter.life_min = 1, emitter.life_max = 2;
  scene.emitters.push_back(emitter);
  return scene;
}

TEST(Appearance, TheNewbornAreThoseThatJumped) {
  auto engine = make_cpu_engine();
  World world(dots(), 1, kParticles);
  world.restart(0);
  std::vector<float> x(kParticles), before(kParticles);
  int births = 0;
  for (int frame = 0; frame < 90; ++frame) {
    auto step = world.advance(frame * kFrame);
    ASSERT_TRUE(engine->run({.step = &*step}));
    before.swap(x);
    ASSERT_TRUE(engine->read(kParticles, {.px = x}));
    std::vector<uint8_t> newborn(kParticles);
    mark_newborn(*step, newborn);
    for (uint32_t i = 0; i < kParticles; ++i) {
      ASSERT_EQ(newborn[i] != 0, frame == 0 || x[i] != before[i])
          << "particle " << i << " of frame " << frame;
      if (frame > 0) births += newborn[i];
    }
  }
  EXPECT_GT(births, static_cast<int>(kParticles));  // 3 s of lives of 1 to 2 s
}

TEST(Appearance, MoreParticlesAreNewbornOnceAndFlagsAreCollected) {
  World world(dots(), 1, 1000);
  world.restart(0);
  (void)world.advance(0);
  world.set_particles(3000);
  auto grown = world.advance(1);
  std::vector<uint8_t> newborn(3000);
  newborn[5] = 1;
  mark_newborn(*grown, newborn);
  EXPECT_EQ(newborn[5], 1) << "a flag of an earlier step was taken away";
  EXPECT_EQ(std::count(newborn.begin(), newborn.begin() + 1000, 1), 1);
  EXPECT_EQ(std::count(newborn.begin() + 1000, newborn.end(), 1), 2000);
}

TEST(Appearance, ColoursGoFromSlowToFastAndAreDarkAtBirth) {
  Scene scene = dots();
  scene.emitters[0].slow = {1, 0, 0};
  scene.emitters[0].fast = {0, 0, 1};
  scene.emitters[0].full_speed = 2;
  World world(scene, 1, kParticles);
  world.restart(0);
  (void)world.advance(0);
  auto step = *world.advance(kFrame);
  const std::vector<float> still(kParticles, 0.0f), half(kParticles, std::sqrt(2.0f)), full(kParticles, 5.0f);
  std::vector<Rgb8> slow(kParticles), mixed(kParticles), fast(kParticles);
  light_of(step, still, still, still, slow);
  light_of(step, half, still, still, mixed);
  light_of(step, still, full, still, fast);
  int lit = 0;
  for (uint32_t i = 0; i < kParticles; ++i) {
    EXPECT_EQ(slow[i].b, 0);
    EXPECT_EQ(fast[i].r, 0);
    EXPECT_EQ(slow[i].r, fast[i].b);  // the same light in another colour
    EXPECT_NEAR(mixed[i].r, slow[i].r / std::sqrt(2.0), 1);
    EXPECT_EQ(mixed[i].r, mixed[i].b);
    lit += slow[i].r > 50;
  }
  EXPECT_GT(lit, static_cast<int>(kParticles) / 2);

  for (auto& cohort : step.cohorts) cohort.slow = cohort.fast = {};  // as at the moment of birth
  light_of(step, full, full, full, slow);
  EXPECT_EQ(slow[7], Rgb8{});
}

}  // namespace
}  // namespace campaign::particles
