#include "ladder.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "particles/engine.hpp"
#include "particles/presets.hpp"
#include "particles/renderer.hpp"
#include "particles/simulation.hpp"

namespace campaign::bench {
namespace {

using namespace particles;

constexpr struct Rung {
  uint32_t particles, width, height;
} kRungs[] = {{1'000'000, 1920, 1080}, {500'000, 1280, 720}, {250'000, 960, 540}, {100'000, 640, 360}};
// Frames, and ladders: many, since a turn begins with the world alone and ends with the largest rung alone.
constexpr int kInATurn = 24;
constexpr int kBefore = 90;  // births over, forces at work
constexpr Simulation::Rate kRate{0, 30, 1};
const std::atomic<bool> kNever = false;

// A rung's branch of the pipeline.
class DrawingThread {
 public:
  DrawingThread(std::unique_ptr<Renderer> renderer, std::unique_ptr<FrameMemory> frame, uint32_t particles)
      : renderer_(std::move(renderer)), frame_(std::move(frame)), particles_(particles) {}
  ~DrawingThread() { give(nullptr); }

  // Waits until the queue has room; null ends it.
  void give(std::shared_ptr<const Snapshot> snapshot) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !waiting_; });
    waiting_ = std::move(snapshot);
    changed_.notify_all();
  }
  // Until all that was given is drawn.
  void finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !waiting_ && !busy_; });
  }
  bool failed() const { return failed_; }

 private:
  void draw_all() {
    for (;;) {
      std::shared_ptr<const Snapshot> snapshot;
      {
        std::unique_lock lock(mutex_);
        busy_ = false;
        changed_.notify_all();
        changed_.wait(lock, [&] { return waiting_.has_value(); });
        snapshot = std::move(*waiting_);
        waiting_.reset();
        busy_ = true;
        changed_.notify_all();
      }
      if (!snapshot) return;
      if (!renderer_->draw(*snapshot, particles_, *frame_)) failed_ = true;
    }
  }

  std::unique_ptr<Renderer> renderer_;
  std::unique_ptr<FrameMemory> frame_;
  uint32_t particles_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::shared_ptr<const Snapshot>> waiting_;  // under mutex_
  bool busy_ = false;                                       // under mutex_
  std::atomic<bool> failed_ = false;
  std::jthread thread_{[this] { draw_all(); }};  // last: it uses the members above
};

// A world of its own, and what is drawn of it.
class Drawn {
 public:
  explicit Drawn(std::unique_ptr<Engine> engine)
      : world_(std::move(engine), *find_scene("benchmark"), 1, kRungs[0].particles) {}
  virtual ~Drawn() = default;
  // Draws so many more pictures of every size.
  virtual Result<void> draw(int count) = 0;

 protected:
  Simulation world_;
  int64_t number_ = 0;
};

class FrameAlone final : public Drawn {
 public:
  using Drawn::Drawn;
  Result<void> prepare() {
    auto set = world_.set_picture(FrameLayout::packed(PixelFormat::nv12, kRungs[0].width, kRungs[0].height));
    if (!set) return set;
    auto frame = world_.engine().frame_maker()();
    if (!frame) return frame.error();
    frame_ = std::move(*frame);
    return draw(kBefore);
  }
  Result<void> draw(int count) override {
    for (int i = 0; i < count; ++i) {
      if (auto drawn = world_.draw(number_++, kRate, *frame_, kNever); !drawn) return drawn.error();
    }
    return {};
  }

 private:
  std::unique_ptr<FrameMemory> frame_;
};

class Ladder final : public Drawn {
 public:
  using Drawn::Drawn;
  Result<void> prepare() {
    Result<std::shared_ptr<const Snapshot>> snapshot = move();
    for (int i = 1; i < kBefore && snapshot; ++i) snapshot = move();
    if (!snapshot) return snapshot.error();
    for (const Rung& rung : kRungs) {
      auto renderer = Renderer::open(**snapshot);
      if (!renderer) return renderer.error();
      auto set = (*renderer)->set_picture(FrameLayout::packed(PixelFormat::nv12, rung.width, rung.height));
      if (!set) return set;
      auto frame = (*renderer)->frame_maker()();
      if (!frame) return frame.error();
      threads_.emplace_back(std::move(*renderer), std::move(*frame), rung.particles);
    }
    return {};
  }
  Result<void> draw(int count) override {
    for (int i = 0; i < count; ++i) {
      auto snapshot = move();
      if (!snapshot) return snapshot.error();
      for (auto& thread : threads_) thread.give(*snapshot);
    }
    for (auto& thread : threads_) {
      thread.finish();
      if (thread.failed()) return Error("a rung was not drawn");
    }
    return {};
  }

 private:
  Result<std::shared_ptr<const Snapshot>> move() { return world_.snapshot(number_++, kRate, kNever); }
  std::list<DrawingThread> threads_;
};

struct Cost {
  double wall = 0, processor = 0;  // seconds for one picture of every size
};

double processor_time() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

Result<Cost> cost_of(Drawn& drawn) {
  const auto begin = std::chrono::steady_clock::now();
  const double processor = processor_time();
  if (auto done = drawn.draw(kInATurn); !done) return done.error();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  return Cost{wall.count() / kInATurn, (processor_time() - processor) / kInATurn};
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

void run_ladder(benchmark::State& state, const std::string& device) {
  auto engine = Engine::open(device), other = Engine::open(device);
  if (!engine || !other) return state.SkipWithError((engine ? other : engine).error().for_user().c_str());
  FrameAlone frame(std::move(*engine));
  Ladder ladder(std::move(*other));
  for (auto ready : {frame.prepare(), ladder.prepare(), ladder.draw(kInATurn)}) {
    if (!ready) return state.SkipWithError(ready.error().for_user().c_str());
  }
  std::vector<double> alone, times, processor_times;
  for (auto _ : state) {
    const auto one = cost_of(frame), all = cost_of(ladder);
    if (!one || !all) return state.SkipWithError((one ? all : one).error().for_user().c_str());
    state.SetIterationTime(all->wall);
    alone.push_back(one->wall * 1e3);
    times.push_back(all->wall / one->wall);
    processor_times.push_back(all->processor / one->processor);
  }
  state.counters["alone_ms"] = median(alone);
  state.counters["times"] = median(times);
  state.counters["cpu_times"] = median(processor_times);
}

}  // namespace campaign::bench
