// Particle updates from snapshots of a world: reads the first particles back from wherever the state lies,
// and finds out who was born since the last update, however many snapshots were left out in between. No
// allocation once it has written an update of the largest count. One thread at a time.
#pragma once

#include <memory>
#include <vector>

#include "particles/engine.hpp"
#include "particles/pack/encoder.hpp"
#include "particles/snapshot.hpp"

namespace campaign::particles::pack {

class Packer {
 public:
  static Result<Packer> create(const EncoderOptions& options = {});

  // The bytes of one update of the first `count` particles, fewer when there are fewer, until the next call.
  // Snapshots of one world come in order.
  Result<std::span<const std::byte>> pack(const particles::Snapshot& snapshot, uint32_t count, uint64_t tick,
                                          Nanoseconds stream_time);

  // Before the first snapshot of another world, or of one that was left for another time: the next update is
  // a key update in which all particles are newborn.
  void restart();

  Encoder& encoder() { return encoder_; }

 private:
  explicit Packer(Encoder encoder) : encoder_(std::move(encoder)) {}
  Result<void> read(const ParticleMemory& memory, uint32_t count);

  Encoder encoder_;
  std::unique_ptr<Engine> engine_;  // on the device where the states lie
  std::vector<float> px_, py_, pz_, vx_, vy_, vz_;
  std::vector<Rgb8> colours_;
  std::vector<uint8_t> newborn_;
  uint64_t steps_ = 0;  // of the world, at the last update
};

}  // namespace campaign::particles::pack
