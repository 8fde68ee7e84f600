// Not a test of ours but of the watch over them: two of GStreamer's threads count in one place without a
// lock, and nothing but GStreamer is between them and their start. ThreadSanitizer has to report it.
#include <gst/gst.h>

namespace {

int counted = 0;

GstPadProbeReturn count(GstPad*, GstPadProbeInfo*, gpointer) {
  ++counted;
  return GST_PAD_PROBE_OK;
}

void count_at(GstElement* pipeline, const char* name) {
  GstElement* end = gst_bin_get_by_name(GST_BIN(pipeline), name);
  GstPad* pad = gst_element_get_static_pad(end, "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count, nullptr, nullptr);
  gst_object_unref(pad);
  gst_object_unref(end);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  GstElement* pipeline = gst_parse_launch(
      "fakesrc num-buffers=200 ! tee name=t t. ! queue ! fakesink name=one t. ! queue ! fakesink name=other",
      nullptr);
  count_at(pipeline, "one");
  count_at(pipeline, "other");
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_message_unref(gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS));
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return counted > 0 ? 0 : 1;
}
