#include "particles/simulation.hpp"

#include <algorithm>
#include <ranges>

namespace campaign::particles {
namespace {

constexpr Nanoseconds kSecond = 1'000'000'000;

}  // namespace

Simulation::Simulation(std::unique_ptr<Engine> engine, Scene scene, uint32_t seed, uint32_t particles)
    : engine_(std::move(engine)), world_(std::move(scene), seed, particles) {}

Result<void> Simulation::set_picture(const FrameLayout& layout) {
  layout_ = layout;
  world_.set_aspect(static_cast<double>(layout.width) / std::max(1u, layout.height));
  return engine_->set_picture(layout);
}

Nanoseconds Simulation::Rate::time_of(int64_t frame) const {
  int64_t ticks = frame * den;  // whole seconds first, so that nothing overflows
  return origin + ticks / num * kSecond + ticks % num * kSecond / num;
}

Result<void> Simulation::move(Nanoseconds from, Nanoseconds to, Work work) {
  // Long frames are walked in parts, so that the forces stay stable at any frame rate.
  int64_t parts = std::max<int64_t>(1, (to - from + kLongestStep - 1) / kLongestStep);
  for (int64_t part = 1; part <= parts; ++part) {
    bool last = part == parts;
    auto step = world_.advance(from + (to - from) * part / parts);
    ViewParams view;
    Viewpoint sight;
    Work now = last ? work : Work{};
    now.step = step ? &*step : nullptr;
    if (step) std::ranges::copy(step->cohorts, cohorts_.begin());
    if (now.frame) {
      view = world_.view(layout_.width, layout_.height, world_.particles());
      now.view = &view;
    }
    if (now.sight) {
      sight = world_.viewpoint();
      now.sight = &sight;
    }
    if (!now.step && !now.frame) continue;
    if (auto done = engine_->run(now); !done) return done;
    if (step) births_.count(*step);
  }
  return {};
}

Result<bool> Simulation::catch_up(int64_t frame, const Rate& rate, const std::atomic<bool>& cancelled) {
  // The last picture before all who live at this one were born; there may be billions of them in a second.
  const Nanoseconds from = rate.time_of(frame) - world_.memory();
  const int64_t past = *std::ranges::partition_point(std::views::iota(int64_t{0}, frame),
                                                     [&](int64_t f) { return rate.time_of(f) < from; });
  const int64_t begin = std::max<int64_t>(0, past - 1);
  last_time_ = rate.time_of(begin);
  world_.restart(*last_time_);
  for (int64_t f = begin; f < frame; ++f) {
    if (cancelled) return false;
    Nanoseconds to = rate.time_of(f);
    auto ready = pass_over(to, cancelled);
    if (!ready || !*ready) return ready;
    if (auto done = move(*last_time_, to, {}); !done) return done.error();
    last_time_ = to;
  }
  return true;
}

Result<bool> Simulation::pass_over(Nanoseconds to, const std::atomic<bool>& cancelled) {
  if (to - *last_time_ <= kSecond && !skipping_) return true;
  // Nobody who lives at `to` was born longer ago than this, so what happened before needs no steps.
  if (Nanoseconds memory = world_.memory(); memory > 0 && to - *last_time_ > memory) {
    last_time_ = to - memory;
    world_.advance(*last_time_);
  }
  while (to - *last_time_ > kSecond) {
    if (cancelled) return false;
    Nanoseconds next = *last_time_ + kSecond;
    auto done = move(*last_time_, next, {});
    if (!done) return done.error();
    last_time_ = next;
  }
  return true;
}

bool Simulation::follows(int64_t frame, const Rate& rate) const {
  if (!last_time_) return false;
  Nanoseconds to = rate.time_of(frame);
  if (skipping_) return to > *last_time_;
  // The first picture of a new rate follows the last one of the old rate.
  return frame > 0 ? rate.time_of(frame - 1) == *last_time_ : to > *last_time_ && to - *last_time_ <= kSecond;
}

bool Simulation::wait_for_room(const std::atomic<bool>& cancelled, std::optional<Nanoseconds> patience) {
  constexpr Nanoseconds kSlice = 10'000'000;  // how late `cancelled` may be seen
  for (Nanoseconds waited = 0; !cancelled; waited += kSlice) {
    const Nanoseconds slice = patience ? std::clamp<Nanoseconds>(*patience - waited, 0, kSlice) : kSlice;
    if (engine_->wait_for_room(world_.particles(), std::chrono::nanoseconds(slice))) return true;
    if (patience && waited + kSlice >= *patience) return false;
  }
  return false;
}

Result<bool> Simulation::go_to(int64_t frame, const Rate& rate, const std::atomic<bool>& cancelled,
                               Work work) {
  Nanoseconds to = rate.time_of(frame);
  if (!follows(frame, rate)) {
    skipping_ = false;
    auto ready = catch_up(frame, rate, cancelled);
    if (!ready || !*ready) {
      last_time_.reset();  // what has been made so far is not the whole of that time
      return ready;
    }
  }
  // Where the last picture is far away, as where pictures are seconds apart.
  if (auto ready = pass_over(to, cancelled); !ready || !*ready) return ready;
  skipping_ = false;
  auto done = move(*last_time_, to, work);
  last_time_.reset();
  if (!done) return done.error();
  last_time_ = to;
  return true;
}

Result<bool> Simulation::draw(int64_t frame, const Rate& rate, FrameMemory& memory,
                              const std::atomic<bool>& cancelled) {
  if (!wait_for_room(cancelled)) return false;
  return go_to(frame, rate, cancelled, {.splat = true, .frame = &memory});
}

Result<std::shared_ptr<const Snapshot>> Simulation::snapshot(int64_t frame, const Rate& rate,
                                                             const std::atomic<bool>& cancelled) {
  std::shared_ptr<const Snapshot> none;
  if (!wait_for_room(cancelled)) return none;
  const Viewpoint later;  // that of the step's end, see move()
  auto there = go_to(frame, rate, cancelled, {.sight = &later});
  if (!there) return there.error();
  if (!*there) return none;
  return {
      std::make_shared<const Snapshot>(Snapshot{engine_->share(), cohorts_, world_.viewpoint(), births_})};
}

}  // namespace campaign::particles
