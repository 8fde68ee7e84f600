// What particlepack made, for its `stats` property.
#pragma once

#include <gst/gst.h>

#include <cstdint>

#include "util/gst_ptr.hpp"

namespace campaign {

class PackStats {
 public:
  // `position` in the segment and `took` in nanoseconds.
  void count_update(GstClockTime position, size_t bytes, bool key, uint32_t particles, uint64_t took);
  void count_left_out() { ++left_out_; }

  StructurePtr structure() const;

 private:
  uint64_t updates_ = 0, keys_ = 0, left_out_ = 0, bytes_ = 0;
  uint32_t particles_ = 0;
  uint64_t took_ = 0;  // nanoseconds, in all
  // The rate is that of the last whole second of the stream, however fast it was played.
  GstClockTime window_start_ = GST_CLOCK_TIME_NONE;
  uint64_t window_bytes_ = 0;
  uint64_t bitrate_ = 0;
};

}  // namespace campaign
