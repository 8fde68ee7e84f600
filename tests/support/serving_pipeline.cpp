// See serving_pipeline.hpp.
#include "serving_pipeline.hpp"

#include "util/gst_ptr.hpp"
#include "wait.hpp"

namespace campaign::test {

ServingPipeline::ServingPipeline(const std::string& launch) {
  GError* error = nullptr;
  pipeline_ = gst_parse_launch(launch.c_str(), &error);
  g_assert_no_error(error);
  sink_ = gst_bin_get_by_name(GST_BIN(pipeline_), "sink");
  g_assert(sink_);
}

ServingPipeline::~ServingPipeline() {
  stop();
  gst_object_unref(sink_);
  gst_object_unref(pipeline_);
}

std::string ServingPipeline::small(const std::string& properties) {
  return "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1 ! "
         "campaignsink name=sink port=0 " +
         properties;
}

bool ServingPipeline::play() {
  if (gst_element_set_state(pipeline_, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) return false;
  return wait_until([this] {
    GstStructure* all = stats();
    const GValue* renditions = gst_structure_get_value(all, "renditions");
    const guint count = renditions ? gst_value_array_get_size(renditions) : 0;
    guint playing = 0;
    for (guint i = 0; i < count; ++i) {
      guint64 frames = 0;
      gst_structure_get_uint64(gst_value_get_structure(gst_value_array_get_value(renditions, i)), "frames",
                               &frames);
      if (frames > 0) ++playing;
    }
    gst_structure_free(all);
    return playing == count && count >= GST_ELEMENT(sink_)->numsinkpads;
  });
}

void ServingPipeline::stop() { gst_element_set_state(pipeline_, GST_STATE_NULL); }

std::string ServingPipeline::wait_for_error(double seconds) {
  GstBus* bus = gst_element_get_bus(pipeline_);
  GstMessage* message =
      gst_bus_timed_pop_filtered(bus, GstClockTime(kPatience * seconds * GST_SECOND), GST_MESSAGE_ERROR);
  gst_object_unref(bus);
  if (!message) return {};
  GError* error = nullptr;
  char* debug = nullptr;
  gst_message_parse_error(message, &error, &debug);
  std::string text = std::string(error->message) + "\n" + (debug ? debug : "");
  g_error_free(error);
  g_free(debug);
  gst_message_unref(message);
  return text;
}

bool ServingPipeline::wait_for_eos(double seconds) {
  GstBus* bus = gst_element_get_bus(pipeline_);
  GstMessage* message = gst_bus_timed_pop_filtered(bus, GstClockTime(kPatience * seconds * GST_SECOND), GST_MESSAGE_EOS);
  gst_object_unref(bus);
  if (message) gst_message_unref(message);
  return message != nullptr;
}

unsigned ServingPipeline::port() const {
  guint port = 0;
  g_object_get(sink_, "port", &port, nullptr);
  return port;
}

GstStructure* ServingPipeline::stats() const {
  GstStructure* stats = nullptr;
  g_object_get(sink_, "stats", &stats, nullptr);
  return stats;
}

RungWork ServingPipeline::rung(const char* quality) const {
  RungWork rung;
  const StructurePtr all{stats()};
  const GValue* list = gst_structure_get_value(all.get(), "renditions");
  for (guint i = 0; list && i < gst_value_array_get_size(list); ++i) {
    const GstStructure* entry = gst_value_get_structure(gst_value_array_get_value(list, i));
    if (g_strcmp0(gst_structure_get_string(entry, "quality"), quality) != 0) continue;
    gboolean lowered = FALSE;
    rung.known =
        gst_structure_get(entry, "lowered", G_TYPE_BOOLEAN, &lowered, "particles", G_TYPE_UINT,
                          &rung.particles, "framerate-limit", G_TYPE_DOUBLE, &rung.limit, "load",
                          G_TYPE_DOUBLE, &rung.load, "frame-time", G_TYPE_UINT64, &rung.frame_time, nullptr);
    rung.lowered = lowered;
  }
  return rung;
}

bool ServingPipeline::told_of_load(bool lowered) {
  const auto bus = adopt(gst_element_get_bus(pipeline_));
  while (const auto message = adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ELEMENT))) {
    const GstStructure* said = gst_message_get_structure(message.get());
    gboolean value = FALSE;
    if (gst_structure_has_name(said, "campaign-load") && gst_structure_get_boolean(said, "lowered", &value) &&
        bool(value) == lowered)
      return true;
  }
  return false;
}

unsigned ServingPipeline::stat(const char* name) const {
  GstStructure* all = stats();
  guint value = 0;
  gst_structure_get_uint(all, name, &value);
  gst_structure_free(all);
  return value;
}

unsigned ServingPipeline::simulated() const {
  const auto source = adopt(gst_bin_get_by_name(GST_BIN(pipeline_), "world"));
  GstStructure* raw = nullptr;
  g_object_get(source.get(), "stats", &raw, nullptr);
  const StructurePtr stats{raw};
  guint particles = 0;
  gst_structure_get_uint(stats.get(), "particles", &particles);
  return particles;
}

}  // namespace campaign::test
