// webrtcbin's ICE agent without a thread of its own. To webrtcbin and to applications it is what the stock
// one is: the same properties (agent, ice-tcp, ice-udp, min-rtp-port, max-rtp-port) and the same signal,
// add-local-ip-address. Any thread.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "util/gst_ptr.hpp"
#include "viewer/ice/ice_thread.hpp"

namespace campaign::viewer {

// A webrtcbin whose ICE runs on `thread`; floating. Null if there is no webrtcbin.
GstElement* make_webrtcbin(const char* name, std::shared_ptr<IceThread> thread);

// Before `webrtcbin` goes to NULL: it is told nothing of ICE any more, and when this returns nobody is
// telling it something. Otherwise it may be told of a state, such as that the checks begin, when its
// TransportReceiveBin (1.22 to 1.28) is in NULL already, which blocks its pad then: the probe keeps the bin
// alive, and nobody takes it away any more. Does nothing to one with webrtcbin's own agent.
void end_ice(GstElement* webrtcbin);

}  // namespace campaign::viewer
