// The particle engine alone, stage by stage: what a frame costs on this machine's device.
// Needs no GStreamer, so that it can be carried to a machine that has a GPU:
//   engine-bench [--device=auto|INDEX|NAME] [Google Benchmark's own flags]
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "floor/floor.hpp"
#include "ladder.hpp"
#include "particles/engine.hpp"
#include "particles/presets.hpp"
#include "particles/simulation.hpp"
#include "util/workers.hpp"

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
  float x = 0;  // reading it waits for what is still under way on a device, which belongs to the time
  const StateOut first{.px = {&x, 1}, .py = {}, .pz = {}, .vx = {}, .vy = {}, .vz = {}};
  for (auto left = state.max_iterations; auto _ : state) {
    once(stage);
    if (--left > 0 || stage.resolve) continue;
    if (!(*engine)->read(1, first)) state.SkipWithError("the state cannot be read");
  }
  state.counters["particles/s"] =
      benchmark::Counter(particles, benchmark::Counter::kIsIterationInvariantRate);
}

// From anywhere to the picture at second 10: the steps of one longest life, then a frame.
void run_seek(benchmark::State& state, uint32_t particles) {
  auto engine = Engine::open(device);
  if (!engine) return state.SkipWithError(engine.error().for_user().c_str());
  Simulation simulation(std::move(*engine), *find_scene("benchmark"), 1, particles);
  if (!simulation.set_picture(FrameLayout::packed(PixelFormat::nv12, 1280, 720)))
    return state.SkipWithError("no picture");
  auto frame = simulation.engine().frame_maker()();
  if (!frame) return state.SkipWithError(frame.error().for_user().c_str());
  const std::atomic<bool> never = false;
  for (auto _ : state) {
    simulation.jump();
    auto drawn = simulation.draw(300, {0, 30, 1}, **frame, never);
    if (!drawn || !*drawn) return state.SkipWithError("nothing was drawn");
  }
}

// The same frame by hand, for this scene only, on as many threads as the engine takes; from a state that the
// engine made.
void run_floor(benchmark::State& state, uint32_t particles, uint32_t width, uint32_t height) {
  const auto* loops = campaign::bench::floor_loops();
  if (!loops) return state.SkipWithError("needs a processor with AVX2");
  auto engine = Engine::open("cpu");
  auto scene = find_scene("benchmark");
  if (!engine || !scene) return state.SkipWithError("no engine or no scene");
  World world(*scene, 1, particles);
  world.restart(0);
  Step step;
  Nanoseconds time = 0;
  for (int i = 0; i < 90; ++i) {
    if (auto next = world.advance(time += kFrameTime)) step = *next;
    const Work move{.step = &step};
    if (!(*engine)->run(move)) return state.SkipWithError("no state");
  }
  campaign::bench::Floor floor(*loops, std::max(1u, std::thread::hardware_concurrency()), particles, width,
                               height);
  auto room = [&](unsigned c) { return std::span(floor.component(c), particles); };
  if (!(*engine)->read(particles, {room(0), room(1), room(2), room(3), room(4), room(5)})) {
    return state.SkipWithError("the state cannot be read");
  }
  std::vector<uint8_t> nv12(size_t{width} * height * 3 / 2);
  const auto view = world.view(width, height, particles);
  for (auto _ : state) {
    floor.frame(step, view, nv12.data());
    benchmark::ClobberMemory();
  }
  state.SetLabel(loops->name);
}

// What reading and writing the state once costs, on the same threads.
void run_copy(benchmark::State& state, uint32_t particles) {
  constexpr size_t kPart = 64 << 10;
  const size_t bytes = particles * 6 * sizeof(float);
  std::vector<std::byte> from(bytes), to(bytes);
  campaign::Workers workers(std::max(1u, std::thread::hardware_concurrency()));
  for (auto _ : state) {
    workers.run(static_cast<uint32_t>((bytes + kPart - 1) / kPart), [&](unsigned, uint32_t part) {
      const size_t at = part * kPart;
      std::memcpy(to.data() + at, from.data() + at, std::min(kPart, bytes - at));
    });
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes) * state.iterations());
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
            ->MeasureProcessCPUTime()
            ->UseRealTime();
      }
    }
  }
  for (auto size : {kSizes[1], kSizes[2]}) {
    for (uint32_t count : {500'000u, 1'000'000u}) {
      std::string name = "floor/" + std::to_string(count / 1000) + "k/" + std::to_string(size.height) + "p";
      benchmark::RegisterBenchmark(
          name.c_str(), [=](benchmark::State& state) { run_floor(state, count, size.width, size.height); })
          ->Unit(benchmark::kMillisecond)
          ->MeasureProcessCPUTime()
          ->UseRealTime();
    }
  }
  for (uint32_t count : {10'000u, 500'000u}) {
    std::string name = "seek/" + std::to_string(count / 1000) + "k";
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { run_seek(state, count); })
        ->Unit(benchmark::kMillisecond)
        ->MeasureProcessCPUTime()
        ->UseRealTime();
  }
  benchmark::RegisterBenchmark("copy/1000k", [](benchmark::State& state) { run_copy(state, 1'000'000); })
      ->Unit(benchmark::kMillisecond)
      ->MeasureProcessCPUTime()
      ->UseRealTime();
  benchmark::RegisterBenchmark("ladder/1000k/4rungs",
                               [](benchmark::State& state) { campaign::bench::run_ladder(state, device); })
      ->Unit(benchmark::kMillisecond)
      ->Iterations(10)
      ->UseManualTime();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
