// A world on an engine: asked for the picture at a time, it moves the particles there and draws them. Going
// on from the last picture costs one step; going anywhere else costs the steps of one longest life at most,
// however far. One thread at a time.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>

#include "particles/engine.hpp"

namespace campaign::particles {

class Simulation {
 public:
  Simulation(std::unique_ptr<Engine> engine, Scene scene, uint32_t seed, uint32_t particles);

  Engine& engine() { return *engine_; }
  World& world() { return world_; }

  Result<void> set_picture(const FrameLayout& layout);

  // Pictures that are `num` / `den` a second apart, the first one at `origin`.
  struct Rate {
    Nanoseconds origin = 0;
    int num = 30, den = 1;  // num > 0; den 0 stands for a single picture
    Nanoseconds time_of(int64_t frame) const;
  };

  // Waits until a step finds memory that nobody else holds, as draw() and snapshot() do by themselves. False
  // when `cancelled` meanwhile, or when others held all of it for longer than `patience`.
  bool wait_for_room(const std::atomic<bool>& cancelled, std::optional<Nanoseconds> patience = std::nullopt);

  // Draws picture number `frame`. False when another thread set `cancelled` meanwhile: nothing was drawn
  // then.
  Result<bool> draw(int64_t frame, const Rate& rate, FrameMemory& memory, const std::atomic<bool>& cancelled);

  // The particles at picture number `frame`, for others to draw. Null when `cancelled` meanwhile.
  Result<std::shared_ptr<const Snapshot>> snapshot(int64_t frame, const Rate& rate,
                                                   const std::atomic<bool>& cancelled);

  // The next picture does not follow the last one, as after a seek.
  void jump() { last_time_.reset(); }
  // The next picture follows the last one, but leaves out those between: the world goes on from where it is
  // instead of being made anew.
  void skip() { skipping_ = true; }

 private:
  bool follows(int64_t frame, const Rate& rate) const;
  // Brings the world to picture number `frame`, where `work` is done as well.
  Result<bool> go_to(int64_t frame, const Rate& rate, const std::atomic<bool>& cancelled, Work work);
  Result<bool> catch_up(int64_t frame, const Rate& rate, const std::atomic<bool>& cancelled);
  // Brings a world that stands at the last picture to one second or less before `to`, or leaves it where it
  // is.
  Result<bool> pass_over(Nanoseconds to, const std::atomic<bool>& cancelled);
  // Moves from one picture's time to the next one's, in equal parts; the last part does `work` as well.
  Result<void> move(Nanoseconds from, Nanoseconds to, Work work);

  std::unique_ptr<Engine> engine_;
  World world_;
  FrameLayout layout_;
  std::optional<Nanoseconds> last_time_;
  std::array<Cohort, kClasses> cohorts_{};  // of the last step
  Births births_;
  bool skipping_ = false;
};

}  // namespace campaign::particles
