// What moves and draws particles, whatever hardware does it. World says what is to happen, an engine does it.
// One thread at a time; frames that it made may be read and freed from any thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "particles/frame.hpp"
#include "particles/snapshot.hpp"
#include "particles/world.hpp"
#include "util/result.hpp"

namespace campaign::particles {

// The parts of one frame; what is absent is not done.
struct Work {
  const Step* step = nullptr;          // move the particles
  const ViewParams* view = nullptr;    // needed by the two below
  bool splat = false;                  // add their light to the accumulators, cleared before
  FrameMemory* frame = nullptr;        // resolve the accumulators into it
  const Snapshot* snapshot = nullptr;  // draw these particles rather than the engine's own; not with a step
  const Viewpoint* sight = nullptr;    // whence others draw what the step leaves: a hint, to prepare for it
};

// Where a state is read to, one array a component: units, and units per second.
struct StateOut {
  std::span<float> px, py, pz, vx, vy, vz;
};

class Engine {
 public:
  // `device`: "auto" (a GPU if there is one, else the processor), "cpu", or the index or part of the name of
  // a Vulkan device. `cache_folder` keeps what a Vulkan driver compiles, see vk::Device.
  static Result<std::unique_ptr<Engine>> open(std::string_view device,
                                              const std::filesystem::path& cache_folder = {});
  virtual ~Engine() = default;

  virtual const std::string& device_name() const = 0;
  virtual uint32_t most_particles() const = 0;
  virtual const void* device() const = 0;  // see ParticleMemory::device()
  // How many pictures it made of light that was worked out for several at once, as the CPU executor does.
  virtual uint64_t shared_draws() const { return 0; }

  // The pictures from here on; needed before anything is drawn.
  virtual Result<void> set_picture(const FrameLayout& layout) = 0;
  // For pictures of the layout that is set now.
  virtual MakeFrame frame_maker() const = 0;
  // Whether it draws into a BorrowedFrame too, and not only into what frame_maker() makes.
  virtual bool draws_anywhere() const { return false; }

  // With a frame, returns when that is finished. Without one a device may still be at work, so that the next
  // is prepared meanwhile; what fails there is an error of a later call. A step with more particles than
  // before keeps those that were there.
  virtual Result<void> run(const Work& work) = 0;

  // The particles as the last step left them, or will have left them by the time that another engine of the
  // same device comes to what it is asked to do with them. Later steps go elsewhere for as long as this is
  // held.
  // Null before the first step.
  virtual std::shared_ptr<const ParticleMemory> share() = 0;
  // Whether there is memory for a step of so many particles, as not all of it is held; waits for it so long.
  virtual bool wait_for_room(uint32_t particles, std::chrono::nanoseconds patience) = 0;
  // The first `count` particles as the last step left them. Each array of `to` has room for `count`, or is
  // empty when it is not wanted. More than that step moved is an error.
  virtual Result<void> read(uint32_t count, const StateOut& to) = 0;
  // The same of a state that somebody holds and that lies on this device, wherever it was made: its first
  // `count` particles, and no more than they are brought over.
  virtual Result<void> read(const ParticleMemory& memory, uint32_t count, const StateOut& to) = 0;
  // The light that the last splat left on the picture: red, green and blue summed for each pixel, row by row.
  // A pixel that took more than 2^20 of one of them holds any number from there on. `to` has room for three
  // numbers a pixel.
  virtual Result<void> read_light(std::span<uint32_t> to) = 0;

 protected:
  static Result<void> check_read(uint32_t count, uint32_t there, const StateOut& to);
  Result<void> check_read(const ParticleMemory& memory, uint32_t count, const StateOut& to) const;
  static Result<void> check_read_light(const FrameLayout& layout, std::span<const uint32_t> to);
};

}  // namespace campaign::particles
