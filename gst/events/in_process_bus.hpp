// The bus of a single process: nothing to install, always connected. See bus.hpp.
#pragma once

#include "events/bus.hpp"
#include "events/loop_queue.hpp"

namespace campaign::events {

class InProcessBus : public Bus {
 public:
  static constexpr std::size_t kMaxWaiting = 10'000;  // events not yet delivered; more are dropped

  explicit InProcessBus(GMainContext* context = nullptr) : queue_(context) {}

  Result<void> publish(const Envelope& envelope) override;
  Subscription subscribe(Filter filter, std::function<void(const Envelope&)> receive) override;
  BusHealth health() const override { return health_; }
  Subscription on_connected(std::function<void(bool)>) override { return Subscription(); }

 private:
  Subscribers<const Envelope&> subscribers_;
  BusHealth health_;
  LoopQueue queue_;  // last: its jobs use the members above
};

}  // namespace campaign::events
