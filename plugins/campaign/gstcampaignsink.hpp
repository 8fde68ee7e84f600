// campaignsink: serves campaigns to browsers. The element is glue between pads and gst/viewer.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_CAMPAIGN_SINK (gst_campaign_sink_get_type())
G_DECLARE_FINAL_TYPE(GstCampaignSink, gst_campaign_sink, GST, CAMPAIGN_SINK, GstBin)

#define GST_TYPE_CAMPAIGN_SINK_PAD (gst_campaign_sink_pad_get_type())
G_DECLARE_FINAL_TYPE(GstCampaignSinkPad, gst_campaign_sink_pad, GST, CAMPAIGN_SINK_PAD, GstGhostPad)

GST_ELEMENT_REGISTER_DECLARE(campaignsink)

G_END_DECLS
