// Access units of the router that are GstBuffers: shared by all viewers, so nobody may write to them.
#pragma once

#include <gst/gst.h>

#include "campaign/encoder_profile.hpp"
#include "campaign/routing/access_unit.hpp"
#include "util/gst_ptr.hpp"

namespace campaign::viewer {

// The clock of everything that is routed in this process.
inline routing::Nanoseconds routing_now() { return std::chrono::microseconds(g_get_monotonic_time()); }

// A stream's format, as the router tells formats apart.
inline int format_of(Codec codec) { return int(codec) + 1; }
inline Codec codec_of(int format) { return Codec(format - 1); }

// `buffer` carries its final timestamp: the time that all streams count in.
inline routing::AccessUnit make_unit(Ref<GstBuffer> buffer, bool droppable) {
  static constexpr routing::Payload::Kind kBuffer = {
      [](void* object) { gst_buffer_ref(static_cast<GstBuffer*>(object)); },
      [](void* object) { gst_buffer_unref(static_cast<GstBuffer*>(object)); }};
  routing::AccessUnit unit;
  unit.pts = routing::Nanoseconds(GST_BUFFER_PTS(buffer.get()));
  unit.bytes = std::uint32_t(gst_buffer_get_size(buffer.get()));
  unit.key_frame = !GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  unit.droppable = droppable && !unit.key_frame;
  unit.payload = routing::Payload(buffer.release(), kBuffer);
  return unit;
}

// What is sent of a unit: the shared buffer itself, and only where its time or its flags have to differ a
// copy of its header.
inline Ref<GstBuffer> take_buffer(routing::AccessUnit unit, bool after_gap) {
  auto buffer = adopt(static_cast<GstBuffer*>(unit.payload.release()));
  const auto pts = GstClockTime(unit.pts.count());
  const bool marked = GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
  if (GST_BUFFER_PTS(buffer.get()) == pts && marked == after_gap) return buffer;
  buffer = adopt(gst_buffer_make_writable(buffer.release()));
  GST_BUFFER_PTS(buffer.get()) = pts;
  if (after_gap)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
  else
    GST_BUFFER_FLAG_UNSET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
  return buffer;
}

}  // namespace campaign::viewer
