// The GObject side of adaptivebitrate: pads, properties and state, each handed on in a line.
//
/**
 * SECTION:element-adaptivebitrate
 * @title: adaptivebitrate
 * @see_also: campaignsink, rtphdrexttwcc
 *
 * Estimates the bandwidth to one receiver from transport-wide feedback (Google Congestion Control) and
 * chooses the quality that fits it. RTP packets go through it: paced, numbered, and with padding packets
 * among them when more bandwidth is probed for. It stands in front of rtpbin's or rtpsession's send_rtp_sink,
 * or is webrtcbin's `request-aux-sender` element.
 *
 * The packets have to carry the transport-wide number: rtphdrexttwcc among the payloader's extensions, or its
 * extmap in the payloader's caps. The receiver has to know the same extmap.
 *
 * On every change the custom event `campaign-quality` {quality, bitrate, particles} goes upstream, where
 * campaignmux, particlerender or particlesrc acts on it; the encoder gets its bitrate; and the bus an element
 * message of the same name with the `reason`, a text for people, and the `estimate`. The property `encoder`
 * names it; unset, it is the one upstream, if there is one that campaignsink knows. While the network carries
 * less than the lowest quality, the event also says `too-slow`, and campaignmux lets through no more than the
 * bitrate.
 *
 * ## Example launch line
 * |[
 * NUMBERS=http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
 * gst-launch-1.0 rtpbin name=rtp \
 *   videotestsrc is-live=true ! x264enc tune=zerolatency ! rtph264pay \
 *   ! application/x-rtp,extmap-1=$NUMBERS ! adaptivebitrate ! rtp.send_rtp_sink_0 \
 *   rtp.send_rtp_src_0 ! udpsink port=5000 \
 *   rtp.send_rtcp_src_0 ! udpsink port=5001 sync=false async=false \
 *   udpsrc port=5005 ! rtp.recv_rtcp_sink_0
 * ]|
 */
#include "gstadaptivebitrate.hpp"

#include "adaptivebitrate.hpp"
#include "util/at_boundary.hpp"
#include "util/post.hpp"

GST_DEBUG_CATEGORY_STATIC(gst_adaptive_bitrate_debug);
#define GST_CAT_DEFAULT gst_adaptive_bitrate_debug

using campaign::AdaptiveBitrateImpl;
using campaign::AdaptiveBitrateSettings;
using campaign::adopt;
using campaign::at_boundary;
using campaign::Ref;
using campaign::share;

G_DEFINE_TYPE(GstAdaptiveBitrate, gst_adaptive_bitrate, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(adaptivebitrate, "adaptivebitrate", GST_RANK_NONE,
                                      GST_TYPE_ADAPTIVE_BITRATE,
                                      GST_DEBUG_CATEGORY_INIT(gst_adaptive_bitrate_debug, "adaptivebitrate",
                                                              0, "estimates bandwidth, chooses qualities"))

enum {
  PROP_0,
  PROP_MODE,
  PROP_BANDWIDTH,
  PROP_MIN_BITRATE,
  PROP_MAX_BITRATE,
  PROP_START_BITRATE,
  PROP_LADDER,
  PROP_WISHED_QUALITY,
  PROP_MAX_QUALITY,
  PROP_ESTIMATED_BITRATE,
  PROP_QUALITY,
  PROP_ENCODER,
  PROP_STATS,
};

enum { MODE_GCC, MODE_MANUAL };

static GType gst_adaptive_bitrate_mode_get_type() {
  static const GEnumValue values[] = {{MODE_GCC, "Google Congestion Control, from feedback", "gcc"},
                                      {MODE_MANUAL, "The property bandwidth", "manual"},
                                      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstAdaptiveBitrateMode", values);
  return type;
}

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-rtp"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-rtp"));

static AdaptiveBitrateImpl& impl_of(gpointer element) { return *GST_ADAPTIVE_BITRATE(element)->impl; }

// What the pacer may add: 2 ms for a frame at a rung's own rate, and the task's own lateness.
static constexpr GstClockTime kLatency = 5 * GST_MSECOND;

static GstFlowReturn gst_adaptive_bitrate_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  auto packet = adopt(buffer);
  return at_boundary(parent, GST_FLOW_ERROR,
                     [&] { return campaign::take_packet(GST_ADAPTIVE_BITRATE(parent), std::move(packet)); });
}

// Apart: the packets of a list are paced one by one.
static GstFlowReturn gst_adaptive_bitrate_chain_list(GstPad*, GstObject* parent, GstBufferList* list) {
  GstFlowReturn flow = GST_FLOW_OK;
  for (guint i = 0; i < gst_buffer_list_length(list) && flow == GST_FLOW_OK; ++i) {
    flow = at_boundary(parent, GST_FLOW_ERROR, [&] {
      return campaign::take_packet(GST_ADAPTIVE_BITRATE(parent), share(gst_buffer_list_get(list, i)));
    });
  }
  gst_buffer_list_unref(list);
  return flow;
}

