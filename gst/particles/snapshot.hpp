// The particles of one moment, for as many renderers as there are: immutable, shared without a copy, and
// alive for as long as somebody holds it, even when the engine that made it is gone.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "particles/births.hpp"
#include "particles/kernel_types.hpp"
#include "particles/viewpoint.hpp"
#include "util/result.hpp"

namespace campaign::particles {

class Engine;

// Where an executor keeps positions and velocities, in a layout of its own.
class ParticleMemory {
 public:
  explicit ParticleMemory(uint32_t capacity) : capacity_(capacity) {}
  virtual ~ParticleMemory() = default;
  ParticleMemory(const ParticleMemory&) = delete;
  ParticleMemory& operator=(const ParticleMemory&) = delete;

  uint32_t capacity() const { return capacity_; }  // particles
  // All that it takes, what was prepared for those who draw it included. The engine's thread.
  virtual uint64_t bytes() const = 0;

  // Which device this memory lies on, to be compared with Engine::device() and nothing else.
  virtual const void* device() const = 0;
  // An engine of its own on that device, for drawing from another thread. `threads` as for the CPU engine.
  virtual Result<std::unique_ptr<Engine>> open_engine(unsigned threads) const = 0;

 private:
  uint32_t capacity_;
};

struct Snapshot {
  std::shared_ptr<const ParticleMemory> memory;
  std::array<Cohort, kClasses> cohorts;  // their colours at this moment
  Viewpoint viewpoint;
  Births births;
};

}  // namespace campaign::particles
