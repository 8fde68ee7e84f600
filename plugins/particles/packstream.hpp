// What particlepack runs: the packer, which states become updates, and what is said of each of these. Only
// the streaming thread touches it, and start() and stop().
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <utility>

#include "packpace.hpp"
#include "particles/pack/packer.hpp"
#include "util/result.hpp"

namespace campaign {

struct PackStream {
  explicit PackStream(particles::pack::Packer p) : packer(std::move(p)) {}
  particles::pack::Packer packer;
  PackPace pace;
  uint32_t particles = 0;  // in the caps
  uint64_t updates = 0;
  bool discont = true;  // something is missing before the next update

  // An error if states of the one do not make updates of the other.
  Result<void> set_caps(const GstCaps* states, const GstCaps* updates);
  // The next state does not follow the last one.
  void restart();
  // Times, number and flags of the next update, which is of the state in `in`.
  void stamp(GstBuffer* out, GstBuffer* in, GstClockTime duration, bool key);
};

}  // namespace campaign
