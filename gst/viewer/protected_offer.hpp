// A protected stream (protection.hpp) as viewer and server agree on it: the viewer is offered the types of
// its packets besides those that webrtcbin offers, and webrtcbin hears nothing of them, since it would put
// FEC of its own in between. Any thread.
#pragma once

#include <gst/sdp/sdp.h>

#include <optional>

namespace campaign::viewer {

// Adds to the video of an offer what protects it.
void offer_protection(GstSDPMessage* offer);

// Takes what protects the video out of the answer. Whether the viewer can read all of it.
bool take_protection(GstSDPMessage* answer);

// The payload type of what is sent again of this one.
std::optional<unsigned> retransmission_type(const GstSDPMessage* description, unsigned payload_type);

}  // namespace campaign::viewer
