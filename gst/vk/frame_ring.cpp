#include "vk/frame_ring.hpp"

namespace campaign::vk {

Result<std::unique_ptr<FrameRing>> FrameRing::create(const Program& program,
                                                     std::span<const Upload> uploads) {
  auto ring = std::unique_ptr<FrameRing>(new FrameRing);
  for (Frame& frame : ring->frames_) {
    for (const Upload& upload : uploads) {
      auto buffer =
          Buffer::create(program.device(), upload.size, BufferUse::upload, "parameters", upload.texels);
      if (!buffer) return buffer.error();
      frame.uploads.push_back(std::move(*buffer));
    }
    auto submission = Submission::create(program);
    if (!submission) return submission.error();
    frame.submission = std::move(*submission);
  }
  return ring;
}

FrameRing::~FrameRing() { (void)settle(); }

Result<FrameRing::Frame*> FrameRing::next() {
  if (failure_) return *failure_;
  newest_ = (newest_ + 1) % kFrames;
  Frame& frame = frames_[newest_];
  if (auto done = frame.submission->wait(); !done) {
    failure_ = done.error();
    return *failure_;
  }
  return &frame;
}

Result<void> FrameRing::wait() {
  if (failure_) return *failure_;
  auto done = settle();
  if (!done) failure_ = done.error();
  return done;
}

// The newest first, which the others are finished before: so a device that hangs is waited for once.
Result<void> FrameRing::settle() {
  for (size_t age = 0; age < kFrames; ++age) {
    auto& submission = frames_[(newest_ + kFrames - age) % kFrames].submission;
    if (!submission) continue;  // create() failed half way
    if (auto done = submission->wait(); !done) return done;
  }
  return {};
}

}  // namespace campaign::vk
