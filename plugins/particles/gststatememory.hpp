// States of a world as GStreamer carries them: buffers whose one memory is a reference to a snapshot. Sharing
// and copying such a buffer never copies particles. The memory cannot be mapped: the state may lie on a GPU,
// and its layout is the executor's own.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "particles/snapshot.hpp"

namespace campaign {

inline constexpr const char* kStateMediaType = "application/x-particle-state";
inline constexpr const char* kStateCaps =
    "application/x-particle-state(memory:CampaignParticles), particles = (int) [ 1, 2147483647 ], "
    "framerate = (fraction) [ 0/1, 2147483647/1 ]";

inline bool is_state(const GstStructure* structure) {
  return gst_structure_has_name(structure, kStateMediaType);
}

// Transfer full. Its size is that of the particles, so that queues limited in bytes count what they hold.
// Whoever tries to read its bytes makes `maker` post an error that says what to do instead.
GstMemory* make_state_memory(std::shared_ptr<const particles::Snapshot> snapshot, GstElement* maker);

// The state in a buffer; null when it holds anything else.
std::shared_ptr<const particles::Snapshot> snapshot_of(GstBuffer* buffer);

}  // namespace campaign
