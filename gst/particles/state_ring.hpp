// The memories that a world moves through. A state that somebody holds is left as it is and the next step
// goes into another memory; one that nobody holds is moved in place. So renderers never wait for the world,
// and the world waits for them only when all of a bounded number of states are held.
// One engine's thread; what share() gave may be released from any thread, also after the ring is gone.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "particles/snapshot.hpp"

namespace campaign::particles {

// How many states of so many bytes there may be: what fits into 200 MB, and at least enough for a queue or
// two. Of a million particles 8, or 6 with light sorted for several pictures.
unsigned most_states(uint64_t bytes);

class StateRing {
 public:
  // Makes memory in the place of one that is too small, or of none. That one is handed over because a device
  // may still be at work on it, and must be gone before there is room for another.
  using Make = std::function<Result<std::unique_ptr<ParticleMemory>>(
      uint32_t particles, std::unique_ptr<ParticleMemory> too_small)>;
  explicit StateRing(Make make);
  ~StateRing();

  ParticleMemory* current() const;  // null before the first step

  struct Turn {
    const ParticleMemory* from = nullptr;  // null when there was no state before
    ParticleMemory* to = nullptr;          // the same memory when nobody else holds it and it is large enough
  };
  // Memory for the next step of so many particles; an error when all of it is held.
  Result<Turn> begin_step(uint32_t particles);
  void end_step(const Turn& turn);  // `to` is the current state from here on

  // The current state, held until the last copy of the pointer is gone.
  std::shared_ptr<const ParticleMemory> share();

  // Whether begin_step would find memory for so many particles; waits for it so long.
  bool wait_for_room(uint32_t particles, std::chrono::nanoseconds patience);

 private:
  struct Slots;
  Make make_;
  std::shared_ptr<Slots> slots_;  // outlives the ring with what is still held
};

}  // namespace campaign::particles
