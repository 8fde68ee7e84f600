// The head of a viewer's pipeline: a live source whose units come from the router. One thread, the pad's
// task, from the router to webrtcbin: appsrc and the queue that it needs behind it (FIELD-NOTES: basesrc
// holds its lock while it pushes events) would take two.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>

#include "campaign/encoder_profile.hpp"
#include "campaign/routing/router.hpp"
#include "util/gst_ptr.hpp"

namespace campaign::viewer {

struct UnitSourceEvents {
  std::function<void(const routing::StreamDescription&)> changed;  // what is sent from here on; the task
};

Ref<GstElement> make_unit_source(UnitSourceEvents events);

// Once, while the element is in PAUSED or PLAYING: sends from here on what the router has for `viewer`. Its
// key frame requests go to the stream that it watches. The router lets go of the viewer before the element
// leaves PAUSED.
void start_unit_source(GstElement* source, std::shared_ptr<routing::Viewer> viewer);

}  // namespace campaign::viewer
