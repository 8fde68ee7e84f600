// The end of a pipeline with a webrtcbin.
#pragma once

#include <gst/gst.h>

namespace campaign::viewer {

// Takes `pipeline` to NULL, and with it what webrtcbin starts meanwhile. webrtcbin (1.22 to 1.28, in
// gst_webrtc_bin_change_state) ends its own thread only after its elements. If that thread is bringing a
// TransportReceiveBin to webrtcbin's state just then (gst_element_sync_state_with_parent), to one that it has
// read before, it starts the nicesrc of an ended bin: its thread runs on, and gst_deinit() waits for it for
// ever. When webrtcbin is in NULL that thread has ended, so a second round finds whatever it has started.
inline void end_pipeline(GstElement* pipeline) {
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_element_set_state(pipeline, GST_STATE_NULL);
}

}  // namespace campaign::viewer
