// Pictures drawn into buffers of whichever pool: straight into memory that the engine can write to, else into
// memory of the engine's own, from which they are copied. One thread at a time.
#pragma once

#include <gst/video/video.h>

#include <memory>

#include "gstframepool.hpp"
#include "particles/frame.hpp"
#include "util/result.hpp"

namespace campaign {

// A buffer's picture, mapped for writing for as long as this lives; that includes what its GstVideoMeta says
// of where the planes are. The buffer has to be writable, and stays the caller's.
class MappedPicture {
 public:
  MappedPicture(const GstVideoInfo& info, GstBuffer* buffer);
  ~MappedPicture();
  MappedPicture(const MappedPicture&) = delete;
  MappedPicture& operator=(const MappedPicture&) = delete;

  explicit operator bool() const { return mapped_; }
  particles::FramePlanes planes() const;
  // Whether the planes lie where the caps alone say that they do.
  bool is_laid_out_by_caps() const;

 private:
  GstVideoInfo info_;
  GstVideoFrame frame_;
  bool mapped_ = false;
};

class PictureWriter {
 public:
  // For pictures in these caps, of an engine that draws anywhere, or only into what `make` makes.
  void reset(const GstVideoInfo& info, bool anywhere, particles::MakeFrame make);

  // The result of `draw`, which is given memory to draw into, or an error when the buffer cannot be written.
  template <class Draw>
  auto write(GstBuffer* buffer, Draw&& draw) -> decltype(draw(std::declval<particles::FrameMemory&>())) {
    if (auto* own = frame_memory_of(buffer)) return draw(*own);
    MappedPicture picture(info_, buffer);
    if (!picture) return Error("The memory that downstream offers for pictures cannot be written to.");
    if (anywhere_) {
      particles::BorrowedFrame frame(picture.planes());
      return draw(frame);
    }
    auto between = memory_between();
    if (!between) return between.error();
    auto drawn = draw(**between);
    if (drawn) copy(**between, picture.planes());
    return drawn;
  }

 private:
  Result<particles::FrameMemory*> memory_between();
  void copy(const particles::FrameMemory& from, const particles::FramePlanes& to) const;

  GstVideoInfo info_{};
  bool anywhere_ = false;
  particles::MakeFrame make_;
  std::unique_ptr<particles::FrameMemory> between_;  // made when it is needed first
};

}  // namespace campaign
