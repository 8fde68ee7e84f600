// The video that this plugin's elements draw: which caps, fixed how, and where each pixel goes.
#pragma once

#include <gst/video/video.h>

#include "particles/frame.hpp"

namespace campaign {

#define CAMPAIGN_PICTURES                                                                                   \
  "width = (int) [ 1, 32768 ], height = (int) [ 1, 32768 ], framerate = (fraction) [ 0/1, 2147483647/1 ], " \
  "pixel-aspect-ratio = (fraction) 1/1, interlace-mode = (string) progressive"
inline constexpr const char* kVideoCaps =
    "video/x-raw, format = (string) { NV12, I420 }, colorimetry = (string) bt709, " CAMPAIGN_PICTURES
    "; video/x-raw, format = (string) { RGBA, BGRA, RGBx, BGRx }, colorimetry = (string) sRGB, " CAMPAIGN_PICTURES;
#undef CAMPAIGN_PICTURES

// Of what is left open, the usual choice: 1280x720 at 30 frames a second.
void fixate_video(GstStructure* structure);

particles::FrameLayout layout_of(const GstVideoInfo& info);

}  // namespace campaign
