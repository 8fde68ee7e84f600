// The GObject side of campaignmux: pads, properties and statistics.
//
/**
 * SECTION:element-campaignmux
 * @title: campaignmux
 *
 * Routes encoded video of many campaigns, each in several qualities, to many viewers, without decoding or
 * encoding. Every sink pad is a rung of a campaign, every src pad a viewer with wishes that may change at any
 * time. A viewer changes its rung or campaign at a key frame of the new stream, and keeps the old one until
 * then. Its caps never change.
 *
 * Sources have to be live, or held to the clock: what a viewer does not take in time is dropped up to the
 * next key frame.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 campaignmux name=mux sink_0::campaign=red src_0::campaign=red \
 *   videotestsrc is-live=true num-buffers=90 pattern=red ! x264enc tune=zerolatency \
 *   ! video/x-h264,profile=constrained-baseline ! mux.sink_0 \
 *   mux.src_0 ! mpegtsmux ! filesink location=red.ts
 * ]|
 */
#include "gstcampaignmux.hpp"

#include <cstdio>

#include "campaign/ladder.hpp"
#include "campaignmux.hpp"
#include "util/at_boundary.hpp"

GST_DEBUG_CATEGORY_STATIC(gst_campaign_mux_debug);
#define GST_CAT_DEFAULT gst_campaign_mux_debug

struct _GstCampaignMux {
  GstElement parent;
  campaign::CampaignMuxImpl* impl;  // owned
};

static void gst_campaign_mux_child_proxy_init(gpointer interface, gpointer data);
G_DEFINE_TYPE_WITH_CODE(GstCampaignMux, gst_campaign_mux, GST_TYPE_ELEMENT,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_CHILD_PROXY, gst_campaign_mux_child_proxy_init))
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(campaignmux, "campaignmux", GST_RANK_NONE, GST_TYPE_CAMPAIGN_MUX,
                                      GST_DEBUG_CATEGORY_INIT(gst_campaign_mux_debug, "campaignmux", 0,
                                                              "routes campaigns to viewers"))

using campaign::CampaignMuxImpl;
using campaign::mux_pads;
using campaign::MuxSettings;

enum { PROP_0, PROP_KEY_FRAME_SHARE, PROP_QUEUE_SIZE, PROP_FEEDBACK_TIMEOUT, PROP_STATS };

#define CODED_CAPS                                                                                    \
  "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au; video/x-vp8; video/x-vp9; " \
  "video/x-av1, stream-format=(string)obu-stream, alignment=(string)tu"

// av1enc of GStreamer 1.22 does not say that it makes an OBU stream.
static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST,
                            GST_STATIC_CAPS(CODED_CAPS "; video/x-av1, alignment=(string)tu"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS(CODED_CAPS));

