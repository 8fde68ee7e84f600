// What tests look at of a video frame, and a pipeline that hands frames over one by one.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace campaign::test {

struct Frame {
  GstClockTime pts, duration;
  guint64 offset, offset_end;
  bool discont;
  int width, height;
  std::string format, colorimetry, framerate;
  uint64_t checksum;  // of the pixels, without the padding of rows
  double brightness;  // mean of luma, or of all of red, green and blue; 0 to 255
};

Frame look_at(GstBuffer* buffer, GstCaps* caps);

// A pipeline whose last element is `appsink name=sink`, and whose first one is named "src".
class FramePipeline {
 public:
  // particlesrc with these properties, in these caps (without "video/x-raw,").
  FramePipeline(const std::string& properties, const std::string& caps);
  explicit FramePipeline(const std::string& launch);
  FramePipeline(const FramePipeline&) = delete;
  ~FramePipeline();

  bool set_state(GstState state);  // and waits until it is reached
  bool play() { return set_state(GST_STATE_PLAYING); }
  // The next frame, in a pipeline that is playing; none at the end of the stream or when none comes.
  std::optional<Frame> pull(double seconds = 20);
  std::optional<Frame> pull(int count);  // the last of so many
  std::vector<Frame> pull_all();         // until the end of the stream, which has to come
  bool at_end() const;

  // Blocks until the seek is done.
  bool seek(double rate, GstClockTime start, GstClockTime stop = GST_CLOCK_TIME_NONE,
            GstSeekFlags flags = GstSeekFlags(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE));
  // Gives the capsfilter other caps (without "video/x-raw,").
  void filter(const std::string& caps);
  bool send_upstream(GstEvent* event);

  // The text of the next message of this kind on the bus ("" if none came in time): of an error or a warning
  // what the user reads, of an element message its structure.
  std::string wait_for(GstMessageType type, double seconds = 10);

  GstElement* src() const { return src_; }
  GstElement* pipeline() const { return pipeline_; }

 private:
  GstElement* pipeline_;
  GstElement* src_;
  GstElement* sink_;
};

// The `stats` of a particlesrc.
struct SourceStats {
  explicit SourceStats(GstElement* src);
  std::string device;
  guint particles = 0;
  guint64 frames = 0, skipped = 0, frame_time = 0, frame_time_max = 0;
  double framerate = 0;
};

}  // namespace campaign::test
