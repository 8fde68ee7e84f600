#include "particles/pack/packer.hpp"

#include <algorithm>

#include "particles/appearance.hpp"

namespace campaign::particles::pack {

Result<Packer> Packer::create(const EncoderOptions& options) {
  auto encoder = Encoder::create(options);
  if (!encoder) return encoder.error();
  return Packer(std::move(*encoder));
}

Result<void> Packer::read(const ParticleMemory& memory, uint32_t count) {
  if (!engine_ || engine_->device() != memory.device()) {
    auto engine = memory.open_engine(1);
    if (!engine) return engine.error();
    engine_ = std::move(*engine);
  }
  for (auto* component : {&px_, &py_, &pz_, &vx_, &vy_, &vz_}) component->resize(count);
  return engine_->read(memory, count, {px_, py_, pz_, vx_, vy_, vz_});
}

void Packer::restart() {
  steps_ = 0;
  encoder_.request_key();
}

Result<std::span<const std::byte>> Packer::pack(const particles::Snapshot& snapshot, uint32_t count,
                                                uint64_t tick, Nanoseconds stream_time) {
  count = std::min(count, snapshot.viewpoint.particles);
  if (auto done = read(*snapshot.memory, count); !done) return done.error();
  colours_.resize(count);
  newborn_.resize(count);
  light_of(snapshot.cohorts, vx_, vy_, vz_, colours_);
  snapshot.births.mark(steps_, newborn_);
  auto update = encoder_.encode({tick, stream_time, 0, px_, py_, pz_, colours_, newborn_});
  if (update) steps_ = snapshot.births.steps();
  return update;
}

}  // namespace campaign::particles::pack
