// A viewer's packets from rtpsession to the socket by one step, with the encryption that is srtpenc's
// otherwise.
#pragma once

#include <gst/gst.h>

namespace campaign::viewer {

// All RTP that leaves `from` goes encrypted to `to`, on the thread that it comes on, one at a time. `srtpenc`
// is connected and has encrypted none yet: it hands on its key, and keeps the RTCP. False: it agreed on
// another encryption, or `to` cannot take buffers yet, and nothing has changed.
bool encrypt_way(GstPad* from, GstElement* srtpenc, GstPad* to);

}  // namespace campaign::viewer
