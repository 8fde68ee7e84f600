// The plugin "campaign": what serves campaigns to viewers.
#include "gstadaptivebitrate.hpp"
#include "gstcampaignmux.hpp"
#include "gstcampaignsink.hpp"

#define PACKAGE "gst-campaign"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(campaignsink, plugin) | GST_ELEMENT_REGISTER(campaignmux, plugin) |
         GST_ELEMENT_REGISTER(adaptivebitrate, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, campaign, "Serves live campaigns to browsers",
                  plugin_init, CAMPAIGN_VERSION, "LGPL", "gst-campaign", "gst-campaign")
