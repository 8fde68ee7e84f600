// Buffer pools as downstream elements have them: memory of an allocator of their own, planes wherever the
// hardware wants them, and refusals. All that is not picture is filled with a byte that is to stay.
#pragma once

#include <gst/video/video.h>

#include <cstddef>
#include <limits>

namespace campaign::test {

inline constexpr const char* kOddMemory = "OddMemory";

// Memory that can only be mapped, by a pointer that nobody else knows; or not even that.
GstAllocator* make_odd_allocator(bool mappable = true);

struct OddPool {
  bool video_meta = true;  // whether it has the option
  gsize before = 52;       // bytes before each plane
  int more_stride = 20;    // bytes a row, besides those of the caps
  bool memory_per_plane = false;
  bool system_memory = false;
  bool mappable = true;
  bool starts = true;
  gsize largest = std::numeric_limits<gsize>::max();  // refuses buffers above
  gsize missing = 0;                                  // bytes of the picture that have no place in a buffer
};

GstBufferPool* make_odd_pool(const OddPool& how);

// Whether nothing was written to a buffer besides its picture.
bool is_clean_around(GstBuffer* buffer, const GstVideoInfo& info);

}  // namespace campaign::test
