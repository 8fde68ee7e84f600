// adaptivebitrate in a harness: packets go in, what comes out is kept, and what it says upstream is read.
#pragma once

#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

#include "rtp_packets.hpp"
#include "util/gst_ptr.hpp"
#include "wait.hpp"

namespace campaign::test {

class AdaptiveBitrateHarness : public testing::Test {
 protected:
  explicit AdaptiveBitrateHarness(const char* launch = "adaptivebitrate name=adaptive") {
    h_ = gst_harness_new_parse(launch);
    gst_harness_set_drop_buffers(h_, TRUE);
    adaptive_ = gst_harness_find_element(h_, "adaptivebitrate");
    gst_element_set_bus(adaptive_, bus_.get());
    GstPad* pad = gst_element_get_static_pad(adaptive_, "src");
    gst_pad_add_probe(
        pad, GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
        [](GstPad*, GstPadProbeInfo* info, gpointer self) {
          auto* harness = static_cast<AdaptiveBitrateHarness*>(self);
          std::scoped_lock lock(harness->mutex_);
          if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
            harness->out_.push_back(look_at(GST_PAD_PROBE_INFO_BUFFER(info)));
            return GST_PAD_PROBE_OK;
          }
          GstBufferList* list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
          ++harness->lists_;
          for (guint i = 0; i < gst_buffer_list_length(list); ++i)
            harness->out_.push_back(look_at(gst_buffer_list_get(list, i)));
          return GST_PAD_PROBE_OK;
        },
        this, nullptr);
    gst_object_unref(pad);
  }
  ~AdaptiveBitrateHarness() override {
    gst_element_set_bus(adaptive_, nullptr);
    gst_object_unref(adaptive_);
    gst_harness_teardown(h_);
  }

  void start(const std::string& more = kExtension) {
    gst_harness_set_src_caps_str(h_, (kCaps + (more.empty() ? "" : ",") + more).c_str());
  }
  // With a bandwidth that is set and not estimated.
  void start_by_hand(guint64 bandwidth) {
    gst_element_set_state(element(), GST_STATE_NULL);
    gst_util_set_object_arg(G_OBJECT(element()), "mode", "manual");
    g_object_set(element(), "bandwidth", bandwidth, nullptr);
    gst_element_set_state(element(), GST_STATE_PLAYING);
    start();
  }
  GstElement* element() const { return adaptive_; }
  guint64 estimate() const {
    guint64 value = 0;
    g_object_get(element(), "estimated-bitrate", &value, nullptr);
    return value;
  }
  std::string quality() const {
    char* value = nullptr;
    g_object_get(element(), "quality", &value, nullptr);
    const std::string text = value ? value : "";
    g_free(value);
    return text;
  }
  guint64 count(const char* field) const {
    GstStructure* stats = nullptr;
    guint64 value = 0;
    g_object_get(element(), "stats", &stats, nullptr);
    gst_structure_get_uint64(stats, field, &value);
    gst_structure_free(stats);
    return value;
  }
  std::vector<Packet> out() {
    std::scoped_lock lock(mutex_);
    return out_;
  }

  // Whether all media that went in has come out.
  bool all_out() {
    const auto packets = out();
    return std::size_t(std::count_if(packets.begin(), packets.end(),
                                     [](const Packet& packet) { return !packet.padding; })) == pushed_;
  }

  bool last_is_out() {
    const auto packets = out();
    return !packets.empty() && packets.back().sequence == guint16(sequence_ - 1);
  }

  GstFlowReturn push(guint payload, bool marker, bool delta = true) {
    GstBuffer* buffer = make_packet(sequence_++, timestamp_, payload, marker, numbered_);
    ++pushed_;
    if (delta) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    return gst_harness_push(h_, buffer);
  }
  // One frame, as an encoder at `bitrate` makes it 30 times a second.
  void push_frame(guint64 bitrate) {
    gsize left = std::max<gsize>(bitrate / 30 / 8, 50);
    while (left > 0) {
      const gsize part = std::min<gsize>(left, 1150);
      left -= part;
      ASSERT_EQ(push(guint(part), left == 0), GST_FLOW_OK);
    }
    timestamp_ += 3000;
  }

  // The newest campaign-quality that came out upstream; other events are left out.
  struct Quality {
    std::string quality;
    guint64 bitrate = 0;
    guint particles = 0;
  };
  void take_upstream_events() {
    while (GstEvent* event = gst_harness_try_pull_upstream_event(h_)) {
      const GstStructure* structure = gst_event_get_structure(event);
      if (gst_video_event_is_force_key_unit(event)) ++key_frames_wanted_;
      if (structure && gst_structure_has_name(structure, "campaign-feedback")) ++heartbeats_;
      if (structure && gst_structure_has_name(structure, "campaign-quality")) {
        Quality quality;
        quality.quality = gst_structure_get_string(structure, "quality");
        gst_structure_get_uint64(structure, "bitrate", &quality.bitrate);
        gst_structure_get_uint(structure, "particles", &quality.particles);
        qualities_.push_back(quality);
      }
      gst_event_unref(event);
    }
  }
  bool reaches_upstream(const std::string& name) {
    return wait_until([&] {
      take_upstream_events();
      return !qualities_.empty() && qualities_.back().quality == name;
    });
  }
  // The text of a field of the next element message with this name.
  std::string wait_for_message(const char* name, const char* field) {
    std::string text;
    wait_until([&] {
      while (GstMessage* message = gst_bus_pop(bus_.get())) {
        const GstStructure* structure = gst_message_get_structure(message);
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT && gst_structure_has_name(structure, name))
          text = gst_structure_get_string(structure, field);
        gst_message_unref(message);
      }
      return !text.empty();
    });
    return text;
  }

  GstHarness* h_;
  GstElement* adaptive_;
  Ref<GstBus> bus_ = adopt(gst_bus_new());
  std::mutex mutex_;
  std::vector<Packet> out_;  // under mutex_
  unsigned lists_ = 0;       // under mutex_
  guint16 sequence_ = 65530;
  std::size_t pushed_ = 0;
  guint32 timestamp_ = 0;
  bool numbered_ = true;
  std::vector<Quality> qualities_;
  int key_frames_wanted_ = 0, heartbeats_ = 0;
};

}  // namespace campaign::test
