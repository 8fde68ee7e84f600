// A rung of a campaign coming in: its buffers become units of a stream, on the upstream's streaming thread.
#include <gst/video/video.h>

#include <algorithm>
#include <iterator>

#include "campaign/encoder_profile.hpp"
#include "campaignmux.hpp"
#include "util/at_boundary.hpp"
#include "util/id.hpp"
#include "viewer/droppable.hpp"
#include "viewer/startable_units.hpp"
#include "viewer/unit_buffer.hpp"

namespace campaign {
namespace {

struct Names {
  std::string campaign = "0", quality = "high";
  guint64 bitrate = 0;
};

// What viewers ask of a stream goes up the pad; any thread. The stream may outlive the pad for a moment.
class PadUpstream : public routing::StreamUpstream {
 public:
  explicit PadUpstream(GstPad* pad) { g_weak_ref_init(&pad_, pad); }
  ~PadUpstream() override { g_weak_ref_clear(&pad_); }

  void force_key_frame() override {
    send(gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
  }
  void watched(bool by_anybody) override {
    send(gst_event_new_custom(
        GST_EVENT_CUSTOM_UPSTREAM,
        gst_structure_new("campaign-idle", "idle", G_TYPE_BOOLEAN, gboolean(!by_anybody), nullptr)));
  }
  gboolean send(GstEvent* event) {
    const auto pad = adopt(static_cast<GstPad*>(g_weak_ref_get(&pad_)));
    if (pad) return gst_pad_push_event(pad.get(), event);
    gst_event_unref(event);
    return FALSE;
  }

 private:
  GWeakRef pad_;
};

}  // namespace

struct MuxSinkPadImpl {
  Guarded<Names> names;
  Guarded<std::shared_ptr<routing::Stream>> stream;
  Guarded<std::vector<Ref<GstPad>>> flushing;  // of viewers, until the flush of this pad stops
  viewer::StartableUnits startable;            // streaming thread only
  viewer::DroppableUnits droppable;            // likewise
};

gboolean send_upstream(const std::shared_ptr<routing::Stream>& stream, GstEvent* event) {
  if (auto* upstream = stream ? static_cast<PadUpstream*>(stream->upstream().get()) : nullptr)
    return upstream->send(event);
  gst_event_unref(event);
  return FALSE;
}

}  // namespace campaign

struct _GstCampaignMuxSinkPad {
  GstPad parent;
  campaign::MuxSinkPadImpl* impl;  // owned
};

G_DEFINE_TYPE(GstCampaignMuxSinkPad, gst_campaign_mux_sink_pad, GST_TYPE_PAD)

using campaign::adopt;
using campaign::at_boundary;
using campaign::Codec;
using campaign::MuxSinkPadImpl;
using campaign::Names;
using campaign::PadUpstream;
using campaign::Ref;
namespace routing = campaign::routing;

static MuxSinkPadImpl& impl(GstPad* pad) { return *GST_CAMPAIGN_MUX_SINK_PAD(pad)->impl; }

enum { PROP_0, PROP_CAMPAIGN, PROP_QUALITY, PROP_BITRATE };

static std::shared_ptr<routing::Stream> take_stream(GstPad* pad) {
  return impl(pad).stream.with([](auto& stream) { return std::exchange(stream, nullptr); });
}

// The stream begins with its caps: they say in which codec.
static bool begin_stream(GstPad* pad, GstObject* parent, GstCaps* caps) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const auto codec = campaign::codec_from_caps_name(gst_structure_get_name(structure));
  if (!codec) return false;
  if (const char* form = gst_structure_get_string(structure, "stream-format");
      codec == Codec::av1 && form && !g_str_equal(form, "obu-stream"))
    return false;
  const int format = campaign::viewer::format_of(*codec);
  auto& mux = campaign::mux_of(pad);
  const auto old = impl(pad).stream.snapshot();
  if (old && old->description().format == format) return true;  // another size: it is all in band
  const auto now = campaign::viewer::routing_now();
  if (old) mux.router.remove_stream(take_stream(pad), now);
  impl(pad).startable = {};
  const Names names = impl(pad).names.snapshot();
  auto upstream = std::make_shared<PadUpstream>(pad);
  routing::StreamLimits limits;
  limits.key_frame_share = mux.settings.snapshot().key_frame_share;
  auto stream = mux.router.add_only_stream(
      {names.campaign, names.quality, format, campaign::rank_of(names.quality, names.bitrate), names.bitrate},
      limits, upstream, now);
  if (!stream) {
    GST_ELEMENT_ERROR(
        parent, RESOURCE, SETTINGS,
        ("Campaign %s already has the quality %s; set other values of campaign or quality on %s.",
         names.campaign.c_str(), names.quality.c_str(), GST_PAD_NAME(pad)),
        (nullptr));
    return false;
  }
  impl(pad).stream.with([&](auto& current) { current = stream; });
  return true;
}

