// The GObject side of campaignsink: pads and state changes, each handed on in a line.
//
/**
 * SECTION:element-campaignsink
 * @title: campaignsink
 *
 * Serves campaigns to browsers: an HTTP server with the viewer page, WebSocket signalling, and one
 * webrtcbin per viewer. Raw video is encoded once, whatever the number of viewers; encoded video is
 * passed on as it is.
 *
 * An error message of what draws or encodes one campaign has that campaign's id in its details, as
 * `campaign`: the others play on.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,width=1280,height=720 ! campaignsink
 * ]| Then open http://127.0.0.1:8080/?campaign=0
 */
#include "gstcampaignsink.hpp"

#include <gst/video/video.h>

#include "campaignsink.hpp"
#include "util/at_boundary.hpp"

GST_DEBUG_CATEGORY_STATIC(gst_campaign_sink_debug);
#define GST_CAT_DEFAULT gst_campaign_sink_debug

using campaign::at_boundary;
using campaign::CampaignSinkImpl;
using campaign::impl;
using campaign::Input;
using campaign::PadNames;
using campaign::pads_of;
using campaign::Ref;

static void gst_campaign_sink_child_proxy_init(gpointer interface, gpointer data);
G_DEFINE_TYPE_WITH_CODE(GstCampaignSink, gst_campaign_sink, GST_TYPE_BIN,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_CHILD_PROXY, gst_campaign_sink_child_proxy_init))
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(campaignsink, "campaignsink", GST_RANK_NONE, GST_TYPE_CAMPAIGN_SINK,
                                      GST_DEBUG_CATEGORY_INIT(gst_campaign_sink_debug, "campaignsink", 0,
                                                              "serves campaigns to browsers"))

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST,
                            GST_STATIC_CAPS("application/x-particle-state(memory:CampaignParticles); "
                                            "video/x-raw; "
                                            "video/x-h264, stream-format=(string)byte-stream, "
                                            "alignment=(string)au; "
                                            "video/x-vp8; video/x-vp9; "
                                            "video/x-av1, stream-format=(string)obu-stream, "
                                            "alignment=(string)tu; "
                                            "video/x-av1, alignment=(string)tu"));

static gboolean gst_campaign_sink_pad_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    const bool configured =
        at_boundary(parent, false, [&] { return campaign::configure(GST_CAMPAIGN_SINK(parent), pad, caps); });
    if (!configured) {
      gst_event_unref(event);
      return FALSE;
    }
  }
  return gst_pad_event_default(pad, parent, event);
}

// The pad's ladder or limit changed while it streams: it is set up anew between two frames.
static GstPadProbeReturn gst_campaign_sink_pad_buffer(GstPad* pad, GstPadProbeInfo* info, gpointer) {
  auto* sink_pad = GST_CAMPAIGN_SINK_PAD(pad);
  if (!impl(sink_pad).changed.load(std::memory_order_relaxed)) return GST_PAD_PROBE_OK;
  const auto caps = campaign::adopt(gst_pad_get_current_caps(pad));
  const auto parent = campaign::adopt(gst_pad_get_parent_element(pad));
  if (!caps || !parent) return GST_PAD_PROBE_OK;
  const bool configured = at_boundary(parent.get(), false, [&] {
    return campaign::configure(GST_CAMPAIGN_SINK(parent.get()), pad, caps.get());
  });
  if (configured) return GST_PAD_PROBE_OK;
  // Nothing is encoded any more: the source is told, so that its application starts it again.
  gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_ERROR;
  return GST_PAD_PROBE_HANDLED;
}

