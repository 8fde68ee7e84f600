#include "particles/state_ring.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <string>

namespace campaign::particles {

namespace {

constexpr unsigned kFewestStates = 6, kSlots = 64;
constexpr uint64_t kBudget = 200'000'000;               // bytes
constexpr uint64_t kParticleBytes = 6 * sizeof(float);  // position and velocity

}  // namespace

unsigned most_states(uint64_t bytes) {
  const uint64_t fit = kBudget / std::max<uint64_t>(1, bytes);
  return static_cast<unsigned>(std::clamp<uint64_t>(fit, kFewestStates, kSlots - 1));
}

struct StateRing::Slots {
  struct Slot {
    std::unique_ptr<ParticleMemory> memory;  // replaced by the engine's thread only, and only while not held
    unsigned holders = 0;                    // under mutex
    uint64_t bytes = 0;                      // of the memory after its last step; under mutex
  };
  unsigned held() const {  // under mutex
    return static_cast<unsigned>(
        std::ranges::count_if(all, [](const Slot& slot) { return slot.holders > 0; }));
  }
  // Whether one more state of so many particles may be held, all of them taken for as large as the largest
  // that is there. Under mutex.
  bool has_room(uint32_t particles) const {
    uint64_t largest = kParticleBytes * particles;
    for (const Slot& slot : all) largest = std::max(largest, slot.bytes);
    return held() < most_states(largest);
  }
  std::mutex mutex;
  std::condition_variable released;
  std::array<Slot, kSlots> all;
  Slot* current = nullptr;  // the engine's thread only
};

StateRing::StateRing(Make make) : make_(std::move(make)), slots_(std::make_shared<Slots>()) {}
StateRing::~StateRing() = default;

ParticleMemory* StateRing::current() const {
  return slots_->current ? slots_->current->memory.get() : nullptr;
}

Result<StateRing::Turn> StateRing::begin_step(uint32_t particles) {
  auto& slots = *slots_;
  Slots::Slot* to = nullptr;
  unsigned held = 0;
  bool has_room = false;
  {
    std::scoped_lock lock(slots.mutex);
    auto* current = slots.current;
    if (current && current->holders == 0 && current->memory->capacity() >= particles) {
      return Turn{current->memory.get(), current->memory.get()};
    }
    held = slots.held();
    has_room = slots.has_room(particles);
    // One that is there and large enough, before one that has to be made.
    for (auto& slot : slots.all) {
      if (&slot == current || slot.holders > 0) continue;
      auto fits = [&](const Slots::Slot& s) { return s.memory && s.memory->capacity() >= particles; };
      if (!to || (fits(slot) && !fits(*to))) to = &slot;
    }
  }
  if (!to || !has_room) {
    return Error("Something downstream keeps all " + std::to_string(held) +
                 " states of the world. Let its queues hold fewer buffers.");
  }
  if (!to->memory || to->memory->capacity() < particles) {
    auto made = make_(particles, std::move(to->memory));
    if (!made) return made.error();
    to->memory = std::move(*made);
  }
  return Turn{current(), to->memory.get()};
}

void StateRing::end_step(const Turn& turn) {
  for (auto& slot : slots_->all) {
    if (slot.memory.get() != turn.to) continue;
    slots_->current = &slot;
    const uint64_t bytes = turn.to->bytes();
    std::scoped_lock lock(slots_->mutex);
    slot.bytes = bytes;
  }
}

std::shared_ptr<const ParticleMemory> StateRing::share() {
  auto* slot = slots_->current;
  if (!slot) return nullptr;
  {
    std::scoped_lock lock(slots_->mutex);
    ++slot->holders;
  }
  return {slot->memory.get(), [slots = slots_, slot](const ParticleMemory*) {
            {
              std::scoped_lock lock(slots->mutex);
              --slot->holders;
            }
            slots->released.notify_all();
          }};
}

bool StateRing::wait_for_room(uint32_t particles, std::chrono::nanoseconds patience) {
  std::unique_lock lock(slots_->mutex);
  return slots_->released.wait_until(lock, std::chrono::system_clock::now() + patience,
                                     [&] { return slots_->has_room(particles); });
}

}  // namespace campaign::particles
