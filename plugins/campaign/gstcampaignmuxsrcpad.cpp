// A viewer going out: its wishes as properties, its requests as upstream events, and a task that pushes what
// the router has for it.
#include <gst/video/video.h>

#include <algorithm>

#include "campaignmux.hpp"
#include "util/at_boundary.hpp"
#include "util/id.hpp"
#include "viewer/outlet.hpp"
#include "viewer/unit_buffer.hpp"

namespace campaign {
namespace {

struct Wishes {
  std::string campaign = "0", quality = "auto", most, peer;
};
struct Shown {
  std::string campaign, quality;
};

constexpr guint64 kUnknownBandwidth = 5'000'000;  // bit/s: until somebody estimates it, "high" is the best

Ref<GstCaps> caps_of(int format) {
  switch (viewer::codec_of(format)) {
    case Codec::vp8:
      return adopt(gst_caps_from_string("video/x-vp8"));
    case Codec::vp9:
      return adopt(gst_caps_from_string("video/x-vp9"));
    case Codec::av1:
      return adopt(gst_caps_from_string("video/x-av1, stream-format=obu-stream, alignment=tu"));
    case Codec::h264:
      break;
  }
  return adopt(gst_caps_from_string("video/x-h264, stream-format=byte-stream, alignment=au"));
}

routing::Wish wish_of(const Wishes& wishes) {
  routing::Wish wish;
  wish.campaign = wishes.campaign;
  if (wishes.quality != "auto") {
    wish.quality = wishes.quality;
    wish.rank = rank_of(wishes.quality, 0);
  }
  if (!wishes.most.empty()) wish.most = rank_of(wishes.most, 0);
  return wish;
}

}  // namespace

struct MuxSrcPadImpl {
  explicit MuxSrcPadImpl(GstPad* pad)
      : outlet(pad, {.changed = [this, pad](const auto& from) { show(pad, from); }, .caps = caps_of}) {}

  void show(GstPad* pad, const routing::StreamDescription& from) {
    shown.with([&](Shown& now) { now = {from.campaign, from.quality}; });
    g_object_notify(G_OBJECT(pad), "current-campaign");
    g_object_notify(G_OBJECT(pad), "current-quality");
  }

  Guarded<Wishes> wishes;
  Guarded<Shown> shown;
  viewer::Outlet outlet;
};

}  // namespace campaign

struct _GstCampaignMuxSrcPad {
  GstPad parent;
  campaign::MuxSrcPadImpl* impl;  // owned
};

G_DEFINE_TYPE(GstCampaignMuxSrcPad, gst_campaign_mux_src_pad, GST_TYPE_PAD)

using campaign::adopt;
using campaign::at_boundary;
using campaign::MuxSrcPadImpl;
using campaign::Shown;
using campaign::Wishes;
using campaign::viewer::routing_now;
namespace routing = campaign::routing;

static MuxSrcPadImpl& impl(GstPad* pad) { return *GST_CAMPAIGN_MUX_SRC_PAD(pad)->impl; }

enum {
  PROP_0,
  PROP_CAMPAIGN,
  PROP_QUALITY,
  PROP_MAX_QUALITY,
  PROP_PEER,
  PROP_CURRENT_CAMPAIGN,
  PROP_CURRENT_QUALITY,
  PROP_STATS,
};

static gboolean src_pad_activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode, gboolean active) {
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  return at_boundary(parent, FALSE, [&]() -> gboolean {
    auto& self = impl(pad);
    auto& mux = campaign::mux_of(pad);
    if (active) {
      const auto settings = mux.settings.snapshot();
      routing::ViewerLimits limits;
      limits.queue = settings.queue_size;
      limits.feedback_timeout = routing::Nanoseconds(settings.feedback_timeout);
      limits.start_admits = campaign::kUnknownBandwidth;
      return self.outlet.start(
          mux.router.add_viewer(campaign::wish_of(self.wishes.snapshot()), limits, routing_now()));
    }
    if (const auto viewer = self.outlet.viewer()) mux.router.remove_viewer(viewer);
    self.outlet.stop();
    return TRUE;
  });
}

