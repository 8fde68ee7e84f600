// The count of particles that the event campaign-quality lowers an element's own to.
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace campaign {

// Any thread sets it; the streaming thread reads it.
class QualityLimit {
 public:
  enum class Outcome { other_event, kept, changed };
  Outcome take(const GstStructure* structure) {
    if (!structure || !gst_structure_has_name(structure, "campaign-quality")) return Outcome::other_event;
    guint count = 0;
    if (!gst_structure_get_uint(structure, "particles", &count) || count == 0) return Outcome::kept;
    return particles_.exchange(count) == count ? Outcome::kept : Outcome::changed;
  }
  void lift() { particles_ = UINT32_MAX; }
  uint32_t of(uint32_t wanted) const { return std::min(wanted, particles_.load()); }

 private:
  std::atomic<uint32_t> particles_ = UINT32_MAX;
};

}  // namespace campaign
