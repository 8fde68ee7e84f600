// What downstream answers to the allocation query, and the pool that pictures come from because of it: its
// own where that spares somebody a copy, the engine's memory everywhere else.
#pragma once

#include <gst/video/video.h>

#include <vector>

#include "particles/frame.hpp"
#include "util/gst_ptr.hpp"

namespace campaign {

class AllocationOffer {
 public:
  AllocationOffer() {  // nothing is offered
    gst_allocation_params_init(&params_);
    gst_video_alignment_reset(&around_);
  }
  explicit AllocationOffer(GstQuery* query);

  struct Choice {
    Ref<GstBufferPool> pool;  // configured and active; null when there is no memory at all
    guint size = 0;           // bytes of a buffer, at least
    guint least = 0, most = 0;
  };
  // Of an engine that draws anywhere, or only into what `make` makes, and which is copied elsewhere.
  Choice choose(GstCaps* caps, const GstVideoInfo& info, bool anywhere, particles::MakeFrame make) const;

 private:
  bool set_up(const Choice& choice, GstCaps* caps) const;
  bool asks_for_other_memory() const;  // than the engine's own
  // Whether what a pool gives, which is active, can be written to here and read downstream. `in_use`: it has
  // given buffers before.
  bool suits(GstBufferPool* pool, const GstVideoInfo& info, bool anywhere, bool in_use) const;
  bool take(const Choice& choice, GstCaps* caps, const GstVideoInfo& info, bool anywhere) const;

  std::vector<Choice> pools_;
  guint least_ = 1;  // buffers that downstream holds, in whichever pool
  bool asks_for_allocator_ = false;
  Ref<GstAllocator> allocator_;  // null for GStreamer's own
  GstAllocationParams params_;
  bool video_meta_ = false;  // whether downstream understands it
  bool asks_for_room_around_ = false;
  GstVideoAlignment around_;  // the picture, in pixels
};

}  // namespace campaign