namespace campaign {

CampaignMuxImpl& mux_of(GstPad* pad) { return *GST_CAMPAIGN_MUX(GST_PAD_PARENT(pad))->impl; }

std::uint64_t rank_of(const std::string& quality, std::uint64_t bitrate) {
  static const Ladder ladder;
  if (const auto rung = ladder.find(quality)) return ladder[*rung].threshold;
  return bitrate / 9 * 10;
}

std::vector<Ref<GstPad>> mux_pads(GstElement* mux, GstPadDirection direction) {
  std::vector<Ref<GstPad>> pads;
  GST_OBJECT_LOCK(mux);
  for (GList* item = direction == GST_PAD_SINK ? mux->sinkpads : mux->srcpads; item; item = item->next)
    pads.push_back(share(GST_PAD(item->data)));
  GST_OBJECT_UNLOCK(mux);
  return pads;
}

GstStructure* stats_of(const routing::Stream& stream) {
  const auto& description = stream.description();
  const auto stats = stream.stats();
  return gst_structure_new(
      "stream", "campaign", G_TYPE_STRING, description.campaign.c_str(), "quality", G_TYPE_STRING,
      description.quality.c_str(), "viewers", G_TYPE_UINT, guint(stats.watchers), "frames", G_TYPE_UINT64,
      guint64(stats.units), "key-frames", G_TYPE_UINT64, guint64(stats.key_frames), "key-frames-asked",
      G_TYPE_UINT64, guint64(stats.key_frames_asked), "key-frame-requests-merged", G_TYPE_UINT64,
      guint64(stats.key_frame_requests_merged), "bytes", G_TYPE_UINT64, guint64(stats.bytes), "bitrate",
      G_TYPE_UINT64, guint64(stats.bitrate), "framerate", G_TYPE_DOUBLE, stats.framerate, nullptr);
}

namespace {

void append(GValue* array, GstStructure* entry) {
  GValue value = G_VALUE_INIT;
  g_value_init(&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed(&value, entry);
  gst_value_array_append_and_take_value(array, &value);
}

GstStructure* stats_of_all(GstCampaignMux* self) {
  GValue streams = G_VALUE_INIT, viewers = G_VALUE_INIT;
  g_value_init(&streams, GST_TYPE_ARRAY);
  g_value_init(&viewers, GST_TYPE_ARRAY);
  for (const auto& stream : self->impl->router.streams()) append(&streams, stats_of(*stream));
  for (const auto& pad : mux_pads(GST_ELEMENT(self), GST_PAD_SRC))
    append(&viewers, stats_of(GST_CAMPAIGN_MUX_SRC_PAD(pad.get())));
  GstStructure* stats = gst_structure_new_empty("application/x-campaignmux-stats");
  gst_structure_take_value(stats, "streams", &streams);
  gst_structure_take_value(stats, "viewers", &viewers);
  return stats;
}

}  // namespace
}  // namespace campaign

// The pads are the children, so that gst-launch takes sink_0::campaign=….
static GObject* child_by_index(GstChildProxy* proxy, guint index) {
  for (const auto direction : {GST_PAD_SINK, GST_PAD_SRC}) {
    const auto pads = mux_pads(GST_ELEMENT(proxy), direction);
    if (index < pads.size()) return G_OBJECT(gst_object_ref(pads[index].get()));
    index -= guint(pads.size());
  }
  return nullptr;
}

static GObject* child_by_name(GstChildProxy* proxy, const gchar* name) {
  return reinterpret_cast<GObject*>(gst_element_get_static_pad(GST_ELEMENT(proxy), name));
}

static guint children_count(GstChildProxy* proxy) {
  return guint(mux_pads(GST_ELEMENT(proxy), GST_PAD_SINK).size() +
               mux_pads(GST_ELEMENT(proxy), GST_PAD_SRC).size());
}

static void gst_campaign_mux_child_proxy_init(gpointer interface, gpointer) {
  auto* child_proxy = static_cast<GstChildProxyInterface*>(interface);
  child_proxy->get_child_by_index = child_by_index;
  child_proxy->get_child_by_name = child_by_name;
  child_proxy->get_children_count = children_count;
}

static GstPad* gst_campaign_mux_request_new_pad(GstElement* element, GstPadTemplate* templ, const gchar* name,
                                                const GstCaps*) {
  auto& mux = *GST_CAMPAIGN_MUX(element)->impl;
  const bool is_sink = templ->direction == GST_PAD_SINK;
  const std::string prefix = is_sink ? "sink_" : "src_";
  auto& next = is_sink ? mux.next_sink : mux.next_src;
  const std::string pad_name = name ? name : prefix + std::to_string(next++);
  unsigned number = 0;
  if (name && std::sscanf(name, (prefix + "%u").c_str(), &number) == 1 && number >= next) next = number + 1;
  const GType type = is_sink ? GST_TYPE_CAMPAIGN_MUX_SINK_PAD : GST_TYPE_CAMPAIGN_MUX_SRC_PAD;
  auto* pad = GST_PAD(g_object_new(type, "name", pad_name.c_str(), "direction", templ->direction, "template",
                                   templ, nullptr));
  if (is_sink)
    campaign::set_up_mux_sink_pad(pad);
  else
    campaign::set_up_mux_src_pad(pad);
  if (!gst_element_add_pad(element, pad)) return nullptr;  // the name is taken
  gst_child_proxy_child_added(GST_CHILD_PROXY(element), G_OBJECT(pad), GST_PAD_NAME(pad));
  return pad;
}

static void gst_campaign_mux_release_pad(GstElement* element, GstPad* pad) {
  gst_pad_set_active(pad, FALSE);
  gst_child_proxy_child_removed(GST_CHILD_PROXY(element), G_OBJECT(pad), GST_PAD_NAME(pad));
  gst_element_remove_pad(element, pad);
}

static void gst_campaign_mux_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  GST_CAMPAIGN_MUX(object)->impl->settings.with([&](MuxSettings& settings) {
    if (id == PROP_KEY_FRAME_SHARE)
      settings.key_frame_share = g_value_get_double(value);
    else if (id == PROP_QUEUE_SIZE)
      settings.queue_size = g_value_get_uint(value);
    else if (id == PROP_FEEDBACK_TIMEOUT)
      settings.feedback_timeout = g_value_get_uint64(value);
    else
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  });
}

