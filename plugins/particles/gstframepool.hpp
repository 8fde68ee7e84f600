// A buffer pool whose buffers are the memory that the engine draws into, so that a frame is never copied.
#pragma once

#include <gst/video/video.h>

#include "particles/frame.hpp"
#include "util/gst_ptr.hpp"

namespace campaign {

// Buffers carry a GstVideoMeta if the pool's configuration asks for one.
Ref<GstBufferPool> make_frame_pool(const GstVideoInfo& info, particles::MakeFrame make);

// The engine's memory behind a buffer of such a pool; null for any other buffer.
particles::FrameMemory* frame_memory_of(GstBuffer* buffer);

}  // namespace campaign
