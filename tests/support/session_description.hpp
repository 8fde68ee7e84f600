// Session descriptions of GStreamer's out of text, and back.
#pragma once

#include <gst/sdp/sdp.h>

#include <memory>
#include <string>

#include "util/glib_ptr.hpp"

namespace campaign::test {

struct FreeDescription {
  void operator()(GstSDPMessage* message) const { gst_sdp_message_free(message); }
};
using Description = std::unique_ptr<GstSDPMessage, FreeDescription>;

inline Description parse(const std::string& text) {
  GstSDPMessage* message = nullptr;
  gst_sdp_message_new_from_text(text.c_str(), &message);
  return Description(message);
}

inline std::string text_of(const Description& description) {
  return CharPtr(gst_sdp_message_as_text(description.get())).get();
}

// What comes before the media.
inline const std::string kSession = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

}  // namespace campaign::test