static GstFlowReturn sink_pad_chain(GstPad* pad, GstObject* parent, GstBuffer* raw) {
  auto buffer = adopt(raw);
  return at_boundary(parent, GST_FLOW_ERROR, [&]() -> GstFlowReturn {
    const auto stream = impl(pad).stream.snapshot();
    if (!stream) return GST_PAD_IS_EOS(pad) ? GST_FLOW_EOS : GST_FLOW_NOT_NEGOTIATED;
    auto segment_event = adopt(gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0));
    if (!segment_event) return GST_FLOW_ERROR;
    const GstSegment* segment = nullptr;
    gst_event_parse_segment(segment_event.get(), &segment);
    const GstClockTime time =
        GST_BUFFER_PTS_IS_VALID(buffer.get()) ? GST_BUFFER_PTS(buffer.get()) : GST_BUFFER_DTS(buffer.get());
    // All streams count in running time, which a pipeline shares.
    const GstClockTime running = gst_segment_to_running_time(segment, GST_FORMAT_TIME, time);
    if (!GST_CLOCK_TIME_IS_VALID(running)) return GST_FLOW_OK;  // outside its segment: nobody should see it
    buffer = adopt(gst_buffer_make_writable(buffer.release()));
    GST_BUFFER_PTS(buffer.get()) = running;
    GST_BUFFER_DTS(buffer.get()) = GST_CLOCK_TIME_NONE;
    const Codec codec = campaign::viewer::codec_of(stream->description().format);
    const bool droppable = impl(pad).droppable.next(codec, buffer.get());
    buffer = impl(pad).startable.complete(codec, std::move(buffer));
    stream->publish(campaign::viewer::make_unit(std::move(buffer), droppable),
                    campaign::viewer::routing_now());
    return GST_FLOW_OK;
  });
}

static gboolean sink_pad_event(GstPad* pad, GstObject* parent, GstEvent* raw) {
  const auto event = adopt(raw);
  auto& mux = campaign::mux_of(pad);
  switch (GST_EVENT_TYPE(raw)) {
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(raw, &caps);
      return at_boundary(parent, false, [&] { return begin_stream(pad, parent, caps); });
    }
    case GST_EVENT_EOS:
      if (const auto stream = take_stream(pad))
        mux.router.end_stream(stream, campaign::viewer::routing_now());
      return TRUE;
    case GST_EVENT_FLUSH_START:
      if (const auto stream = impl(pad).stream.snapshot()) {
        auto pads = campaign::start_flush(GST_ELEMENT(parent), stream);
        impl(pad).flushing.with(
            [&](auto& flushing) { std::ranges::move(pads, std::back_inserter(flushing)); });
      }
      return TRUE;
    case GST_EVENT_FLUSH_STOP: {
      const auto flushing = impl(pad).flushing.with([](auto& pads) { return std::exchange(pads, {}); });
      campaign::stop_flush(mux, GST_ELEMENT(parent), impl(pad).stream.snapshot(), flushing);
      return TRUE;
    }
    default:  // what the viewers' streams begin with is the viewers' own
      return TRUE;
  }
}

static gboolean sink_pad_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION) return FALSE;
  return gst_pad_query_default(pad, parent, query);
}

static gboolean sink_pad_activate_mode(GstPad* pad, GstObject*, GstPadMode mode, gboolean active) {
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  if (!active)
    if (const auto stream = take_stream(pad))
      campaign::mux_of(pad).router.remove_stream(stream, campaign::viewer::routing_now());
  return TRUE;
}

void campaign::set_up_mux_sink_pad(GstPad* pad) {
  gst_pad_set_chain_function(pad, sink_pad_chain);
  gst_pad_set_event_function(pad, sink_pad_event);
  gst_pad_set_query_function(pad, sink_pad_query);
  gst_pad_set_activatemode_function(pad, sink_pad_activate_mode);
  GST_OBJECT_FLAG_SET(pad, GST_PAD_FLAG_NEED_PARENT);
}

static void sink_pad_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  auto& self = impl(GST_PAD(object));
  if (id == PROP_BITRATE) {
    const guint64 bitrate = g_value_get_uint64(value);
    self.names.with([&](Names& names) { names.bitrate = bitrate; });
    if (const auto stream = self.stream.snapshot())
      stream->set_bitrate(bitrate, campaign::viewer::routing_now());
    return;
  }
  const char* text = g_value_get_string(value);
  if (!text || !campaign::is_valid_id(text)) {
    g_warning("%s of %s:%s must be %s", spec->name, GST_DEBUG_PAD_NAME(object),
              std::string(campaign::kIdRule).c_str());
    return;
  }
  self.names.with([&](Names& names) { (id == PROP_CAMPAIGN ? names.campaign : names.quality) = text; });
}

static void sink_pad_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const Names names = impl(GST_PAD(object)).names.snapshot();
  if (id == PROP_CAMPAIGN)
    g_value_set_string(value, names.campaign.c_str());
  else if (id == PROP_QUALITY)
    g_value_set_string(value, names.quality.c_str());
  else if (id == PROP_BITRATE)
    g_value_set_uint64(value, names.bitrate);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void gst_campaign_mux_sink_pad_finalize(GObject* object) {
  delete GST_CAMPAIGN_MUX_SINK_PAD(object)->impl;
  G_OBJECT_CLASS(gst_campaign_mux_sink_pad_parent_class)->finalize(object);
}

static void gst_campaign_mux_sink_pad_class_init(GstCampaignMuxSinkPadClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = sink_pad_set_property;
  object_class->get_property = sink_pad_get_property;
  object_class->finalize = gst_campaign_mux_sink_pad_finalize;
  const auto ready = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  const auto playing = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  g_object_class_install_property(
      object_class, PROP_CAMPAIGN,
      g_param_spec_string("campaign", "Campaign",
                          "Id of the campaign that comes in here, 1 to 64 of A-Za-z0-9._-", "0", ready));
  g_object_class_install_property(
      object_class, PROP_QUALITY,
      g_param_spec_string(
          "quality", "Quality",
          "The rung that comes in here: low, medium, high, ultra, or another id, which is ranked "
          "by its bitrate",
          "high", ready));
  g_object_class_install_property(
      object_class, PROP_BITRATE,
      g_param_spec_uint64(
          "bitrate", "Bitrate",
          "What the encoder is set to, in bit/s, of which key frames on request get their share; 0 "
          "for what is measured",
          0, 1'000'000'000, 0, playing));
}

static void gst_campaign_mux_sink_pad_init(GstCampaignMuxSinkPad* self) { self->impl = new MuxSinkPadImpl; }
