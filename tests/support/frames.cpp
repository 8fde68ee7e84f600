#include "frames.hpp"

#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "wait.hpp"

namespace campaign::test {
namespace {

std::string text_of(const GstStructure* structure, const char* field) {
  const char* text = gst_structure_get_string(structure, field);
  return text ? text : "";
}

}  // namespace

Frame look_at(GstBuffer* buffer, GstCaps* caps) {
  Frame frame{};
  frame.pts = GST_BUFFER_PTS(buffer);
  frame.duration = GST_BUFFER_DURATION(buffer);
  frame.offset = GST_BUFFER_OFFSET(buffer);
  frame.offset_end = GST_BUFFER_OFFSET_END(buffer);
  frame.discont = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  frame.format = text_of(structure, "format");
  frame.colorimetry = text_of(structure, "colorimetry");
  GstVideoInfo info;
  GstVideoFrame pixels;
  if (!gst_video_info_from_caps(&info, caps) || !gst_video_frame_map(&pixels, &info, buffer, GST_MAP_READ)) {
    ADD_FAILURE() << "a frame that cannot be read";
    return frame;
  }
  frame.width = GST_VIDEO_INFO_WIDTH(&info);
  frame.height = GST_VIDEO_INFO_HEIGHT(&info);
  frame.framerate =
      std::to_string(GST_VIDEO_INFO_FPS_N(&info)) + "/" + std::to_string(GST_VIDEO_INFO_FPS_D(&info));
  const bool rgb = GST_VIDEO_INFO_IS_RGB(&info);
  uint64_t hash = 14695981039346656037u, sum = 0, samples = 0;  // FNV-1a
  for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&pixels); ++plane) {
    const int component = plane == 0 ? GST_VIDEO_COMP_Y : GST_VIDEO_COMP_U;
    const int columns = GST_VIDEO_FRAME_COMP_WIDTH(&pixels, component);
    const int bytes = columns * GST_VIDEO_FRAME_COMP_PSTRIDE(&pixels, component);
    const auto* data = static_cast<const guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&pixels, plane));
    for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&pixels, component); ++y) {
      const guint8* row = data + gsize(y) * gsize(GST_VIDEO_FRAME_PLANE_STRIDE(&pixels, plane));
      for (int x = 0; x < bytes; ++x) {
        hash = (hash ^ row[x]) * 1099511628211u;
        if (plane != 0 || (rgb && x % 4 == 3)) continue;
        sum += row[x];
        ++samples;
      }
    }
  }
  gst_video_frame_unmap(&pixels);
  frame.checksum = hash;
  frame.brightness = double(sum) / double(samples);
  return frame;
}

FramePipeline::FramePipeline(const std::string& properties, const std::string& caps)
    : FramePipeline("particlesrc name=src " + properties + " ! capsfilter name=filter caps=\"video/x-raw," +
                    caps + "\" ! appsink name=sink sync=false max-buffers=1") {}

FramePipeline::FramePipeline(const std::string& launch) {
  GError* error = nullptr;
  pipeline_ = gst_parse_launch(launch.c_str(), &error);
  if (error) ADD_FAILURE() << error->message;
  g_clear_error(&error);
  src_ = gst_bin_get_by_name(GST_BIN(pipeline_), "src");
  sink_ = gst_bin_get_by_name(GST_BIN(pipeline_), "sink");
}

FramePipeline::~FramePipeline() {
  gst_element_set_state(pipeline_, GST_STATE_NULL);
  gst_object_unref(src_);
  gst_object_unref(sink_);
  gst_object_unref(pipeline_);
}

bool FramePipeline::set_state(GstState state) {
  if (gst_element_set_state(pipeline_, state) == GST_STATE_CHANGE_FAILURE) return false;
  GstState reached;
  return gst_element_get_state(pipeline_, &reached, nullptr, 20 * GST_SECOND) != GST_STATE_CHANGE_FAILURE &&
         reached == state;
}

std::optional<Frame> FramePipeline::pull(double seconds) {
  GstSample* sample = nullptr;
  g_signal_emit_by_name(sink_, "try-pull-sample", GstClockTime(kPatience * seconds * GST_SECOND), &sample);
  if (!sample) return std::nullopt;
  Frame frame = look_at(gst_sample_get_buffer(sample), gst_sample_get_caps(sample));
  gst_sample_unref(sample);
  return frame;
}

std::optional<Frame> FramePipeline::pull(int count) {
  std::optional<Frame> frame;
  for (int i = 0; i < count; ++i) frame = pull();
  return frame;
}

std::vector<Frame> FramePipeline::pull_all() {
  std::vector<Frame> frames;
  while (auto frame = pull()) frames.push_back(*frame);
  EXPECT_TRUE(at_end());
  return frames;
}

bool FramePipeline::at_end() const {
  gboolean ended = FALSE;
  g_object_get(sink_, "eos", &ended, nullptr);
  return ended;
}

bool FramePipeline::seek(double rate, GstClockTime start, GstClockTime stop, GstSeekFlags flags) {
  return gst_element_seek(pipeline_, rate, GST_FORMAT_TIME, flags, GST_SEEK_TYPE_SET, gint64(start),
                          stop == GST_CLOCK_TIME_NONE ? GST_SEEK_TYPE_NONE : GST_SEEK_TYPE_SET, gint64(stop));
}

void FramePipeline::filter(const std::string& caps) {
  GstElement* filter = gst_bin_get_by_name(GST_BIN(pipeline_), "filter");
  gst_util_set_object_arg(G_OBJECT(filter), "caps", ("video/x-raw," + caps).c_str());
  gst_object_unref(filter);
}

bool FramePipeline::send_upstream(GstEvent* event) {
  GstPad* pad = gst_element_get_static_pad(sink_, "sink");
  const bool taken = gst_pad_push_event(pad, event);
  gst_object_unref(pad);
  return taken;
}

std::string FramePipeline::wait_for(GstMessageType type, double seconds) {
  GstBus* bus = gst_element_get_bus(pipeline_);
  GstMessage* message = gst_bus_timed_pop_filtered(bus, GstClockTime(kPatience * seconds * GST_SECOND), type);
  gst_object_unref(bus);
  if (!message) return "";
  std::string text;
  if (type == GST_MESSAGE_ELEMENT) {
    gchar* structure = gst_structure_to_string(gst_message_get_structure(message));
    text = structure;
    g_free(structure);
  } else if (type == GST_MESSAGE_ERROR || type == GST_MESSAGE_WARNING) {
    GError* error = nullptr;
    type == GST_MESSAGE_ERROR ? gst_message_parse_error(message, &error, nullptr)
                              : gst_message_parse_warning(message, &error, nullptr);
    text = error->message;
    g_error_free(error);
  }
  gst_message_unref(message);
  return text;
}

SourceStats::SourceStats(GstElement* src) {
  GstStructure* stats = nullptr;
  g_object_get(src, "stats", &stats, nullptr);
  device = text_of(stats, "device");
  const bool complete = gst_structure_get(
      stats, "particles", G_TYPE_UINT, &particles, "frames", G_TYPE_UINT64, &frames, "skipped", G_TYPE_UINT64,
      &skipped, "framerate", G_TYPE_DOUBLE, &framerate, "frame-time", G_TYPE_UINT64, &frame_time,
      "frame-time-max", G_TYPE_UINT64, &frame_time_max, nullptr);
  EXPECT_TRUE(complete);
  gst_structure_free(stats);
}

}  // namespace campaign::test
