// How fast particlesrc draws, for its `stats` property and its particle-stats message.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <string>

#include "util/gst_ptr.hpp"

namespace campaign {

class ParticleStats {
 public:
  ParticleStats() = default;
  explicit ParticleStats(std::string device) : device_(std::move(device)) {}

  // Times in microseconds of the monotonic clock. Once a second, returns the report of that second.
  StructurePtr count_frame(int64_t now, int64_t took, uint32_t particles);

  void count_skipped(uint64_t frames) { skipped_ += frames; }

  StructurePtr structure() const;                   // of the last whole second
  uint64_t frame_time() const { return mean_ns_; }  // the mean of that, in nanoseconds

 private:
  std::string device_;
  uint32_t particles_ = 0;
  uint64_t frames_ = 0, skipped_ = 0;
  int64_t window_start_ = 0;
  uint64_t window_frames_ = 0;
  int64_t window_took_ = 0, window_longest_ = 0;
  double rate_ = 0;  // frames per second
  uint64_t mean_ns_ = 0, longest_ns_ = 0;
};

}  // namespace campaign
