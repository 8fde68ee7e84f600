#include "clockwait.hpp"

#include "util/gst_ptr.hpp"

namespace campaign {
namespace {

// What a live source needs to know of its pipeline; without a clock (or when it is not live) there is no
// time.
struct LiveTime {
  explicit LiveTime(GstBaseSrc* src) {
    if (!gst_base_src_is_live(src)) return;
    GST_OBJECT_LOCK(src);
    clock = share(GST_ELEMENT_CLOCK(src));
    base = GST_ELEMENT_CAST(src)->base_time;
    gst_segment_copy_into(&src->segment, &segment);
    GST_OBJECT_UNLOCK(src);
  }

  // A frame that begins before the segment does is due at once.
  GstClockTime due(GstClockTime position) const {
    GstClockTime running = gst_segment_to_running_time(&segment, GST_FORMAT_TIME, position);
    return GST_CLOCK_TIME_IS_VALID(running) ? base + running : base;
  }

  Ref<GstClock> clock;
  GstClockTime base = 0;  // the clock's time at running time 0
  GstSegment segment{};
};

}  // namespace

void ClockWait::until(GstBaseSrc* src, GstClockTime position) {
  LiveTime time(src);
  if (!time.clock) return;
  GstClockID id = gst_clock_new_single_shot_id(time.clock.get(), time.due(position));
  bool interrupted = state_.with([&](State& state) {
    if (!state.interrupted) state.id = id;
    return state.interrupted;
  });
  if (!interrupted) gst_clock_id_wait(id, nullptr);
  state_.with([](State& state) { state.id = nullptr; });
  gst_clock_id_unref(id);
}

void ClockWait::interrupt() {
  state_.with([](State& state) {
    state.interrupted = true;
    if (state.id) gst_clock_id_unschedule(state.id);  // calls nobody back, so the lock may be held
  });
}

void ClockWait::resume() {
  state_.with([](State& state) { state.interrupted = false; });
}

std::optional<GstClockTime> position_if_late(GstBaseSrc* src, GstClockTime next, GstClockTime limit) {
  LiveTime time(src);
  if (!time.clock) return std::nullopt;
  GstClockTime now = gst_clock_get_time(time.clock.get());
  // Where the segment ends before the limit, both are due at the same time, and nothing is late.
  if (time.due(limit) <= time.due(next) || now <= time.due(limit)) return std::nullopt;
  auto position = gst_segment_position_from_running_time(&time.segment, GST_FORMAT_TIME, now - time.base);
  if (!GST_CLOCK_TIME_IS_VALID(position)) return std::nullopt;
  return position;
}

}  // namespace campaign
