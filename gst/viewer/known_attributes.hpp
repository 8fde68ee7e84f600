// Of an answer, what is known here. GStreamer makes fields' names of the names in a session description, and
// GLib keeps every name for ever: without this a viewer could fill the memory with made-up ones, and each
// Firefox would leave some behind by naming its SSRC (gst_sdp_media_attributes_to_caps(), GStreamer 1.22).
#pragma once

#include <gst/sdp/sdp.h>

namespace campaign::viewer {

// Takes out attributes, parameters of formats and kinds of feedback that have no meaning for a viewer that
// only receives. Any thread.
void keep_known_attributes(GstSDPMessage* answer);

}  // namespace campaign::viewer
