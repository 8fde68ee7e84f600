// adaptivebitrate: estimates the bandwidth to one viewer and chooses the quality that fits it.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_ADAPTIVE_BITRATE (gst_adaptive_bitrate_get_type())
G_DECLARE_FINAL_TYPE(GstAdaptiveBitrate, gst_adaptive_bitrate, GST, ADAPTIVE_BITRATE, GstElement)

GST_ELEMENT_REGISTER_DECLARE(adaptivebitrate)

G_END_DECLS
