// Which updates particlepack can make of which states: the caps of one pad for those of the other.
#pragma once

#include <gst/gst.h>

#include "util/gst_ptr.hpp"

namespace campaign {

inline constexpr const char* kUpdateCaps =
    "application/x-particle-update, version = (int) 1, particles = (int) [ 1, 1048576 ], "
    "framerate = (fraction) [ 0/1, 2147483647/1 ]";

// What goes with each of `caps` on the other pad: updates of at most as many particles and as often as there
// are states, or states of at least as many and as often.
Ref<GstCaps> counterparts(const GstCaps* caps, bool to_updates);

}  // namespace campaign
