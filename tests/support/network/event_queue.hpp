// Simulated time: what is to happen, in the order in which it happens. The same events give the same run.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "congestion/units.hpp"

namespace campaign::network {

using namespace campaign::congestion;

class EventQueue {
 public:
  using Event = std::function<void()>;

  Timestamp now() const { return now_; }

  // An event in the past happens now.
  void at(Timestamp when, Event event) { events_.push({std::max(when, now_), next_++, std::move(event)}); }
  void after(TimeDelta delay, Event event) { at(now_ + delay, std::move(event)); }

  void run_until(Timestamp end) {
    while (!events_.empty() && events_.top().when <= end) {
      // The queue only shows its top as constant; it is removed right after.
      Event event = std::move(const_cast<Entry&>(events_.top()).event);
      now_ = events_.top().when;
      events_.pop();
      event();
    }
    now_ = end;
  }

 private:
  struct Entry {
    Timestamp when;
    std::uint64_t order;
    Event event;
    bool operator<(const Entry& other) const {
      return std::pair(when, order) > std::pair(other.when, other.order);
    }
  };
  std::priority_queue<Entry> events_;
  Timestamp now_;
  std::uint64_t next_ = 0;
};

}  // namespace campaign::network
