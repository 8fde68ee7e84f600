// The property "stats": viewers and renditions as a GstStructure.
#include "campaignsink.hpp"

namespace campaign {

GstStructure* make_stats(GstCampaignSink* self) {
  GstStructure* stats = gst_structure_new("application/x-campaignsink-stats", "port", G_TYPE_UINT, 0u,
                                          "viewers", G_TYPE_UINT, 0u, "connected", G_TYPE_UINT, 0u, nullptr);
  const auto audience = audience_of(self);
  if (!audience) return stats;
  GValue viewers = G_VALUE_INIT, renditions = G_VALUE_INIT;
  g_value_init(&viewers, GST_TYPE_ARRAY);
  g_value_init(&renditions, GST_TYPE_ARRAY);
  const auto append = [](GValue* array, GstStructure* entry) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed(&value, entry);
    gst_value_array_append_and_take_value(array, &value);
  };
  guint total = 0, connected = 0;
  for (const auto& report : audience->report()) {
    ++total;
    if (report.connected) ++connected;
    append(&viewers,
           gst_structure_new(
               "viewer", "peer", G_TYPE_STRING, report.peer.c_str(), "campaign", G_TYPE_STRING,
               report.campaign.c_str(), "quality", G_TYPE_STRING, report.quality.c_str(), "context",
               G_TYPE_STRING, report.context.c_str(), "connected", G_TYPE_BOOLEAN, gboolean(report.connected),
               "dropped", G_TYPE_UINT64, guint64(report.stats.counts.dropped), "estimate", G_TYPE_UINT64,
               guint64(report.network.estimate), "fitting-quality", G_TYPE_STRING,
               report.network.quality.c_str(), "reason", G_TYPE_STRING, report.network.reason.c_str(),
               "too-slow", G_TYPE_BOOLEAN, gboolean(report.network.too_slow), nullptr));
  }
  for (const auto& pad : pads_of(self)) {
    const auto input = input_of(pad.get());
    if (!input) continue;
    for (const auto& rendition : input->renditions()) {
      const auto rate = rendition->stats();
      GstStructure* entry = gst_structure_new(
          "rendition", "campaign", G_TYPE_STRING, rendition->campaign().c_str(), "quality", G_TYPE_STRING,
          rendition->quality().c_str(), "encoder", G_TYPE_STRING, rendition->encoder().c_str(), "bitrate",
          G_TYPE_UINT64, guint64(rate.bitrate), "framerate", G_TYPE_DOUBLE, rate.framerate, "frames",
          G_TYPE_UINT64, guint64(rate.units), "key-frames", G_TYPE_UINT64, guint64(rate.key_frames),
          "viewers", G_TYPE_UINT, guint(rate.watchers), "key-frames-asked", G_TYPE_UINT64,
          guint64(rate.key_frames_asked), nullptr);
      if (const auto work = rendition->work())
        gst_structure_set(entry, "particles", G_TYPE_UINT, work->now.particles, "framerate-limit",
                          G_TYPE_DOUBLE, work->now.framerate, "frame-time", G_TYPE_UINT64,
                          guint64(work->frame_time), "load", G_TYPE_DOUBLE, work->load, "lowered",
                          G_TYPE_BOOLEAN, gboolean(work->lowered()), nullptr);
      append(&renditions, entry);
    }
  }
  gst_structure_set(stats, "port", G_TYPE_UINT, audience->port(), "viewers", G_TYPE_UINT, total, "connected",
                    G_TYPE_UINT, connected, nullptr);
  gst_structure_take_value(stats, "viewer-list", &viewers);
  gst_structure_take_value(stats, "renditions", &renditions);
  return stats;
}

}  // namespace campaign
