#include "particlestats.hpp"

#include <algorithm>

namespace campaign {

StructurePtr ParticleStats::count_frame(int64_t now, int64_t took, uint32_t particles) {
  constexpr int64_t kWindow = 1'000'000;
  if (window_start_ == 0) window_start_ = now - took;
  particles_ = particles;
  ++frames_;
  ++window_frames_;
  window_took_ += took;
  window_longest_ = std::max(window_longest_, took);
  int64_t elapsed = now - window_start_;
  if (elapsed < kWindow) return nullptr;
  rate_ = static_cast<double>(window_frames_) * 1e6 / static_cast<double>(elapsed);
  mean_ns_ = static_cast<uint64_t>(window_took_) * 1000 / window_frames_;
  longest_ns_ = static_cast<uint64_t>(window_longest_) * 1000;
  window_start_ = now;
  window_frames_ = 0;
  window_took_ = window_longest_ = 0;
  return structure();
}

StructurePtr ParticleStats::structure() const {
  return StructurePtr(gst_structure_new(
      "particle-stats", "device", G_TYPE_STRING, device_.c_str(), "particles", G_TYPE_UINT, particles_,
      "frames", G_TYPE_UINT64, frames_, "skipped", G_TYPE_UINT64, skipped_, "framerate", G_TYPE_DOUBLE, rate_,
      "frame-time", G_TYPE_UINT64, mean_ns_, "frame-time-max", G_TYPE_UINT64, longest_ns_, nullptr));
}

}  // namespace campaign