static void gst_campaign_mux_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  auto* self = GST_CAMPAIGN_MUX(object);
  const MuxSettings settings = self->impl->settings.snapshot();
  if (id == PROP_KEY_FRAME_SHARE)
    g_value_set_double(value, settings.key_frame_share);
  else if (id == PROP_QUEUE_SIZE)
    g_value_set_uint(value, settings.queue_size);
  else if (id == PROP_FEEDBACK_TIMEOUT)
    g_value_set_uint64(value, settings.feedback_timeout);
  else if (id == PROP_STATS)
    g_value_take_boxed(value, campaign::stats_of_all(self));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void gst_campaign_mux_finalize(GObject* object) {
  delete GST_CAMPAIGN_MUX(object)->impl;
  G_OBJECT_CLASS(gst_campaign_mux_parent_class)->finalize(object);
}

static void gst_campaign_mux_class_init(GstCampaignMuxClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = gst_campaign_mux_set_property;
  object_class->get_property = gst_campaign_mux_get_property;
  object_class->finalize = gst_campaign_mux_finalize;
  const auto ready = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  g_object_class_install_property(
      object_class, PROP_KEY_FRAME_SHARE,
      g_param_spec_double(
          "key-frame-share", "Key frame share",
          "Part of a rung's bitrate that the key frames its viewers ask for may take; those who "
          "have to wait share the next one. Counts for streams that begin after it is set",
          0, 1, 0.1, ready));
  g_object_class_install_property(
      object_class, PROP_QUEUE_SIZE,
      g_param_spec_uint(
          "queue-size", "Queue size",
          "How many access units may wait for a viewer before it loses those up to the next key "
          "frame",
          2, 1000, 15, ready));
  g_object_class_install_property(
      object_class, PROP_FEEDBACK_TIMEOUT,
      g_param_spec_uint64(
          "feedback-timeout", "Feedback timeout",
          "A viewer that has sent campaign-quality or campaign-feedback events, and then none for "
          "this long, is paused until the next one; in nanoseconds, 0 for never",
          0, G_MAXINT64, 3 * GST_SECOND, ready));
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed(
          "stats", "Statistics",
          "streams (frames, key-frames, key-frames-asked, viewers, bytes, bitrate in bit/s, framerate "
          "in frames/s) and viewers (as the src pads' stats)",
          GST_TYPE_STRUCTURE, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));

  auto* element_class = GST_ELEMENT_CLASS(klass);
  element_class->request_new_pad = gst_campaign_mux_request_new_pad;
  element_class->release_pad = gst_campaign_mux_release_pad;
  gst_element_class_set_static_metadata(
      element_class, "Campaign router", "Generic",
      "Routes encoded video of many campaigns and qualities to many viewers, who switch between them at key "
      "frames without a gap",
      "The gst-campaign authors");
  gst_element_class_add_static_pad_template_with_gtype(element_class, &sink_template,
                                                       GST_TYPE_CAMPAIGN_MUX_SINK_PAD);
  gst_element_class_add_static_pad_template_with_gtype(element_class, &src_template,
                                                       GST_TYPE_CAMPAIGN_MUX_SRC_PAD);
  gst_type_mark_as_plugin_api(GST_TYPE_CAMPAIGN_MUX_SINK_PAD, GstPluginAPIFlags(0));
  gst_type_mark_as_plugin_api(GST_TYPE_CAMPAIGN_MUX_SRC_PAD, GstPluginAPIFlags(0));
}

static void gst_campaign_mux_init(GstCampaignMux* self) { self->impl = new CampaignMuxImpl; }
