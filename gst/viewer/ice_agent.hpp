// webrtcbin's ICE agent: which ways it offers to a viewer, and how fast it looks for the one to take.
// Any thread that may use the webrtcbin.
#pragma once

#include <gst/gst.h>

#include "viewer/ice.hpp"

namespace campaign::viewer {

// Before webrtcbin makes an offer.
void configure_ice_agent(GstElement* webrtcbin, const IceSettings& settings);

// Once a way is chosen: it does not look further.
void rest_ice_agent(GstElement* webrtcbin);

}  // namespace campaign::viewer
