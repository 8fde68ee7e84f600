// campaignmux: routes encoded access units of many campaigns and qualities to many viewers. The element is
// glue between pads and gst/campaign/routing.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_CAMPAIGN_MUX (gst_campaign_mux_get_type())
G_DECLARE_FINAL_TYPE(GstCampaignMux, gst_campaign_mux, GST, CAMPAIGN_MUX, GstElement)

#define GST_TYPE_CAMPAIGN_MUX_SINK_PAD (gst_campaign_mux_sink_pad_get_type())
G_DECLARE_FINAL_TYPE(GstCampaignMuxSinkPad, gst_campaign_mux_sink_pad, GST, CAMPAIGN_MUX_SINK_PAD, GstPad)

#define GST_TYPE_CAMPAIGN_MUX_SRC_PAD (gst_campaign_mux_src_pad_get_type())
G_DECLARE_FINAL_TYPE(GstCampaignMuxSrcPad, gst_campaign_mux_src_pad, GST, CAMPAIGN_MUX_SRC_PAD, GstPad)

GST_ELEMENT_REGISTER_DECLARE(campaignmux)

G_END_DECLS
