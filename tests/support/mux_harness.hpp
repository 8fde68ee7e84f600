// campaignmux in a real pipeline, with everything that passes its pads.
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "util/gst_ptr.hpp"
#include "wait.hpp"

namespace campaign::test {

// Of what is encoded here: a sanitizer leaves little of real time for three encoders and a decoder.
inline constexpr int kFramesPerSecond = kPatience > 1 ? 10 : 30;
inline constexpr GstClockTime kFrameTime = GST_SECOND / kFramesPerSecond;

struct Pushed {
  GstClockTime pts;
  bool key_frame, after_gap;
};

// Everything that leaves a pad.
class Tap {
 public:
  explicit Tap(GstPad* pad) : pad_(share(pad)) {
    id_ = gst_pad_add_probe(
        pad,
        GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_BOTH |
                        GST_PAD_PROBE_TYPE_EVENT_FLUSH),
        [](GstPad*, GstPadProbeInfo* info, gpointer self) { return static_cast<Tap*>(self)->see(info); },
        this, nullptr);
  }
  ~Tap() {
    gst_pad_remove_probe(pad_.get(), id_);
    std::scoped_lock lock(mutex_);  // whoever sees a unit at this moment has taken it down then
  }

  std::vector<Pushed> units() const {
    std::scoped_lock lock(mutex_);
    return units_;
  }
  std::size_t count() const { return units().size(); }
  int events(const std::string& name) const {
    std::scoped_lock lock(mutex_);
    const auto found = events_.find(name);
    return found == events_.end() ? 0 : found->second;
  }
  void block(bool on) { blocked_ = on; }

 private:
  GstPadProbeReturn see(GstPadProbeInfo* info) {
    if (GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info); info->type & GST_PAD_PROBE_TYPE_BUFFER) {
      {
        std::scoped_lock lock(mutex_);
        units_.push_back({GST_BUFFER_PTS(buffer), !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT),
                          bool(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT))});
      }
      while (blocked_) g_usleep(1000);
      return GST_PAD_PROBE_OK;
    }
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    std::string name = GST_EVENT_TYPE_NAME(event);
    if (const GstStructure* structure = gst_event_get_structure(event);
        GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_UPSTREAM) {
      name = gst_structure_get_name(structure);
      gboolean idle = FALSE;
      if (gst_structure_get_boolean(structure, "idle", &idle)) name += idle ? ":idle" : ":wanted";
    }
    std::scoped_lock lock(mutex_);
    ++events_[name];
    return GST_PAD_PROBE_OK;
  }

  Ref<GstPad> pad_;
  gulong id_ = 0;
  mutable std::mutex mutex_;
  std::vector<Pushed> units_;
  std::map<std::string, int> events_;
  std::atomic<bool> blocked_ = false;
};

class MuxPipeline {
 public:
  explicit MuxPipeline(const std::string& launch) {
    GError* error = nullptr;
    pipeline_ = sink(gst_parse_launch(launch.c_str(), &error));
    g_assert_no_error(error);
    mux_ = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "mux"));
  }
  ~MuxPipeline() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }

  void play() {
    ASSERT_NE(gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  }
  GstElement* pipeline() const { return pipeline_.get(); }
  GstElement* mux() const { return mux_.get(); }
  Ref<GstPad> pad(const char* name) const { return adopt(gst_element_get_static_pad(mux_.get(), name)); }
  Ref<GstElement> element(const char* name) const {
    return adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name));
  }
  // What went wrong so far.
  std::string complaint() const {
    auto bus = adopt(gst_element_get_bus(pipeline_.get()));
    std::string text;
    while (auto message = adopt(
               gst_bus_pop_filtered(bus.get(), GstMessageType(GST_MESSAGE_ERROR | GST_MESSAGE_WARNING)))) {
      GError* error = nullptr;
      char* debug = nullptr;
      if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR)
        gst_message_parse_error(message.get(), &error, &debug);
      else
        gst_message_parse_warning(message.get(), &error, &debug);
      text += std::string(error->message) + " " + (debug ? debug : "") + "\n";
      g_error_free(error);
      g_free(debug);
    }
    return text;
  }
  std::string current(const char* pad_name, const char* what) const {
    char* text = nullptr;
    g_object_get(pad(pad_name).get(), what, &text, nullptr);
    const CharPtr owned{text};
    return text ? text : "";
  }
  guint64 stat(const char* pad_name, const char* what) const {
    GstStructure* raw = nullptr;
    g_object_get(pad(pad_name).get(), "stats", &raw, nullptr);
    const StructurePtr stats{raw};
    guint64 value = 0;
    gst_structure_get_uint64(raw, what, &value);
    return value;
  }

 private:
  Ref<GstElement> pipeline_, mux_;
};

inline std::string source(const std::string& codec, const std::string& pad, int width, int height,
                          const std::string& properties = "") {
  static const std::map<std::string, std::string> kEncoders = {
      {"h264",
       "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=300 bitrate=400 threads=1 ! "
       "video/x-h264,profile=constrained-baseline"},
      {"vp8",
       "vp8enc deadline=1 cpu-used=12 keyframe-max-dist=300 error-resilient=default lag-in-frames=0 "
       "target-bitrate=400000"},
      {"vp9", "vp9enc deadline=1 cpu-used=8 keyframe-max-dist=300 lag-in-frames=0 target-bitrate=400000"},
      // Of GStreamer 1.22, it makes no key frame because somebody asks.
      {"av1",
       "av1enc usage-profile=realtime cpu-used=10 keyframe-max-dist=15 lag-in-frames=0 "
       "target-bitrate=400"}};
  return "videotestsrc is-live=true pattern=ball " + properties +
         " ! video/x-raw,format=I420,width=" + std::to_string(width) + ",height=" + std::to_string(height) +
         ",framerate=" + std::to_string(kFramesPerSecond) + "/1 ! " + kEncoders.at(codec) + " ! mux." + pad +
         " ";
}

inline const std::string kMux = "campaignmux name=mux ";
inline const std::string kTwoCampaigns = kMux + "sink_0::campaign=a sink_1::campaign=b src_0::campaign=a ";

}  // namespace campaign::test
