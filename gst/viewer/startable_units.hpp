// Key frames that a decoder can start at, whatever the encoder or parser upstream left out of them. One
// stream, on its streaming thread.
#pragma once

#include <gst/gst.h>

#include "campaign/encoder_profile.hpp"
#include "campaign/parameter_sets.hpp"
#include "util/gst_ptr.hpp"

namespace campaign::viewer {

class StartableUnits {
 public:
  // The unit itself, or with what it lacked put in; nothing is copied but that.
  Ref<GstBuffer> complete(Codec codec, Ref<GstBuffer> unit);

 private:
  ParameterSets sets_;  // of H.264; the other codecs have none apart from their key frames
};

}  // namespace campaign::viewer
