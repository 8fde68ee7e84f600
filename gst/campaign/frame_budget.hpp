// Holds one rung to the time that a server has for its pictures: lowers how many particles are drawn, then
// how many pictures there are, for everybody who watches that rung, and raises both again. It knows nothing
// of networks, so that no viewer's link takes anything from others. Time is passed in; one thread.
//
// Down: when pictures have needed more than the budget for two seconds, by as many steps as the excess asks
// for. Up: one step at a time, soon where the next step is sure to fit and rarely where it only may. A step
// up that had to be taken back doubles the wait before the next.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "campaign/frame_times.hpp"

namespace campaign {

class FrameBudget {
 public:
  using Nanoseconds = std::chrono::nanoseconds;
  struct Work {
    std::uint32_t particles = 0;  // 0: what is drawn cannot be lowered
    double framerate = 0;         // pictures a second
    bool operator==(const Work&) const = default;
  };

  static constexpr double kDefaultShare = 0.9;  // own: of an interval; the rest is for what varies

  explicit FrameBudget(const Work& full, double share = kDefaultShare);

  // Another share of the interval; 0: none, and everything is as it is wished.
  void set_share(double share) { share_ = share; }

  // After each window. The work from now on, when that has changed.
  std::optional<Work> update(Nanoseconds now, const FrameWindow& window);

  const Work& work() const { return steps_[step_]; }
  const Work& full() const { return steps_[0]; }
  bool lowered() const { return step_ > 0; }
  Nanoseconds frame_time() const { return frame_time_; }  // mean of the last window in which one was done
  double load() const { return load_; }                   // of the interval; above 1 pictures are left out

 private:
  void weigh(Nanoseconds now, const FrameWindow& window);
  bool lower(Nanoseconds now);
  void raise(Nanoseconds now);
  void go(std::size_t step);
  double growth() const;  // of the load, at most, by one step up
  void forget();

  std::vector<Work> steps_;  // from what is wished down to the least
  std::size_t step_ = 0;
  double share_;
  double load_ = 0;
  Nanoseconds frame_time_{}, over_{};
  std::optional<Nanoseconds> updated_, raised_, fits_since_, may_fit_since_, held_until_;
  int failures_ = 0;  // raises that had to be taken back, in a row
};

}  // namespace campaign
