// The time of a live source: waiting for a frame's, and seeing that a frame is late. The base class can wait
// too, but shifts all timestamps by the delay of the first frame, so that they no longer are the frames' own.
#pragma once

#include <gst/base/gstbasesrc.h>

#include <optional>

#include "util/guarded.hpp"

namespace campaign {

class ClockWait {
 public:
  // Streaming thread. Waits until a frame at this position of the segment is due, if the source is live; ends
  // early when interrupted, for the base class knows what to do with the frame then.
  void until(GstBaseSrc* src, GstClockTime position);

  // Any thread. Ends the wait, and those to come until resumed.
  void interrupt();
  void resume();

 private:
  struct State {
    bool interrupted = false;
    GstClockID id = nullptr;  // while waiting; the streaming thread's
  };
  Guarded<State> state_;
};

// The position that is due now, if that is later than `limit`, for a live source whose next frame is at
// `next`.
std::optional<GstClockTime> position_if_late(GstBaseSrc* src, GstClockTime next, GstClockTime limit);

}  // namespace campaign
