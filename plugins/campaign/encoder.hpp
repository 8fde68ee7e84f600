// Finds an encoder that really opens on this machine, and sets it up for live video.
#pragma once

#include <gst/gst.h>

#include <string>

#include "campaign/encoder_profile.hpp"
#include "util/gst_ptr.hpp"
#include "util/result.hpp"

namespace campaign {

struct OpenEncoder {
  const EncoderProfile* profile = nullptr;
  Ref<GstElement> element;  // in NULL
};

// `wanted`: an element's name, or empty for the best that reaches READY.
Result<OpenEncoder> open_encoder(Codec codec, const std::string& wanted);

// Also while it runs.
void set_bitrate(const OpenEncoder& encoder, std::uint64_t bits_per_second);
// In NULL or READY only. In frames.
void set_key_interval(const OpenEncoder& encoder, unsigned frames);

}  // namespace campaign
