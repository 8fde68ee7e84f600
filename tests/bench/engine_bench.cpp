// The particle engine alone, stage by stage: what a frame costs on this machine's device.
// Needs no GStreamer, so that it can be carried to a machine that has a GPU:
//   engine-bench [--device=auto|INDEX|NAME] [Google Benchmark's own flags]
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "particles/engine.hpp"
#include "particles/presets.hpp"

namespace {

using namespace campaign::particles;

std::string device = "auto";

constexpr Nanoseconds kFrameTime = 33'333'333;

struct Stage {
  const char* name;
  bool move, splat, resolve;
};
constexpr Stage kStages[] = {
    {"simulate", true, false, false},
    {"splat", false, true, false},
    {"resolve", false, false, true},
    {"frame", true, true, true},
};

void run_stage(benchmark::State& state, Stage stage, uint32_t particles, uint32_t width, uint32_t height) {
  auto engine = Engine::open(device);
  auto scene = find_scene("benchmark");
  if (!engine || !scene) {
    return state.SkipWithError((engine ? scene.error() : engine.error()).for_user().c_str());
  }
  auto layout = FrameLayout::packed(PixelFormat::nv12, width, height);
  if (auto set = (*engine)->set_picture(layout); !set)
    return state.SkipWithError(set.error().for_user().c_str());
  auto frame = (*engine)->frame_maker()();
  if (!frame) return state.SkipWithError(frame.error().for_user().c_str());

  World world(*scene, 1, particles);
  world.restart(0);
  Nanoseconds time = 0;
  auto once = [&](Stage what) {
    time += kFrameTime;
    auto step = what.move ? world.advance(time) : std::nullopt;
    auto view = world.view(width, height, particles);
    Work work{step ? &*step : nullptr, &view, what.splat, what.resolve ? frame->get() : nullptr};
    auto done = (*engine)->run(work);
    if (!done) state.SkipWithError(done.error().for_user().c_str());
  };
  for (int i = 0; i < 90; ++i) once(kStages[3]);  // births over, forces at work
  for (auto _ : state) once(stage);
  state.counters["particles/s"] =
      benchmark::Counter(particles, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--device=", 9) == 0)
      device = argv[i] + 9;
    else
      return std::fprintf(stderr, "engine-bench: unknown argument %s\n", argv[i]), 2;
  }
  auto engine = Engine::open(device);
  if (!engine) return std::fprintf(stderr, "engine-bench: %s\n", engine.error().for_user().c_str()), 1;
  benchmark::AddCustomContext("device", (*engine)->device_name());
  engine = campaign::Error("closed");

  constexpr uint32_t kCounts[] = {100'000, 250'000, 500'000, 1'000'000};
  constexpr struct { uint32_t width, height; } kSizes[] = {{640, 360}, {1280, 720}, {1920, 1080}};
  for (const auto& stage : kStages) {
    for (auto size : kSizes) {
      for (uint32_t count : kCounts) {
        std::string name = std::string(stage.name) + "/" + std::to_string(count / 1000) + "k/" +
                           std::to_string(size.height) + "p";
        benchmark::RegisterBenchmark(
            name.c_str(),
            [=](benchmark::State& state) { run_stage(state, stage, count, size.width, size.height); })
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
      }
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
