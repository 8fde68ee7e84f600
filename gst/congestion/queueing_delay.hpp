// How much longer than the quickest packet of late a packet took: the queue we see, ours or others'. The two
// clocks may differ by any constant. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "congestion/units.hpp"

namespace campaign::congestion {

class QueueingDelay {
 public:
  // In the order of feedback.
  void add(Timestamp sent, Timestamp received, Timestamp now) {
    const TimeDelta one_way = TimeDelta::ns(received.ns() - sent.ns());
    if (!opened_ || now - *opened_ >= kSlot) {
      opened_ = now;
      least_[next_++ % kSlots] = one_way;
    }
    TimeDelta& current = least_[(next_ - 1) % kSlots];
    current = std::min(current, one_way);
    const std::size_t used = std::min(next_, kSlots);
    const TimeDelta base = *std::min_element(least_.begin(), least_.begin() + std::ptrdiff_t(used));
    value_ = one_way - base;
    if (!window_opened_ || now - *window_opened_ >= kWindow) {
      window_opened_ = now;
      last_least_ = current_least_;
      current_least_ = value_;
    }
    current_least_ = std::min(current_least_, value_);
  }
  // Of the last packet.
  TimeDelta value() const { return value_; }
  // The least of the last half to whole second.
  TimeDelta standing() const { return std::min(last_least_, current_least_); }
  void reset() { *this = {}; }

 private:
  static constexpr std::size_t kSlots = 12;  // own: a minute, over which clocks drift by few ms
  static constexpr TimeDelta kSlot = TimeDelta::seconds(5);
  static constexpr TimeDelta kWindow = TimeDelta::ms(500);  // own: several feedback messages

  std::array<TimeDelta, kSlots> least_{};
  std::size_t next_ = 0;
  std::optional<Timestamp> opened_;
  std::optional<Timestamp> window_opened_;
  TimeDelta value_, last_least_, current_least_;
};

}  // namespace campaign::congestion
