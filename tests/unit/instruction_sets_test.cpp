// The kernel in every instruction set that this processor has: each is compiled from the same source and may
// be the one that a user's machine takes. Estimates of reciprocal roots differ between them, so states agree
// to rounding and pictures to the eye; within one set pictures are exact whatever the thread count.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <string>
#include <vector>

#include "particles/cpu/cpu_engine.hpp"
#include "particles/presets.hpp"
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

// One run with each instruction set that this processor has and the kernel was compiled for.
std::vector<Outcome> run_all(unsigned threads) {
  std::vector<Outcome> all;
  for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    hwy::SetSupportedTargetsForTest(left & -left);
    hwy::GetChosenTarget().DeInit();  // chosen anew by the next engine
    all.push_back(run(threads));
    hwy::SetSupportedTargetsForTest(0);
  }
  hwy::GetChosenTarget().DeInit();
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