// What an estimator downstream says: the quality by its name, or else by the bandwidth.
static void take_estimate(GstPad* pad, const GstStructure* structure) {
  guint64 bitrate = 0;
  guint narrow = 0;
  if (!gst_structure_get_uint64(structure, "bitrate", &bitrate) &&
      gst_structure_get_uint(structure, "bitrate", &narrow))
    bitrate = narrow;
  const char* quality = gst_structure_get_string(structure, "quality");
  const auto viewer = impl(pad).outlet.viewer();
  if (!viewer) return;
  gboolean too_slow = FALSE;
  gst_structure_get_boolean(structure, "too-slow", &too_slow);
  viewer->thin_to(too_slow ? bitrate : 0);
  campaign::mux_of(pad).router.estimate(viewer, campaign::rank_of(quality ? quality : "", bitrate),
                                        routing_now());
}

static gboolean src_pad_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  const auto viewer = impl(pad).outlet.viewer();
  const GstStructure* structure = gst_event_get_structure(event);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CUSTOM_UPSTREAM:
      if (gst_video_event_is_force_key_unit(event)) {
        if (viewer) viewer->request_key_frame(routing_now());
      } else if (structure && gst_structure_has_name(structure, "campaign-quality")) {
        take_estimate(pad, structure);
      } else if (structure && gst_structure_has_name(structure, "campaign-feedback")) {
        if (viewer) campaign::mux_of(pad).router.heard_from(viewer, routing_now());
      } else {
        return campaign::send_upstream(viewer ? viewer->current() : nullptr, event);
      }
      gst_event_unref(event);
      return TRUE;
    case GST_EVENT_NAVIGATION:
      return campaign::send_upstream(viewer ? viewer->current() : nullptr, event);
    case GST_EVENT_LATENCY: {
      for (const auto& sink : campaign::mux_pads(GST_ELEMENT(parent), GST_PAD_SINK))
        gst_pad_push_event(sink.get(), gst_event_ref(event));
      gst_event_unref(event);
      return TRUE;
    }
    case GST_EVENT_RECONFIGURE:  // the caps are what they are
    case GST_EVENT_QOS:          // of this viewer only: the encoder is everybody's
      gst_event_unref(event);
      return TRUE;
    default:  // nobody seeks in what others watch
      gst_event_unref(event);
      return FALSE;
  }
}

// Units pass at once, so the latency is that of the slowest stream: a viewer may come to any of them.
static bool answer_latency(GstElement* mux, GstQuery* query) {
  gboolean live = FALSE;
  GstClockTime min = 0, max = GST_CLOCK_TIME_NONE;
  for (const auto& sink : campaign::mux_pads(mux, GST_PAD_SINK)) {
    GstQuery* ask = gst_query_new_latency();
    if (gst_pad_peer_query(sink.get(), ask)) {
      gboolean its_live = FALSE;
      GstClockTime its_min = 0, its_max = GST_CLOCK_TIME_NONE;
      gst_query_parse_latency(ask, &its_live, &its_min, &its_max);
      if (its_live) {
        live = TRUE;
        min = MAX(min, its_min);
        max = MIN(max, its_max);  // GST_CLOCK_TIME_NONE is the largest
      }
    }
    gst_query_unref(ask);
  }
  gst_query_set_latency(query, live, min, MAX(min, max));
  return true;
}

static gboolean src_pad_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_LATENCY:
      return answer_latency(GST_ELEMENT(parent), query);
    case GST_QUERY_POSITION:
    case GST_QUERY_DURATION:
    case GST_QUERY_SEEKING:
    case GST_QUERY_ALLOCATION:
      return FALSE;
    default:
      return gst_pad_query_default(pad, parent, query);
  }
}

