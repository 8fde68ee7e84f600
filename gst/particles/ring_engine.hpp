// What the executors do alike: both keep the states of their world in a ring.
#pragma once

#include "particles/engine.hpp"
#include "particles/state_ring.hpp"

namespace campaign::particles {

class RingEngine : public Engine {
 public:
  std::shared_ptr<const ParticleMemory> share() override { return ring_.share(); }
  bool wait_for_room(uint32_t particles, std::chrono::nanoseconds patience) override {
    return ring_.wait_for_room(particles, patience);
  }
  using Engine::read;
  Result<void> read(uint32_t count, const StateOut& to) override {
    if (auto fits = check_read(count, moved_, to); !fits) return fits;
    return count == 0 ? Result<void>{} : read(*ring_.current(), count, to);
  }

 protected:
  explicit RingEngine(StateRing::Make make) : ring_(std::move(make)) {}
  void end_step(const StateRing::Turn& turn, const Step& step) {
    ring_.end_step(turn);
    moved_ = step.params.count.x;
  }

  StateRing ring_;

 private:
  uint32_t moved_ = 0;  // particles in the last step
};

}  // namespace campaign::particles
