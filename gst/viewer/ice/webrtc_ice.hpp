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

}  // namespace campaign::viewer