// What the encoder takes comes from the branch that stands; encoded video is welcome besides.
static gboolean gst_campaign_sink_pad_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_CAPS) {
    GstCaps* filter = nullptr;
    gst_query_parse_caps(query, &filter);
    // A state first: it is drawn in every rung's own size.
    auto besides =
        campaign::adopt(gst_caps_merge(Input::state_caps().release(), Input::encoded_caps().release()));
    if (filter)
      besides = campaign::adopt(gst_caps_intersect_full(besides.get(), filter, GST_CAPS_INTERSECT_FIRST));
    if (!gst_pad_query_default(pad, parent, query)) return FALSE;
    GstCaps* raw = nullptr;
    gst_query_parse_caps_result(query, &raw);
    auto all = campaign::adopt(gst_caps_merge(besides.release(), gst_caps_ref(raw)));
    gst_query_set_caps_result(query, all.get());
    return TRUE;
  }
  if (GST_QUERY_TYPE(query) == GST_QUERY_ACCEPT_CAPS) {
    GstCaps* caps = nullptr;
    gst_query_parse_accept_caps(query, &caps);
    if (gst_caps_is_subset(caps, Input::encoded_caps().get()) ||
        gst_caps_is_subset(caps, Input::state_caps().get())) {
      gst_query_set_accept_caps_result(query, TRUE);
      return TRUE;
    }
  }
  return gst_pad_query_default(pad, parent, query);
}

// The pads are children besides the bin's elements, so that gst-launch takes sink_0::campaign=….
static GstChildProxyInterface* parent_child_proxy;

static GObject* gst_campaign_sink_get_child_by_index(GstChildProxy* proxy, guint index) {
  const auto pads = pads_of(GST_CAMPAIGN_SINK(proxy));
  if (index < pads.size()) return G_OBJECT(gst_object_ref(pads[index].get()));
  return parent_child_proxy->get_child_by_index(proxy, index - guint(pads.size()));
}

static GObject* gst_campaign_sink_get_child_by_name(GstChildProxy* proxy, const gchar* name) {
  if (GstPad* pad = gst_element_get_static_pad(GST_ELEMENT(proxy), name)) return G_OBJECT(pad);
  GstElement* element = gst_bin_get_by_name(GST_BIN(proxy), name);
  return element ? G_OBJECT(element) : nullptr;
}

static guint gst_campaign_sink_get_children_count(GstChildProxy* proxy) {
  return guint(pads_of(GST_CAMPAIGN_SINK(proxy)).size()) + parent_child_proxy->get_children_count(proxy);
}

static void gst_campaign_sink_child_proxy_init(gpointer interface, gpointer) {
  auto* child_proxy = static_cast<GstChildProxyInterface*>(interface);
  parent_child_proxy = static_cast<GstChildProxyInterface*>(g_type_interface_peek_parent(interface));
  child_proxy->get_child_by_index = gst_campaign_sink_get_child_by_index;
  child_proxy->get_child_by_name = gst_campaign_sink_get_child_by_name;
  child_proxy->get_children_count = gst_campaign_sink_get_children_count;
}

static GstPad* gst_campaign_sink_request_new_pad(GstElement* element, GstPadTemplate* templ,
                                                 const gchar* name, const GstCaps*) {
  auto* self = GST_CAMPAIGN_SINK(element);
  const std::string pad_name = name ? name : "sink_" + std::to_string(self->impl->next_pad++);
  if (name) {
    unsigned number = 0;
    if (std::sscanf(name, "sink_%u", &number) == 1 && number >= self->impl->next_pad)
      self->impl->next_pad = number + 1;
  }
  auto* pad = GST_PAD(g_object_new(GST_TYPE_CAMPAIGN_SINK_PAD, "name", pad_name.c_str(), "direction",
                                   GST_PAD_SINK, "template", templ, nullptr));
  const auto input = std::make_shared<Input>(GST_BIN(self));
  impl(GST_CAMPAIGN_SINK_PAD(pad)).input.with([&](auto& current) { current = input; });
  if (input->entry()) gst_ghost_pad_set_target(GST_GHOST_PAD(pad), input->entry());
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, gst_campaign_sink_pad_buffer, nullptr, nullptr);
  gst_pad_set_event_function(pad, gst_campaign_sink_pad_event);
  gst_pad_set_query_function(pad, gst_campaign_sink_pad_query);
  GST_OBJECT_FLAG_SET(pad, GST_PAD_FLAG_NEED_PARENT);
  if (!gst_element_add_pad(element, pad)) return nullptr;  // there is one of this name; `pad` is gone
  gst_child_proxy_child_added(GST_CHILD_PROXY(self), G_OBJECT(pad), GST_PAD_NAME(pad));
  if (campaign::audience_of(self)) {  // running already: this input has to catch up
    at_boundary(element, false, [&] { return campaign::open_input(self, GST_CAMPAIGN_SINK_PAD(pad)); });
    gst_pad_set_active(pad, TRUE);
  }
  return pad;
}

