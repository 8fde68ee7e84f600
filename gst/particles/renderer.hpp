// Draws snapshots of a world, wherever they lie: one picture size, its own accumulators, one thread at a
// time. Many renderers draw the same snapshot at once.
#pragma once

#include <memory>

#include "particles/engine.hpp"
#include "particles/snapshot.hpp"

namespace campaign::particles {

class Renderer {
 public:
  // On the device where the snapshot lies. `threads` as for the CPU engine.
  static Result<std::unique_ptr<Renderer>> open(const Snapshot& snapshot, unsigned threads = 0);

  // Whether it can draw this snapshot: both are on the same device.
  bool suits(const Snapshot& snapshot) const { return snapshot.memory->device() == engine_->device(); }

  // Before the first picture, and for another size.
  Result<void> set_picture(const FrameLayout& layout);
  uint64_t shared_draws() const { return engine_->shared_draws(); }  // see Engine
  MakeFrame frame_maker() const { return engine_->frame_maker(); }
  bool draws_anywhere() const { return engine_->draws_anywhere(); }  // see Engine

  // The first `count` particles; 0, or more than there are, for all.
  Result<void> draw(const Snapshot& snapshot, uint32_t count, FrameMemory& frame);

 private:
  explicit Renderer(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
  std::unique_ptr<Engine> engine_;
  FrameLayout layout_;
};

}  // namespace campaign::particles
