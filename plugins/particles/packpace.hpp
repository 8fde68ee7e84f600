// Which states of a stream become updates, when fewer are wanted than come, and how long each of them holds.
// Pure arithmetic on positions in the segment; one thread at a time.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>

namespace campaign {

class PackPace {
 public:
  // `num` / `den` a second; every state becomes an update when that is as many as come, or when num is 0.
  void set_rate(int num, int den, bool every_one);

  // The next state is the first of a new grid: after a seek, at the start.
  void restart() { begin_.reset(); }

  // How long the update of this state holds, or none if it is left out. `duration` is the state's own.
  std::optional<GstClockTime> take(GstClockTime position, GstClockTime duration);

 private:
  GstClockTime time_of(uint64_t update) const;  // since the grid's begin

  int num_ = 0, den_ = 1;
  bool every_one_ = true;
  std::optional<GstClockTime> begin_;  // position of the first update
  uint64_t next_ = 0;                  // number of the next update that is due
};

}  // namespace campaign
