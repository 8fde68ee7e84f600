// The kernel in every instruction set that this processor has: each is compiled from the same source and may
// be the one that a user's machine takes. Estimates of reciprocal roots differ between them, so states agree
// to rounding and pictures to the eye; within one set pictures are exact whatever the thread count.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "particles/cpu/cpu_engine.hpp"
#include "particles/presets.hpp"
#include "particles/renderer.hpp"
#include "particles/simulation.hpp"
#include "tests/support/psnr.hpp"

namespace campaign::particles {
namespace {

constexpr uint32_t kParticles = 30'001, kWidth = 322, kHeight = 182;

struct Outcome {
  std::string device;
  std::vector<std::byte> frame;
  std::vector<float> px;
};

Outcome run(unsigned threads) {
  auto engine = make_cpu_engine(threads);
  Outcome outcome{engine->device_name(), {}, std::vector<float>(kParticles)};
  Simulation simulation(std::move(engine), *find_scene("benchmark"), 3, kParticles);
  const auto layout = FrameLayout::packed(PixelFormat::nv12, kWidth, kHeight);
  EXPECT_TRUE(simulation.set_picture(layout));
  auto memory = simulation.engine().frame_maker()();
  const std::atomic<bool> never = false;
  for (int64_t frame = 0; frame < 40; ++frame)
    EXPECT_TRUE(simulation.draw(frame, {0, 30, 1}, **memory, never));
  outcome.frame.assign((*memory)->data(), (*memory)->data() + layout.size);
  EXPECT_TRUE(simulation.engine().read(kParticles, {.px = outcome.px}));
  return outcome;
}

// Calls f() with each instruction set that this processor has and the kernel was compiled for.
template <class F>
void with_each(F&& f) {
  for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    hwy::SetSupportedTargetsForTest(left & -left);
    hwy::GetChosenTarget().DeInit();  // chosen anew by the next engine
    f();
    hwy::SetSupportedTargetsForTest(0);
  }
  hwy::GetChosenTarget().DeInit();
}

std::vector<Outcome> run_all(unsigned threads) {
  std::vector<Outcome> all;
  with_each([&] { all.push_back(run(threads)); });
  return all;
}

TEST(InstructionSets, AgreeOnParticlesAndPictures) {
  const auto all = run_all(2);
  for (const auto& other : all) {
    SCOPED_TRACE(other.device);
    EXPECT_GE(test::psnr(all[0].frame, other.frame), 45);
    size_t apart = 0;
    for (uint32_t i = 0; i < kParticles; ++i) apart += std::abs(all[0].px[i] - other.px[i]) > 1e-4f;
    // Rounding puts a few on the other side of an edge: of a cell of turbulence, or of the sphere.
    EXPECT_LE(apart, kParticles / 100);
  }
}

TEST(InstructionSets, EachDrawsTheSameBitsWhateverTheThreads) {
  const auto alone = run_all(1), seven = run_all(7);
  for (size_t i = 0; i < alone.size(); ++i) {
    SCOPED_TRACE(alone[i].device);
    EXPECT_TRUE(alone[i].frame == seven[i].frame);
    EXPECT_TRUE(alone[i].px == seven[i].px);
  }
}

// Light that is sorted for pictures of two sizes makes the picture that the world draws itself.
TEST(InstructionSets, EachDrawsTheSameBitsOfSortedLight) {
  constexpr Simulation::Rate kRate{0, 30, 1};
  const std::atomic<bool> never = false;
  const FrameLayout layouts[] = {FrameLayout::packed(PixelFormat::nv12, 960, 540),
                                 FrameLayout::packed(PixelFormat::nv12, 320, 180)};
  with_each([&] {
    Simulation world(make_cpu_engine(2), *find_scene("benchmark"), 3, kParticles),
        alone(make_cpu_engine(2), *find_scene("benchmark"), 3, kParticles);
    SCOPED_TRACE(world.engine().device_name());
    auto first = world.snapshot(0, kRate, never);
    ASSERT_TRUE(first);
    std::unique_ptr<Renderer> renderers[2];
    std::unique_ptr<FrameMemory> pictures[2], expected;
    for (size_t i = 0; i < 2; ++i) {
      renderers[i] = std::move(*Renderer::open(**first, 2));
      ASSERT_TRUE(renderers[i]->set_picture(layouts[i]));
      pictures[i] = std::move(*renderers[i]->frame_maker()());
    }
    ASSERT_TRUE(alone.set_picture(layouts[0]));
    expected = std::move(*alone.engine().frame_maker()());
    for (int64_t frame = 0; frame < 20; ++frame) {
      auto snapshot = world.snapshot(frame, kRate, never);
      ASSERT_TRUE(snapshot);
      for (size_t i = 0; i < 2; ++i) ASSERT_TRUE(renderers[i]->draw(**snapshot, kParticles, *pictures[i]));
      ASSERT_TRUE(alone.draw(frame, kRate, *expected, never));
    }
    EXPECT_GT(renderers[0]->shared_draws(), 0u);
    EXPECT_EQ(std::memcmp(pictures[0]->data(), expected->data(), layouts[0].size), 0);
  });
}

#ifdef __x86_64__
TEST(InstructionSets, AreAllThatTheProcessorHas) {
  std::string names;
  for (const auto& one : run_all(1)) names += one.device;
  EXPECT_NE(names.find("SSE4"), std::string::npos) << names;
  if (__builtin_cpu_supports("avx2")) {
    EXPECT_NE(names.find("AVX2"), std::string::npos) << names;
  }
  if (__builtin_cpu_supports("avx512vl")) {
    EXPECT_NE(names.find("AVX3"), std::string::npos) << names;
  }
}
#endif

}  // namespace
}  // namespace campaign::particles