static void gst_adaptive_bitrate_loop(gpointer pad) {
  GstObject* parent = gst_pad_get_parent(GST_PAD(pad));
  if (!parent) return;
  at_boundary(parent, false, [&] {
    campaign::run_once(GST_ADAPTIVE_BITRATE(parent));
    return true;
  });
  gst_object_unref(parent);
}

static gboolean gst_adaptive_bitrate_sink_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  auto& self = impl_of(parent);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_START: {
      const gboolean pushed = gst_pad_push_event(self.src_pad, event);
      self.sender.flush();
      gst_pad_pause_task(self.src_pad);
      return pushed;
    }
    case GST_EVENT_FLUSH_STOP: {
      const gboolean pushed = gst_pad_push_event(self.src_pad, event);
      self.sender.resume();
      gst_pad_start_task(self.src_pad, gst_adaptive_bitrate_loop, self.src_pad, nullptr);
      return pushed;
    }
    default:
      if (!(gst_event_type_get_flags(GST_EVENT_TYPE(event)) & GST_EVENT_TYPE_SERIALIZED))
        return gst_pad_event_default(pad, parent, event);
      return at_boundary(parent, false, [&] { return self.sender.enqueue(adopt(event)); });
  }
}

static gboolean gst_adaptive_bitrate_sink_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if ((gst_query_type_get_flags(GST_QUERY_TYPE(query)) & GST_QUERY_TYPE_SERIALIZED) &&
      !impl_of(parent).sender.wait_until_empty(std::chrono::milliseconds(500)))
    return FALSE;
  return gst_pad_query_default(pad, parent, query);
}

static gboolean gst_adaptive_bitrate_src_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  const GstStructure* structure = gst_event_get_structure(event);
  if (GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_UPSTREAM && structure &&
      gst_structure_has_name(structure, campaign::TransportFeedback::kEvent)) {
    at_boundary(parent, false, [&] {
      impl_of(parent).sender.on_feedback(structure);
      return true;
    });
    gst_event_unref(event);
    return TRUE;
  }
  return gst_pad_event_default(pad, parent, event);
}

static gboolean gst_adaptive_bitrate_src_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (!gst_pad_query_default(pad, parent, query)) return FALSE;
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
    gboolean live = FALSE;
    GstClockTime least = 0, most = 0;
    gst_query_parse_latency(query, &live, &least, &most);
    least += kLatency;
    if (GST_CLOCK_TIME_IS_VALID(most)) most += kLatency;
    gst_query_set_latency(query, live, least, most);
  }
  return TRUE;
}

static gboolean gst_adaptive_bitrate_sink_activate(GstPad*, GstObject* parent, GstPadMode mode,
                                                   gboolean active) {
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  if (!active) impl_of(parent).sender.stop();
  return TRUE;
}

static void apply_wishes(AdaptiveBitrateImpl& self) {
  const auto settings = self.settings.snapshot();
  self.sender.adapt([&](campaign::Adaptation& adaptation, campaign::congestion::Timestamp) {
    adaptation.wish(settings.wished);
    adaptation.limit(settings.highest);
  });
}

static bool start(GstAdaptiveBitrate* self) {
  auto& impl = *self->impl;
  const auto settings = campaign::adaptation_settings(impl.settings.snapshot());
  if (!settings) {
    campaign::post(GST_MESSAGE_ERROR, self, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                   settings.error());
    return false;
  }
  impl.output = {};
  impl.next_number = 0;
  impl.looked_for_encoder = false;
  impl.found_encoder = nullptr;
  impl.sender.start(*settings);
  apply_wishes(impl);
  return true;
}

static gboolean gst_adaptive_bitrate_src_activate(GstPad* pad, GstObject* parent, GstPadMode mode,
                                                  gboolean active) {
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  if (!active) {
    impl_of(parent).sender.stop();
    return gst_pad_stop_task(pad);
  }
  return at_boundary(parent, false, [&] { return start(GST_ADAPTIVE_BITRATE(parent)); }) &&
         gst_pad_start_task(pad, gst_adaptive_bitrate_loop, pad, nullptr);
}

static std::string text_of(const GValue* value) {
  const char* text = g_value_get_string(value);
  return text ? text : "";
}

// One that does not fit is an error when the element starts, and has no effect later.
static void set_ladder(GObject* object, const AdaptiveBitrateSettings& settings) {
  const auto ladder = campaign::ladder_of(settings);
  if (ladder)
    impl_of(object).sender.adapt(
        [&](campaign::Adaptation& to, campaign::congestion::Timestamp) { to.set_ladder(*ladder); });
  else
    GST_WARNING_OBJECT(object, "the ladder stays as it was: %s", ladder.error().for_user().c_str());
}