void campaign::set_up_mux_src_pad(GstPad* pad) {
  gst_pad_set_activatemode_function(pad, src_pad_activate_mode);
  gst_pad_set_event_function(pad, src_pad_event);
  gst_pad_set_query_function(pad, src_pad_query);
  gst_pad_use_fixed_caps(pad);
  GST_OBJECT_FLAG_SET(pad, GST_PAD_FLAG_NEED_PARENT);
}

std::vector<campaign::Ref<GstPad>> campaign::start_flush(GstElement* mux,
                                                         const std::shared_ptr<routing::Stream>& stream) {
  std::vector<Ref<GstPad>> flushing;
  for (const auto& pad : mux_pads(mux, GST_PAD_SRC)) {
    auto& outlet = impl(pad.get()).outlet;
    const auto viewer = outlet.viewer();
    if (!viewer || viewer->current() != stream) continue;
    outlet.flush_start();
    flushing.push_back(pad);
  }
  return flushing;
}

void campaign::stop_flush(CampaignMuxImpl& mux, GstElement* element,
                          const std::shared_ptr<routing::Stream>& stream,
                          const std::vector<Ref<GstPad>>& flushing) {
  std::vector<std::shared_ptr<routing::Viewer>> restarted;
  if (stream) restarted = mux.router.flush_stream(stream);
  for (const auto& pad : mux_pads(element, GST_PAD_SRC)) {
    auto& outlet = impl(pad.get()).outlet;
    const auto viewer = outlet.viewer();
    if (!viewer) continue;
    const bool began = std::ranges::find(flushing, pad.get(), &Ref<GstPad>::get) != flushing.end();
    const bool watches = std::ranges::find(restarted, viewer) != restarted.end();
    if (watches && !began) outlet.flush_start();
    if (watches || began) outlet.flush_stop();
  }
  for (const auto& viewer : restarted) mux.router.resume_after_flush(viewer, routing_now());
}

GstStructure* campaign::stats_of(GstCampaignMuxSrcPad* pad) {
  const auto viewer = pad->impl->outlet.viewer();
  const Wishes wishes = pad->impl->wishes.snapshot();
  const Shown shown = pad->impl->shown.snapshot();
  const routing::ViewerStats stats = viewer ? viewer->stats() : routing::ViewerStats{};
  const auto& counts = stats.counts;
  return gst_structure_new(
      "viewer", "peer", G_TYPE_STRING, wishes.peer.c_str(), "campaign", G_TYPE_STRING, shown.campaign.c_str(),
      "quality", G_TYPE_STRING, shown.quality.c_str(), "delivered", G_TYPE_UINT64, guint64(counts.delivered),
      "bytes", G_TYPE_UINT64, guint64(stats.bytes), "dropped", G_TYPE_UINT64, guint64(counts.dropped),
      "thinned", G_TYPE_UINT64, guint64(counts.thinned), "superseded", G_TYPE_UINT64,
      guint64(counts.superseded), "overflows", G_TYPE_UINT64, guint64(counts.overflows), "switches",
      G_TYPE_UINT64, guint64(counts.switches), "late-switches", G_TYPE_UINT64, guint64(counts.late_switches),
      "waiting", G_TYPE_UINT, guint(stats.waiting), "pauses", G_TYPE_UINT64, guint64(stats.pauses), "paused",
      G_TYPE_BOOLEAN, gboolean(stats.paused), nullptr);
}

static void src_pad_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  auto* pad = GST_PAD(object);
  auto& self = impl(pad);
  const char* given = g_value_get_string(value);
  const std::string text = given ? given : "";
  const bool may_be_empty = id == PROP_MAX_QUALITY || id == PROP_PEER;
  if (!(text.empty() && may_be_empty) && !campaign::is_valid_id(text)) {
    g_warning("%s of %s:%s must be %s", spec->name, GST_DEBUG_PAD_NAME(object),
              std::string(campaign::kIdRule).c_str());
    return;
  }
  const Wishes wishes = self.wishes.with([&](Wishes& current) {
    switch (id) {
      case PROP_CAMPAIGN:
        current.campaign = text;
        break;
      case PROP_QUALITY:
        current.quality = text;
        break;
      case PROP_MAX_QUALITY:
        current.most = text;
        break;
      case PROP_PEER:
        current.peer = text;
        break;
      default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
    return current;
  });
  const auto viewer = self.outlet.viewer();
  const auto parent = adopt(gst_pad_get_parent_element(pad));
  if (viewer && parent) campaign::mux_of(pad).router.wish(viewer, campaign::wish_of(wishes), routing_now());
}

