// A program of its own, because it counts every allocation: the steps on the way to where a seek goes must
// not make any.
#include <gtest/gtest.h>

#include <cstring>

#include "particles/cpu/cpu_engine.hpp"
#include "particles/presets.hpp"
#include "particles/simulation.hpp"
#include "particles/vulkan_engine.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/llvmpipe.hpp"

namespace campaign::particles {
namespace {

using test::allocations;

void expect_none(Result<std::unique_ptr<Engine>> engine) {
  ASSERT_TRUE(engine) << engine.error().for_user();
  const auto layout = FrameLayout::packed(PixelFormat::nv12, 320, 180);
  Simulation simulation(std::move(*engine), *find_scene("galaxy"), 3, 20'001);
  ASSERT_TRUE(simulation.set_picture(layout));
  auto frame = simulation.engine().frame_maker()();
  ASSERT_TRUE(frame);
  std::memset((*frame)->data(), 0, layout.size);
  const std::atomic<bool> never = false;
  for (int64_t at : {30, 90, 60}) {
    const std::size_t before = allocations;
    simulation.jump();
    auto drawn = simulation.draw(at, {0, 30, 1}, **frame, never);
    ASSERT_TRUE(drawn && *drawn);
    if (at == 30) {
      EXPECT_GT(allocations, before) << "the memory for the first state is not counted";
    } else {
      EXPECT_EQ(allocations, before) << at;
    }
  }
}

TEST(SeekAllocation, NoneOnADevice) { expect_none(make_vulkan_engine(test::llvmpipe())); }

TEST(SeekAllocation, NoneOnTheProcessor) { expect_none(make_cpu_engine()); }

}  // namespace
}  // namespace campaign::particles
