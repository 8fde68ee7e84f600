// Packets of a viewer go past what does nothing for them. Between the payloader and the socket stand some
// twenty pads, and elements for things that are not in use (FEC, other streams to join with); each packet
// pays for every one of them, and where one knows no buffer lists a frame falls into single packets.
#pragma once

#include <gst/gst.h>

namespace campaign::viewer {

// Buffers that leave `from` go on to `to`, further down the same pipeline, on the same thread; as soon as the
// first one has gone the whole way, so that what has to be known before it is. Events and queries keep to the
// whole way. Nothing in between may keep buffers or have a thread of its own.
void shorten_way(GstPad* from, GstPad* to);

// All ways to and through a webrtcbin that sends one stream and is connected. What is not found, or not as
// expected, stays as it is.
void shorten_ways(GstElement* webrtcbin);

}  // namespace campaign::viewer
