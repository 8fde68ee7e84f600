// The same frames on Mesa's software driver whatever the number of its threads. The driver reads that number
// once a process, so each number has a process of its own, made before this one has touched Vulkan.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>

#include "particles/presets.hpp"
#include "particles/simulation.hpp"
#include "particles/vulkan_engine.hpp"

namespace campaign::particles {
namespace {

struct Outcome {
  bool drawn = false;
  uint64_t hash = 0;     // FNV-1a of all frames
  unsigned threads = 0;  // of the process, while it drew
};

Outcome draw(const char* scene) {
  Outcome outcome{.hash = 0xcbf29ce484222325};
  auto device = vk::Device::open("llvmpipe");
  if (!device) return outcome;
  auto engine = make_vulkan_engine(*device);
  if (!engine) return outcome;
  const auto layout = FrameLayout::packed(PixelFormat::nv12, 320, 180);
  Simulation simulation(std::move(*engine), *find_scene(scene), 3, 40'003);
  if (!simulation.set_picture(layout)) return outcome;
  auto memory = simulation.engine().frame_maker()();
  if (!memory) return outcome;
  std::memset((*memory)->data(), 0, layout.size);
  const std::atomic<bool> never = false;
  for (int64_t frame = 0; frame < 20; ++frame) {
    auto drawn = simulation.draw(frame, {0, 30, 1}, **memory, never);
    if (!drawn || !*drawn) return outcome;
    for (size_t i = 0; i < layout.size; ++i) {
      outcome.hash = (outcome.hash ^ std::to_integer<uint64_t>((*memory)->data()[i])) * 0x100000001b3;
    }
  }
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    (void)thread;
    ++outcome.threads;
  }
  outcome.drawn = true;
  return outcome;
}

Outcome draw_elsewhere(const char* scene, int threads) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    setenv("LP_NUM_THREADS", std::to_string(threads).c_str(), 1);
    const Outcome outcome = draw(scene);
    const bool told = write(ends[1], &outcome, sizeof outcome) == sizeof outcome;
    _exit(told ? 0 : 1);
  }
  close(ends[1]);
  Outcome outcome;
  EXPECT_EQ(read(ends[0], &outcome, sizeof outcome), static_cast<ssize_t>(sizeof outcome));
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(outcome.drawn);
  return outcome;
}

TEST(DriverThreads, FramesDoNotDependOnTheirNumber) {
  for (const char* scene : {"benchmark", "galaxy"}) {
    const Outcome one = draw_elsewhere(scene, 1), again = draw_elsewhere(scene, 1);
    EXPECT_EQ(one.hash, again.hash) << scene;
    for (int threads : {2, 7}) {
      const Outcome many = draw_elsewhere(scene, threads);
      EXPECT_EQ(one.hash, many.hash) << scene << " with " << threads;
      EXPECT_GE(many.threads, one.threads + static_cast<unsigned>(threads) - 1)
          << "the driver did not listen";
    }
  }
}

}  // namespace
}  // namespace campaign::particles