static void src_pad_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  auto& self = impl(GST_PAD(object));
  const Wishes wishes = self.wishes.snapshot();
  const auto set_text = [value](const std::string& text) {
    g_value_set_string(value, text.empty() ? nullptr : text.c_str());
  };
  switch (id) {
    case PROP_CAMPAIGN:
      set_text(wishes.campaign);
      break;
    case PROP_QUALITY:
      set_text(wishes.quality);
      break;
    case PROP_MAX_QUALITY:
      set_text(wishes.most);
      break;
    case PROP_PEER:
      set_text(wishes.peer);
      break;
    case PROP_CURRENT_CAMPAIGN:
      set_text(self.shown.snapshot().campaign);
      break;
    case PROP_CURRENT_QUALITY:
      set_text(self.shown.snapshot().quality);
      break;
    case PROP_STATS:
      g_value_take_boxed(value, campaign::stats_of(GST_CAMPAIGN_MUX_SRC_PAD(object)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void gst_campaign_mux_src_pad_finalize(GObject* object) {
  delete GST_CAMPAIGN_MUX_SRC_PAD(object)->impl;
  G_OBJECT_CLASS(gst_campaign_mux_src_pad_parent_class)->finalize(object);
}

static void gst_campaign_mux_src_pad_class_init(GstCampaignMuxSrcPadClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = src_pad_set_property;
  object_class->get_property = src_pad_get_property;
  object_class->finalize = gst_campaign_mux_src_pad_finalize;
  const auto read = GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  const auto ready = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  const auto playing = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  const auto install = [&](guint id, GParamSpec* property) {
    g_object_class_install_property(object_class, id, property);
  };
  install(
      PROP_CAMPAIGN,
      g_param_spec_string("campaign", "Campaign",
                          "Id of the campaign to watch; one that is not there yet is waited for, and what is "
                          "watched goes on until its first key frame",
                          "0", playing));
  install(PROP_QUALITY,
          g_param_spec_string("quality", "Quality",
                              "The rung to watch, or auto to follow the campaign-quality events from "
                              "downstream. Where the campaign lacks it: the next lower one",
                              "auto", playing));
  install(PROP_MAX_QUALITY,
          g_param_spec_string("max-quality", "Highest quality",
                              "Nothing above this rung is chosen (unset: no limit)", nullptr, playing));
  install(PROP_PEER, g_param_spec_string("peer", "Peer", "Id of the viewer, for statistics", nullptr, ready));
  install(PROP_CURRENT_CAMPAIGN,
          g_param_spec_string("current-campaign", "Current campaign",
                              "Id of the campaign that is being pushed; notified on the pad's own thread",
                              nullptr, read));
  install(
      PROP_CURRENT_QUALITY,
      g_param_spec_string("current-quality", "Current quality",
                          "The rung that is being pushed; notified on the pad's own thread", nullptr, read));
  install(PROP_STATS, g_param_spec_boxed("stats", "Statistics",
                                         "Of this viewer: delivered, dropped, thinned (of those, for want of "
                                         "bandwidth), superseded, waiting (access units), bytes, "
                                         "overflows, switches, late-switches, pauses, paused",
                                         GST_TYPE_STRUCTURE, read));
}

static void gst_campaign_mux_src_pad_init(GstCampaignMuxSrcPad* self) {
  self->impl = new MuxSrcPadImpl(GST_PAD(self));
}
