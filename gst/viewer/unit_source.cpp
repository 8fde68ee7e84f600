// See unit_source.hpp.
#include "viewer/unit_source.hpp"

#include <gst/video/video.h>

#include "viewer/outlet.hpp"
#include "viewer/rtp_format.hpp"
#include "viewer/unit_buffer.hpp"

struct CampaignUnitSource {
  GstElement parent;
  campaign::viewer::Outlet* outlet;  // owned
};
struct CampaignUnitSourceClass {
  GstElementClass parent_class;
};

static GType campaign_unit_source_get_type();
G_DEFINE_TYPE(CampaignUnitSource, campaign_unit_source, GST_TYPE_ELEMENT)

static CampaignUnitSource* self_of(gpointer object) { return static_cast<CampaignUnitSource*>(object); }

static gboolean unit_source_activate_mode(GstPad*, GstObject* parent, GstPadMode mode, gboolean active) {
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  if (!active) self_of(parent)->outlet->stop();  // it starts with its viewer
  return TRUE;
}

static gboolean unit_source_event(GstPad*, GstObject* parent, GstEvent* event) {
  if (gst_video_event_is_force_key_unit(event))
    if (const auto viewer = self_of(parent)->outlet->viewer())
      viewer->request_key_frame(campaign::viewer::routing_now());
  const bool is_seek = GST_EVENT_TYPE(event) == GST_EVENT_SEEK;
  gst_event_unref(event);
  return !is_seek;
}

// Units are sent the moment they come.
static gboolean unit_source_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY) return gst_pad_query_default(pad, parent, query);
  gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

static GstStateChangeReturn unit_source_change_state(GstElement* element, GstStateChange transition) {
  const auto result = GST_ELEMENT_CLASS(campaign_unit_source_parent_class)->change_state(element, transition);
  const bool live =
      transition == GST_STATE_CHANGE_READY_TO_PAUSED || transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED;
  return live && result == GST_STATE_CHANGE_SUCCESS ? GST_STATE_CHANGE_NO_PREROLL : result;
}

static void campaign_unit_source_finalize(GObject* object) {
  delete self_of(object)->outlet;
  G_OBJECT_CLASS(campaign_unit_source_parent_class)->finalize(object);
}

static void campaign_unit_source_class_init(CampaignUnitSourceClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = campaign_unit_source_finalize;
  GST_ELEMENT_CLASS(klass)->change_state = unit_source_change_state;
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Access units of a viewer", "Source/Video",
                                        "Sends what the router has for a viewer", "The gst-campaign authors");
}

static void campaign_unit_source_init(CampaignUnitSource* self) {
  GstPad* pad = gst_pad_new("src", GST_PAD_SRC);
  gst_pad_set_activatemode_function(pad, unit_source_activate_mode);
  gst_pad_set_event_function(pad, unit_source_event);
  gst_pad_set_query_function(pad, unit_source_query);
  gst_pad_use_fixed_caps(pad);
  gst_element_add_pad(GST_ELEMENT(self), pad);
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
}

namespace campaign::viewer {

Ref<GstElement> make_unit_source(UnitSourceEvents events) {
  auto source = sink(GST_ELEMENT(g_object_new(campaign_unit_source_get_type(), nullptr)));
  auto* pad = GST_PAD(source.get()->srcpads->data);
  self_of(source.get())->outlet = new Outlet(
      pad,
      {.changed = std::move(events.changed), .caps = [](int format) { return unit_caps(codec_of(format)); }});
  return source;
}

void start_unit_source(GstElement* source, std::shared_ptr<routing::Viewer> viewer) {
  self_of(source)->outlet->start(std::move(viewer));
}

}  // namespace campaign::viewer