static void gst_campaign_sink_release_pad(GstElement* element, GstPad* pad) {
  auto* self = GST_CAMPAIGN_SINK(element);
  auto& pad_impl = impl(GST_CAMPAIGN_SINK_PAD(pad));
  gst_pad_set_active(pad, FALSE);
  auto input = pad_impl.input.with([](auto& current) { return std::exchange(current, nullptr); });
  if (input) campaign::retire_renditions(self, input.get());
  gst_ghost_pad_set_target(GST_GHOST_PAD(pad), nullptr);
  if (input) input->close();  // whoever else looks at it may keep it a moment longer
  input.reset();
  gst_child_proxy_child_removed(GST_CHILD_PROXY(self), G_OBJECT(pad), GST_PAD_NAME(pad));
  gst_element_remove_pad(element, pad);
}

static GstStateChangeReturn gst_campaign_sink_change_state(GstElement* element, GstStateChange transition) {
  auto* self = GST_CAMPAIGN_SINK(element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY &&
      !at_boundary(element, false, [&] { return campaign::open(self); })) {
    campaign::close(self);
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) campaign::play(self);
  const auto result = GST_ELEMENT_CLASS(gst_campaign_sink_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) campaign::end_streams(self);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL ||
      (transition == GST_STATE_CHANGE_NULL_TO_READY && result == GST_STATE_CHANGE_FAILURE))
    campaign::close(self);
  return result;
}

static void gst_campaign_sink_handle_message(GstBin* bin, GstMessage* message) {
  auto told = at_boundary(bin, Ref<GstMessage>(), [&] {
    return campaign::with_campaign(GST_CAMPAIGN_SINK(bin), campaign::adopt(message));
  });
  if (told) GST_BIN_CLASS(gst_campaign_sink_parent_class)->handle_message(bin, told.release());
}

static void gst_campaign_sink_dispose(GObject* object) {
  auto* self = GST_CAMPAIGN_SINK(object);
  // The inputs take their elements out of the bin while it is still one.
  for (const auto& pad : pads_of(self))
    impl(pad.get()).input.with([](auto& input) { return std::exchange(input, nullptr); }).reset();
  G_OBJECT_CLASS(gst_campaign_sink_parent_class)->dispose(object);
}

static void gst_campaign_sink_finalize(GObject* object) {
  delete GST_CAMPAIGN_SINK(object)->impl;
  G_OBJECT_CLASS(gst_campaign_sink_parent_class)->finalize(object);
}

static void gst_campaign_sink_class_init(GstCampaignSinkClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->dispose = gst_campaign_sink_dispose;
  object_class->finalize = gst_campaign_sink_finalize;
  campaign::install_properties(object_class);
  campaign::install_signals(object_class);

  auto* element_class = GST_ELEMENT_CLASS(klass);
  GST_BIN_CLASS(klass)->handle_message = gst_campaign_sink_handle_message;
  element_class->change_state = gst_campaign_sink_change_state;
  element_class->request_new_pad = gst_campaign_sink_request_new_pad;
  element_class->release_pad = gst_campaign_sink_release_pad;
  gst_element_class_set_static_metadata(
      element_class, "Campaign sink", "Sink/Network/WebRTC",
      "Serves video to browsers over WebRTC, encoded once for all viewers; for example "
      "gst-launch-1.0 videotestsrc is-live=true ! campaignsink, then open http://127.0.0.1:8080/?campaign=0",
      "The gst-campaign authors");
  gst_element_class_add_static_pad_template_with_gtype(element_class, &sink_template,
                                                       GST_TYPE_CAMPAIGN_SINK_PAD);
  gst_type_mark_as_plugin_api(GST_TYPE_CAMPAIGN_SINK_PAD, GstPluginAPIFlags(0));
  gst_type_mark_as_plugin_api(gst_campaign_codec_get_type(), GstPluginAPIFlags(0));
}

static void gst_campaign_sink_init(GstCampaignSink* self) {
  self->impl = new CampaignSinkImpl;
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
  gst_bin_set_suppressed_flags(GST_BIN(self),
                               GstElementFlags(GST_ELEMENT_FLAG_SOURCE | GST_ELEMENT_FLAG_SINK));
}
