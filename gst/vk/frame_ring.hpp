// What is in flight: up to three submissions, each with the memory that its parameters are uploaded through,
// so that the processor prepares the next one while the device works on the last. Whoever wants the next one
// waits only for the one of three submissions before, never for the device to be idle.
// One thread at a time.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "vk/submission.hpp"

namespace campaign::vk {

class FrameRing {
 public:
  static constexpr size_t kFrames = 3;

  struct Upload {
    VkDeviceSize size = 0;
    VkFormat texels = VK_FORMAT_UNDEFINED;  // as for Buffer::create
  };
  struct Frame {
    std::vector<Buffer> uploads;             // one for each Upload
    std::unique_ptr<Submission> submission;  // to be recorded and submitted
  };

  // Every frame has these buffers of its own. The program outlives the ring.
  static Result<std::unique_ptr<FrameRing>> create(const Program& program, std::span<const Upload> uploads);
  // Waits until nothing is in flight. Whatever submissions use must be declared before the ring.
  ~FrameRing();
  FrameRing(const FrameRing&) = delete;
  FrameRing& operator=(const FrameRing&) = delete;

  // The next frame, not in flight any more. A device that failed or hung once is an error from then on.
  Result<Frame*> next();
  // Until nothing is in flight: before anything goes that a submission may still use, and before the
  // processor reads what the last one wrote.
  Result<void> wait();

 private:
  FrameRing() = default;
  Result<void> settle();

  std::array<Frame, kFrames> frames_;
  size_t newest_ = 0;
  std::optional<Error> failure_;
};

}  // namespace campaign::vk