static void gst_adaptive_bitrate_set_property(GObject* object, guint id, const GValue* value,
                                              GParamSpec* spec) {
  auto& self = impl_of(object);
  Ref<GstElement> old_encoder;  // let go of without the lock
  const auto settings = self.settings.with([&](AdaptiveBitrateSettings& s) {
    switch (id) {
      case PROP_MODE:
        s.manual = g_value_get_enum(value) == MODE_MANUAL;
        break;
      case PROP_BANDWIDTH:
        s.bandwidth = g_value_get_uint64(value);
        break;
      case PROP_MIN_BITRATE:
        s.least = g_value_get_uint64(value);
        break;
      case PROP_MAX_BITRATE:
        s.most = g_value_get_uint64(value);
        break;
      case PROP_START_BITRATE:
        s.start = g_value_get_uint64(value);
        break;
      case PROP_LADDER:
        s.ladder = text_of(value);
        break;
      case PROP_WISHED_QUALITY:
        s.wished = text_of(value);
        break;
      case PROP_MAX_QUALITY:
        s.highest = text_of(value);
        break;
      case PROP_ENCODER:
        old_encoder = std::exchange(s.encoder, share(GST_ELEMENT(g_value_get_object(value))));
        break;
      default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
    return s;
  });
  using campaign::Adaptation;
  using campaign::congestion::DataRate;
  using campaign::congestion::Timestamp;
  const auto rate = [](guint64 bps) { return DataRate::bps(gint64(bps)); };
  if (id == PROP_BANDWIDTH)
    self.sender.adapt([&](Adaptation& to, Timestamp) { to.set_by_hand(rate(settings.bandwidth)); });
  if (id == PROP_MIN_BITRATE || id == PROP_MAX_BITRATE)
    self.sender.adapt(
        [&](Adaptation& to, Timestamp) { to.set_limits(rate(settings.least), rate(settings.most)); });
  if (id == PROP_LADDER) set_ladder(object, settings);
  if (id == PROP_WISHED_QUALITY || id == PROP_MAX_QUALITY) apply_wishes(self);
}

static void gst_adaptive_bitrate_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  auto& self = impl_of(object);
  const auto settings = self.settings.snapshot();
  switch (id) {
    case PROP_MODE:
      g_value_set_enum(value, settings.manual ? MODE_MANUAL : MODE_GCC);
      break;
    case PROP_BANDWIDTH:
      g_value_set_uint64(value, settings.bandwidth);
      break;
    case PROP_MIN_BITRATE:
      g_value_set_uint64(value, settings.least);
      break;
    case PROP_MAX_BITRATE:
      g_value_set_uint64(value, settings.most);
      break;
    case PROP_START_BITRATE:
      g_value_set_uint64(value, settings.start);
      break;
    case PROP_LADDER:
      g_value_set_string(value, settings.ladder.empty() ? nullptr : settings.ladder.c_str());
      break;
    case PROP_WISHED_QUALITY:
      g_value_set_string(value, settings.wished.c_str());
      break;
    case PROP_MAX_QUALITY:
      g_value_set_string(value, settings.highest.empty() ? nullptr : settings.highest.c_str());
      break;
    case PROP_ESTIMATED_BITRATE: {
      const auto statistics = self.sender.statistics();
      g_value_set_uint64(value, statistics ? statistics->estimate : 0);
      break;
    }
    case PROP_QUALITY: {
      const auto statistics = self.sender.statistics();
      g_value_set_string(value, statistics ? statistics->quality.c_str() : nullptr);
      break;
    }
    case PROP_ENCODER:
      g_value_set_object(value, settings.encoder.get());
      break;
    case PROP_STATS:
      g_value_take_boxed(value, campaign::make_stats(GST_ADAPTIVE_BITRATE(object)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void gst_adaptive_bitrate_finalize(GObject* object) {
  delete GST_ADAPTIVE_BITRATE(object)->impl;
  G_OBJECT_CLASS(gst_adaptive_bitrate_parent_class)->finalize(object);
}

static void install_properties(GObjectClass* klass) {
  const auto ready = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  const auto playing = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  const auto read = GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  const auto install = [klass](guint id, GParamSpec* spec) {
    g_object_class_install_property(klass, id, spec);
  };
  const AdaptiveBitrateSettings defaults;
  constexpr guint64 kMost = 1'000'000'000;
  install(PROP_MODE, g_param_spec_enum("mode", "Mode", "Where the estimate of the bandwidth comes from",
                                       gst_adaptive_bitrate_mode_get_type(), MODE_GCC, ready));
  install(PROP_BANDWIDTH,
          g_param_spec_uint64("bandwidth", "Bandwidth", "The estimate in mode=manual, in bit/s", 10'000,
                              kMost, defaults.bandwidth, playing));
  install(PROP_MIN_BITRATE,
          g_param_spec_uint64("min-bitrate", "Lowest estimate", "The estimate is never below this, in bit/s",
                              10'000, kMost, defaults.least, playing));
  install(PROP_MAX_BITRATE,
          g_param_spec_uint64("max-bitrate", "Highest estimate",
                              "The estimate is never above this, nor is any probe, in bit/s; at least "
                              "min-bitrate",
                              10'000, kMost, defaults.most, playing));
  install(PROP_START_BITRATE,
          g_param_spec_uint64("start-bitrate", "First estimate",
                              "What the network is taken for until feedback comes, in bit/s", 10'000, kMost,
                              defaults.start, ready));
  install(PROP_LADDER,
          g_param_spec_string("ladder", "Ladder",
                              "The qualities as JSON: {\"rungs\": [{\"name\", \"threshold\" and "
                              "\"bitrate\" in bit/s, and as far as of interest \"particles\", \"width\", "
                              "\"height\", \"max_framerate\"}, ...]}, the lowest first (unset: low, medium, "
                              "high, ultra)",
                              nullptr, playing));
  install(PROP_WISHED_QUALITY,
          g_param_spec_string("wished-quality", "Wished quality",
                              "The viewer's own choice, kept whatever the network; auto, or what the ladder "
                              "does not have: the network decides",
                              "auto", playing));
  install(PROP_MAX_QUALITY, g_param_spec_string("max-quality", "Highest quality",
                                                "No quality above this one (unset: any)", nullptr, playing));
  install(PROP_ESTIMATED_BITRATE,
          g_param_spec_uint64("estimated-bitrate", "Estimate",
                              "What the network carries, in bit/s; 0 in READY. Notified on the element's "
                              "own thread when it moves by more than 1 %",
                              0, G_MAXUINT64, 0, read));
  install(PROP_QUALITY, g_param_spec_string("quality", "Quality",
                                            "The rung that was chosen. Notified on the element's own thread",
                                            nullptr, read));
  install(PROP_ENCODER, g_param_spec_object("encoder", "Encoder",
                                            "Element whose bitrate is set to the chosen rung's (unset: the "
                                            "first upstream that campaignsink knows too, if there is one)",
                                            GST_TYPE_ELEMENT, playing));
  install(PROP_STATS,
          g_param_spec_boxed(
              "stats", "Statistics",
              "estimate and acknowledged in bit/s, round-trip, queueing-delay and "
              "longest-wait in ns, loss from 0 to 1, overuse, silent, too-slow (for the "
              "lowest quality), thin-to (what it carries then, in bit/s, else 0), quality, reason, and "
              "how many: switches, feedback, packets, bytes, padding-packets, "
              "padding-bytes, repeat-bytes (asked of rtprtxsend for probes), probes, dropped, queued, "
              "repairs (retransmissions sent), repairs-refused",
              GST_TYPE_STRUCTURE, read));
}

static void gst_adaptive_bitrate_class_init(GstAdaptiveBitrateClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = gst_adaptive_bitrate_set_property;
  object_class->get_property = gst_adaptive_bitrate_get_property;
  object_class->finalize = gst_adaptive_bitrate_finalize;
  install_properties(object_class);

  auto* element_class = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(
      element_class, "Adaptive bitrate", "Filter/Network/RTP",
      "Estimates the bandwidth to a receiver from transport-wide feedback, paces and probes, and chooses the "
      "quality that fits",
      "The gst-campaign authors");
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_type_mark_as_plugin_api(gst_adaptive_bitrate_mode_get_type(), GstPluginAPIFlags(0));
}

static void gst_adaptive_bitrate_init(GstAdaptiveBitrate* self) {
  self->impl = new AdaptiveBitrateImpl;
  GstPad* sink = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(sink, gst_adaptive_bitrate_chain);
  gst_pad_set_chain_list_function(sink, gst_adaptive_bitrate_chain_list);
  gst_pad_set_event_function(sink, gst_adaptive_bitrate_sink_event);
  gst_pad_set_query_function(sink, gst_adaptive_bitrate_sink_query);
  gst_pad_set_activatemode_function(sink, gst_adaptive_bitrate_sink_activate);
  GST_PAD_SET_PROXY_CAPS(sink);
  gst_element_add_pad(GST_ELEMENT(self), sink);

  GstPad* src = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_event_function(src, gst_adaptive_bitrate_src_event);
  gst_pad_set_query_function(src, gst_adaptive_bitrate_src_query);
  gst_pad_set_activatemode_function(src, gst_adaptive_bitrate_src_activate);
  GST_PAD_SET_PROXY_CAPS(src);
  gst_element_add_pad(GST_ELEMENT(self), src);
  self->impl->sink_pad = sink;
  self->impl->src_pad = src;
}
