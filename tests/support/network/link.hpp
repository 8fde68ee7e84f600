// A bottleneck: packets leave one after the other at its capacity, wait in a drop-tail queue that is measured
// in time, and travel for a while. Capacity may change; loss may be random, from a seed.
#pragma once

#include <deque>
#include <random>

#include "event_queue.hpp"

namespace campaign::network {

// One packet on its way. `arrived` is told how long it waited in the queue.
struct Packet {
  DataSize size;
  TimeDelta further;  // travel beyond the link's own
  std::function<void(TimeDelta queued)> arrived;
};

class Link {
 public:
  struct Config {
    DataRate capacity;
    TimeDelta delay = TimeDelta::ms(50);
    TimeDelta queue = TimeDelta::ms(300);  // a packet that would wait longer is dropped
    double random_loss = 0;
    std::uint32_t seed = 1;
  };
  Link(EventQueue& events, const Config& config) : events_(events), config_(config), random_(config.seed) {}

  void set_capacity(DataRate capacity) { config_.capacity = capacity; }
  DataRate capacity() const { return config_.capacity; }

  void send(Packet packet) {
    if (config_.random_loss > 0 && std::uniform_real_distribution(0.0, 1.0)(random_) < config_.random_loss)
      return;
    if (waiting_size_ / config_.capacity > config_.queue) return;
    waiting_size_ += packet.size;
    waiting_.push_back({std::move(packet), events_.now()});
    if (!busy_) serve();
  }

 private:
  struct Waiting {
    Packet packet;
    Timestamp since;
  };

  void serve() {
    busy_ = !waiting_.empty();
    if (!busy_) return;
    Waiting front = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_size_ -= front.packet.size;
    const TimeDelta queued = events_.now() - front.since, sending = front.packet.size / config_.capacity;
    const TimeDelta travel = sending + config_.delay + front.packet.further;
    events_.after(travel, [arrived = std::move(front.packet.arrived), queued] { arrived(queued); });
    events_.after(sending, [this] { serve(); });
  }

  EventQueue& events_;
  Config config_;
  std::mt19937 random_;
  std::deque<Waiting> waiting_;
  DataSize waiting_size_;
  bool busy_ = false;
};

}  // namespace campaign::network
