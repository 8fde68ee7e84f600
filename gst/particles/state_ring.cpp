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

unsigned most_states(uint32_t particles) {
  const uint64_t fit = kBudget / (kParticleBytes * std::max(1u, particles));
  return static_cast<unsigned>(std::clamp<uint64_t>(fit, kFewestStates, kSlots - 1));
}

struct StateRing::Slots {
  struct Slot {
    std::unique_ptr<ParticleMemory> memory;  // replaced by the engine's thread only, and only while not held
    unsigned holders = 0;                    // under mutex
  };
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
  {
    std::scoped_lock lock(slots.mutex);
    auto* current = slots.current;
    if (current && current->holders == 0 && current->memory->capacity() >= particles) {
      return Turn{current->memory.get(), current->memory.get()};
    }
    for (const auto& slot : slots.all) held += slot.holders > 0;
    // One that is there and large enough, before one that has to be made.
    for (auto& slot : slots.all) {
      if (&slot == current || slot.holders > 0) continue;
      auto fits = [&](const Slots::Slot& s) { return s.memory && s.memory->capacity() >= particles; };
      if (!to || (fits(slot) && !fits(*to))) to = &slot;
    }
  }
  if (!to || held >= most_states(particles)) {
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
    if (slot.memory.get() == turn.to) slots_->current = &slot;
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
  return slots_->released.wait_until(lock, std::chrono::system_clock::now() + patience, [&] {
    return std::ranges::count_if(slots_->all, [](const auto& slot) { return slot.holders > 0; }) <
           static_cast<ptrdiff_t>(most_states(particles));
  });
}

}  // namespace campaign::particles
