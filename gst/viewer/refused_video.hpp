// Whether an answer takes the video that was offered. webrtcbin is content with one that does not, and then
// nothing is sent and nobody told.
#pragma once

#include <gst/sdp/sdp.h>

#include <string>

#include "campaign/encoder_profile.hpp"

namespace campaign::viewer {

// Why the only media of `answer` will not carry the video, for the viewer to read; empty where it does. Any
// thread.
std::string refused_video(const GstSDPMessage* answer, Codec offered);

}  // namespace campaign::viewer
