#include "packstats.hpp"

namespace campaign {

void PackStats::count_update(GstClockTime position, size_t bytes, bool key, uint32_t particles,
                             uint64_t took) {
  if (GST_CLOCK_TIME_IS_VALID(position)) {
    const bool jumped = !GST_CLOCK_TIME_IS_VALID(window_start_) || position < window_start_ ||
                        position - window_start_ >= 2 * GST_SECOND;
    if (!jumped && position - window_start_ >= GST_SECOND) {
      bitrate_ = gst_util_uint64_scale(window_bytes_ * 8, GST_SECOND, position - window_start_);
    }
    if (jumped || position - window_start_ >= GST_SECOND) {
      window_start_ = position;
      window_bytes_ = 0;
    }
    window_bytes_ += bytes;
  }
  ++updates_;
  keys_ += key;
  bytes_ += bytes;
  particles_ = particles;
  took_ += took;
}

StructurePtr PackStats::structure() const {
  return StructurePtr(gst_structure_new("particle-pack-stats", "particles", G_TYPE_UINT, particles_,
                                        "updates", G_TYPE_UINT64, updates_, "key-updates", G_TYPE_UINT64,
                                        keys_, "left-out", G_TYPE_UINT64, left_out_, "bytes", G_TYPE_UINT64,
                                        bytes_, "bitrate", G_TYPE_UINT64, bitrate_, "pack-time",
                                        G_TYPE_UINT64, updates_ > 0 ? took_ / updates_ : 0, nullptr));
}

}  // namespace campaign
