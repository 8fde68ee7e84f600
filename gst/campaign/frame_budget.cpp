#include "campaign/frame_budget.hpp"

#include <algorithm>
#include <cmath>

namespace campaign {
namespace {

using namespace std::chrono_literals;
using Nanoseconds = FrameBudget::Nanoseconds;

constexpr double kStep = 0.7, kFloor = 0.25;  // own: of the particles
constexpr double kLeastFramerate = 15;        // own: below it motion is no motion
constexpr Nanoseconds kTooLong = 2s;          // the contract: over budget for so long
constexpr Nanoseconds kAgain = 1s;            // own: right after a step that did not help enough
constexpr int kMostSteps = 3;                 // own: at once
constexpr Nanoseconds kSurelyFits = 4s;       // own: twice as patient as on the way down
constexpr Nanoseconds kMayFit = 15s;          // own: a try that may cost two bad seconds
constexpr double kSpare = 0.9;                // own: of the budget, before it is tried
constexpr Nanoseconds kTrial = 10s;           // own: a raise taken back within this has failed
constexpr Nanoseconds kBackOff = 15s, kLongestBackOff = 240s;
constexpr Nanoseconds kStale = 10s;  // own: without pictures; nothing is known any more

}  // namespace

FrameBudget::FrameBudget(const Work& full, double share) : steps_{full}, share_(share) {
  for (double part = kStep; full.particles > 0; part *= kStep) {
    part = std::max(part, kFloor);
    steps_.push_back({std::max(1u, std::uint32_t(full.particles * part)), full.framerate});
    if (part == kFloor) break;
  }
  const std::uint32_t least = steps_.back().particles;
  for (const double part : {2.0 / 3, 1.0 / 2, 1.0 / 3, 1.0 / 4})
    if (full.framerate * part > kLeastFramerate - 0.1) steps_.push_back({least, full.framerate * part});
}

std::optional<FrameBudget::Work> FrameBudget::update(Nanoseconds now, const FrameWindow& window) {
  const std::size_t before = step_;
  if (share_ <= 0 || (updated_ && now - *updated_ > kStale)) forget();
  updated_ = now;
  if (window.came > 0 && window.lasted > 0ns) weigh(now, window);
  if (share_ > 0 && !lower(now)) raise(now);
  if (step_ == before) return std::nullopt;
  return work();
}

void FrameBudget::weigh(Nanoseconds now, const FrameWindow& window) {
  if (window.done > 0) {
    frame_time_ = window.busy / std::int64_t(window.done);
    load_ = double(frame_time_.count()) * double(window.came) / double(window.lasted.count());
  } else {  // one picture that lasts longer than a window
    load_ = std::max(load_, 2.0);
  }
  // Windows that are over and others may take turns: then a third of them is enough, only later.
  over_ = load_ > share_ ? over_ + window.lasted : std::max(0ns, over_ - window.lasted / 2);
  if (raised_ && now - *raised_ > kTrial) {
    raised_.reset();
    failures_ = 0;
  }
}

bool FrameBudget::lower(Nanoseconds now) {
  if (over_ < kTooLong) return false;
  over_ = kTooLong - kAgain;
  const bool failed = raised_.has_value();
  if (failed) {
    held_until_ = now + std::min(kBackOff * (1 << std::min(failures_, 10)), kLongestBackOff);
    ++failures_;
  }
  const double wanted = std::log(load_ / share_) / std::log(1 / kStep);
  const int steps = failed ? 1 : std::clamp(int(std::ceil(wanted)), 1, kMostSteps);
  go(std::min(step_ + std::size_t(steps), steps_.size() - 1));
  return true;
}

void FrameBudget::raise(Nanoseconds now) {
  if (step_ == 0) return;
  const auto since = [now](std::optional<Nanoseconds>& from, bool holds) {
    if (!holds) from.reset();
    if (holds && !from) from = now;
    return holds ? now - *from : -1ns;
  };
  const Nanoseconds fits = since(fits_since_, load_ * growth() < share_ * kSpare);
  const Nanoseconds may_fit = since(may_fit_since_, load_ < share_ * kSpare);
  if (held_until_ && now < *held_until_) return;
  if (fits < kSurelyFits && may_fit < kMayFit) return;
  go(step_ - 1);
  raised_ = now;
}

double FrameBudget::growth() const {
  const Work &above = steps_[step_ - 1], &here = steps_[step_];
  const double particles = here.particles > 0 ? double(above.particles) / here.particles : 1;
  return std::max(particles, above.framerate / here.framerate);
}

void FrameBudget::go(std::size_t step) {
  raised_.reset();
  fits_since_.reset();
  may_fit_since_.reset();
  step_ = step;
}

void FrameBudget::forget() {
  go(0);
  load_ = 0;
  over_ = 0ns;
  frame_time_ = 0ns;
  held_until_.reset();
  failures_ = 0;
}

}  // namespace campaign
