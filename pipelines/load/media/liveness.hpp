// How far a viewer is behind the live picture, and how long it takes to be back there after its process was
// stopped (SIGSTOP, a suspended machine). What was under way before is old when it is read afterwards, and
// does not count. Plain C++; time is an argument; one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "pipelines/load/media/time.hpp"

namespace campaign::load {

class Liveness {
 public:
  explicit Liveness(std::uint32_t clock_rate) : clock_rate_(clock_rate) {}

  // Regularly, while the process runs: a long gap between two calls is a stop.
  void tick(Time now) {
    if (ticked_ && now - *ticked_ > kStop) {
      ++stops_;
      continued_ = now;
    }
    ticked_ = now;
  }

  // A frame that can be shown, by its RTP timestamp.
  void shown(std::uint32_t timestamp, Time now) {
    if (last_) media_ += static_cast<std::int32_t>(timestamp - *last_);
    last_ = timestamp;
    const Time behind = now - Time(media_ * 1'000'000 / clock_rate_);
    least_ = std::min(least_, behind);
    if (!continued_ || behind - least_ > kLive) return;
    longest_ = std::max(longest_, now - *continued_);
    ++returns_;
    continued_.reset();
  }

  unsigned stops() const { return stops_; }
  unsigned returns() const { return returns_; }     // to the live picture
  Time longest_return() const { return longest_; }  // from a stop's end to the first live frame

 private:
  static constexpr Time kStop = 1s;
  static constexpr Time kLive = 200ms;  // behind the least delay that was seen

  const std::int64_t clock_rate_;
  std::optional<Time> ticked_, continued_;
  std::optional<std::uint32_t> last_;
  std::int64_t media_ = 0;  // of the last frame, since the first, in the RTP clock's ticks
  Time least_ = Time::max();
  unsigned stops_ = 0, returns_ = 0;
  Time longest_{};
};

}  // namespace campaign::load
