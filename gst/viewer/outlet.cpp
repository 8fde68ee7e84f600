// See outlet.hpp.
#include "viewer/outlet.hpp"

#include "viewer/unit_buffer.hpp"

namespace campaign::viewer {
namespace {

using namespace std::chrono_literals;
using routing::Viewer;

constexpr auto kLongestWait = 250ms;  // feedback is looked at as often
constexpr auto kUnlinkedWait = 20ms;
constexpr gint64 kPatience = 500'000;  // microseconds, for a push to end by itself before it is flushed out

}  // namespace

bool Outlet::start(std::shared_ptr<Viewer> viewer) {
  announced_ = false;
  segment_due_ = true;
  viewer_.with([&](auto& current) { current = std::move(viewer); });
  return gst_pad_start_task(pad_, loop, this, nullptr);
}

void Outlet::stop() {
  if (const auto viewer = viewer_.snapshot()) viewer->wake();
  const gint64 deadline = g_get_monotonic_time() + kPatience;
  while (pushing_ && g_get_monotonic_time() < deadline) g_usleep(1000);
  if (pushing_) gst_pad_push_event(pad_, gst_event_new_flush_start());
  gst_pad_stop_task(pad_);
  viewer_.with([](auto& current) { current = nullptr; });
}

void Outlet::flush_start() {
  gst_pad_push_event(pad_, gst_event_new_flush_start());
  gst_pad_pause_task(pad_);
}

void Outlet::flush_stop() {
  gst_pad_push_event(pad_, gst_event_new_flush_stop(TRUE));
  segment_due_ = true;
  gst_pad_start_task(pad_, loop, this, nullptr);
}

void Outlet::loop(gpointer self) { static_cast<Outlet*>(self)->step(); }

void Outlet::step() {
  const auto viewer = viewer_.snapshot();
  if (!viewer) {
    gst_pad_pause_task(pad_);
    return;
  }
  const auto now = routing_now();
  if (!gst_pad_is_linked(pad_)) {  // nothing is taken, so that nothing is missed but by the queue's rules
    viewer->await(now, kUnlinkedWait);
    return;
  }
  Viewer::Delivery delivery = viewer->take(now);
  switch (delivery.outcome) {
    case Viewer::Outcome::unit:
      push(std::move(delivery));
      break;
    case Viewer::Outcome::nothing:
      viewer->await(now, kLongestWait);
      break;
    case Viewer::Outcome::ended:
      if (!announced_) announce({});
      gst_pad_push_event(pad_, gst_event_new_eos());
      gst_pad_pause_task(pad_);
      break;
    case Viewer::Outcome::gone:
      gst_pad_pause_task(pad_);
      break;
  }
}

// One caps for as long as the pad lives: a rung has another size, and that is in the stream itself. Whatever
// is downstream never renegotiates.
bool Outlet::announce(const routing::StreamDescription& from) {
  // Of no one stream that comes in: the viewer goes from one to another.
  const CharPtr unique{g_uuid_string_random()};
  const CharPtr id{g_strdup_printf("%s/%s", unique.get(), GST_PAD_NAME(pad_))};
  GstEvent* start = gst_event_new_stream_start(id.get());
  gst_event_set_group_id(start, gst_util_group_id_next());
  gst_pad_push_event(pad_, start);
  if (from.format != 0) gst_pad_push_event(pad_, gst_event_new_caps(events_.caps(from.format).get()));
  return true;
}

void Outlet::push(Viewer::Delivery delivery) {
  pushing_ = true;
  if (!std::exchange(announced_, true)) announce(*delivery.from);
  if (segment_due_.exchange(false)) {
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(pad_, gst_event_new_segment(&segment));
  }
  if (delivery.changed) {
    // What measures downstream takes the step for one: a key frame, and frames of another size.
    gst_pad_push_event(pad_, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                                  gst_structure_new_empty("campaign-switched")));
    events_.changed(*delivery.from);
  }
  const auto flow = gst_pad_push(pad_, take_buffer(std::move(delivery.unit), delivery.after_gap).release());
  pushing_ = false;
  // Unlinked in this moment: the loop waits for another link. What failed downstream has said so itself.
  if (flow != GST_FLOW_OK && flow != GST_FLOW_NOT_LINKED) gst_pad_pause_task(pad_);
}

}  // namespace campaign::viewer
