// The world's clock: births, steps and the camera, without a device.
#include "particles/world.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "particles/camera.hpp"

namespace campaign::particles {
namespace {

constexpr Nanoseconds kFrame = 33'333'333;

Scene scene_with_life(double least, double most) {
  Scene scene;
  EmitterSpec emitter;
  emitter.life_min = least;
  emitter.life_max = most;
  scene.emitters.push_back(emitter);
  return scene;
}

TEST(World, EveryCohortIsBornOnceALife) {
  World world(scene_with_life(2, 2), 1, 4096);
  world.restart(0);
  ASSERT_TRUE(world.advance(0));
  int births[kClasses] = {};
  for (int frame = 1; frame <= 120; ++frame) {  // 4 s: two lives
    auto step = world.advance(frame * kFrame);
    ASSERT_TRUE(step);
    for (uint32_t i = 0; i < step->params.births.x; ++i) ++births[step->cohorts[i].life.z];
  }
  for (int count : births) {
    EXPECT_GE(count, 1);
    EXPECT_LE(count, 2);
  }
}

TEST(World, TheFirstStepGivesBirthToAllAndTheNextToNone) {
  World world(scene_with_life(5, 9), 1, 10'000);
  world.restart(0);
  EXPECT_EQ(world.advance(0)->params.count.y, 0u);
  EXPECT_EQ(world.advance(kFrame)->params.count.y, 10'000u);
}

TEST(World, MoreParticlesAreBornWhereTheOldOnesEnd) {
  World world(scene_with_life(5, 9), 1, 1000);
  world.restart(0);
  (void)world.advance(0);
  world.set_particles(3000);
  auto step = world.advance(kFrame);
  EXPECT_EQ(step->params.count.x, 3000u);
  EXPECT_EQ(step->params.count.y, 1000u);
}

TEST(World, StandsStillWhenTimeDoes) {
  World world(scene_with_life(5, 9), 1, 1000);
  world.restart(0);
  (void)world.advance(0);
  world.set_time_scale(0);
  EXPECT_FALSE(world.advance(kFrame));
  world.set_time_scale(1);
  auto step = world.advance(2 * kFrame);
  ASSERT_TRUE(step);
  EXPECT_NEAR(step->params.motion.x, 0.033333333, 1e-8);
}

TEST(World, TheSameCallsGiveTheSameStepsToTheBit) {
  auto run = [] {
    World world(scene_with_life(2, 5), 7, 1000);
    world.restart(0);
    for (int frame = 0; frame < 50; ++frame) (void)world.advance(frame * kFrame);
    return *world.advance(50 * kFrame);
  };
  Step a = run(), b = run();
  EXPECT_EQ(std::memcmp(&a.params, &b.params, sizeof a.params), 0);
  EXPECT_EQ(std::memcmp(a.cohorts, b.cohorts, sizeof a.cohorts), 0);
}

TEST(World, AnyPrefixHoldsEveryEmitterInItsShare) {
  Scene scene = scene_with_life(2, 5);
  scene.emitters.push_back(scene.emitters[0]);
  scene.emitters[1].share = 3;
  World world(scene, 1, 1'000'000);
  world.restart(0);
  auto step = *world.advance(0);
  int second = 0;
  for (const auto& cohort : step.cohorts) second += cohort.life.x == 1;
  EXPECT_EQ(second, 192);  // three quarters of 256 cohorts, which repeat every 1024 particles
}

TEST(World, ThePointerPullsWhereItPoints) {
  World world(scene_with_life(2, 5), 1, 1000);
  world.set_pointer({0.5, 0.5, 1});
  world.restart(0);
  auto step = *world.advance(0);
  const auto& pull = step.params.attractor[0];
  EXPECT_NEAR(std::hypot(pull.x, pull.y, pull.z), 0, 1e-6);
  EXPECT_GT(pull.w, 0);
  world.set_pointer({0.9, 0.5, -1});
  step = *world.advance(kFrame);
  auto view = world.view(1600, 900, 1000);
  const auto& push = step.params.attractor[0];
  auto along = [&](const Vec4& v) { return v.x * push.x + v.y * push.y + v.z * push.z + v.w; };
  EXPECT_NEAR(along(view.column) / along(view.depth), 0.9, 1e-3);
  EXPECT_NEAR(along(view.row) / along(view.depth), 0.5, 1e-3);
  EXPECT_LT(push.w, 0);
}

TEST(Camera, SeesTheOriginInTheMiddleAndNearerWhenZoomed) {
  World world(scene_with_life(2, 5), 1, 1000);
  auto far_view = world.view(1280, 720, 1000);
  EXPECT_NEAR(far_view.column.w / far_view.depth.w, 0.5, 1e-5);
  EXPECT_NEAR(far_view.row.w / far_view.depth.w, 0.5, 1e-5);
  world.zoom(2);
  EXPECT_NEAR(world.view(1280, 720, 1000).depth.w, far_view.depth.w / 2, 1e-4);
  for (int i = 0; i < 100; ++i) world.zoom(10);
  EXPECT_GT(world.view(1280, 720, 1000).depth.w, 0.1);  // bounded
}

}  // namespace
}  // namespace campaign::particles
