// Video that comes encoded, to a viewer whose network carries less than that: what it still gets decodes to
// the very pictures that everybody else sees.
#include <gst/app/gstappsink.h>
#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "util/gst_ptr.hpp"
#include "viewer/droppable.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

using Units = std::vector<Ref<GstBuffer>>;
using Pictures = std::map<GstClockTime, std::uint32_t>;  // checksums by time

bool is_key(const Ref<GstBuffer>& unit) {
  return !GST_BUFFER_FLAG_IS_SET(unit.get(), GST_BUFFER_FLAG_DELTA_UNIT);
}

std::uint32_t checksum(GstBuffer* buffer) {
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_READ);
  std::uint32_t sum = 2166136261u;  // FNV-1a
  for (gsize i = 0; i < map.size; ++i) sum = (sum ^ map.data[i]) * 16777619u;
  gst_buffer_unmap(buffer, &map);
  return sum;
}

struct Coding {
  Codec codec;
  const char *encoder, *caps, *decoder;
};

const Coding kH264 = {Codec::h264,
                      "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 bitrate=400 threads=1",
                      "video/x-h264,stream-format=byte-stream,alignment=au,profile=constrained-baseline",
                      "avdec_h264 max-errors=1 output-corrupt=false max-threads=1"};
// One of three pictures is referred to by none; they come in the order of their decoding.
const Coding kH264WithB = {
    Codec::h264,
    "x264enc bframes=2 b-adapt=false option-string=scenecut=0 key-int-max=60 bitrate=400 threads=1",
    "video/x-h264,stream-format=byte-stream,alignment=au,profile=main", kH264.decoder};
const Coding kVp8 = {
    Codec::vp8,
    "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=30 lag-in-frames=0 target-bitrate=400000 "
    "end-usage=cbr",
    "video/x-vp8", "vp8dec max-errors=1"};
// Every other picture is referred to by none: see use_layers().
const Coding kVp8Layers = {
    Codec::vp8,
    "vp8enc name=layers deadline=1 cpu-used=8 keyframe-max-dist=60 lag-in-frames=0 target-bitrate=400000 "
    "end-usage=cbr error-resilient=default",
    "video/x-vp8", "vp8dec max-errors=1"};

G_GNUC_BEGIN_IGNORE_DEPRECATIONS  // GValueArray is what vp8enc takes, and gst-launch cannot write one
    void
    set_numbers(GstElement* element, const char* property, const std::vector<int>& numbers) {
  GValueArray* array = g_value_array_new(guint(numbers.size()));
  for (const int number : numbers) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, G_TYPE_INT);
    g_value_set_int(&value, number);
    g_value_array_append(array, &value);
    g_value_unset(&value);
  }
  g_object_set(element, property, array, nullptr);
  g_value_array_free(array);
}
G_GNUC_END_IGNORE_DEPRECATIONS

// Two temporal layers, of whom the upper one updates nothing.
void use_layers(GstBin* pipeline) {
  const auto encoder = adopt(gst_bin_get_by_name(pipeline, "layers"));
  if (!encoder) return;
  g_object_set(encoder.get(), "temporal-scalability-number-layers", 2, "temporal-scalability-periodicity", 2,
               nullptr);
  set_numbers(encoder.get(), "temporal-scalability-layer-id", {0, 1});
  set_numbers(encoder.get(), "temporal-scalability-rate-decimator", {2, 1});
  set_numbers(encoder.get(), "temporal-scalability-target-bitrate", {240'000, 400'000});
  gst_util_set_object_arg(G_OBJECT(encoder.get()), "temporal-scalability-layer-flags",
                          "<no-ref-golden+no-ref-alt+no-upd-golden+no-upd-alt,"
                          "no-ref-golden+no-ref-alt+no-upd-last+no-upd-golden+no-upd-alt+no-upd-entropy>");
  gst_util_set_object_arg(G_OBJECT(encoder.get()), "temporal-scalability-layer-sync-flags", "<false,false>");
}

std::string source(const std::string& properties) {
  return "videotestsrc pattern=snow " + properties +
         " ! video/x-raw,format=I420,width=160,height=120,framerate=30/1 ! ";
}

Units encode(const Coding& coding, int pictures) {
  GError* error = nullptr;
  const auto pipeline =
      sink(gst_parse_launch((source("num-buffers=" + std::to_string(pictures)) + coding.encoder + " ! " +
                             coding.caps + " ! appsink name=end sync=false")
                                .c_str(),
                            &error));
  g_assert_no_error(error);
  const auto end = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "end"));
  use_layers(GST_BIN(pipeline.get()));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  Units units;
  while (GstSample* sample = gst_app_sink_pull_sample(GST_APP_SINK(end.get()))) {
    units.push_back(share(gst_sample_get_buffer(sample)));
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return units;
}

Pictures decode(const Coding& coding, const Units& units) {
  GstHarness* harness = gst_harness_new_parse(coding.decoder);
  gst_harness_set_src_caps_str(harness, coding.caps);
  for (const auto& unit : units)
    EXPECT_EQ(gst_harness_push(harness, gst_buffer_ref(unit.get())), GST_FLOW_OK);
  gst_harness_push_event(harness, gst_event_new_eos());
  Pictures pictures;
  while (GstBuffer* picture = gst_harness_try_pull(harness)) {
    EXPECT_FALSE(GST_BUFFER_FLAG_IS_SET(picture, GST_BUFFER_FLAG_CORRUPTED));
    pictures[GST_BUFFER_PTS(picture)] = checksum(picture);
    gst_buffer_unref(picture);
  }
  gst_harness_teardown(harness);
  return pictures;
}

// Every unit gives a picture, and it is the one that the whole stream gives.
void expect_same_pictures(const Coding& coding, const Units& some, const Pictures& all) {
  const Pictures pictures = decode(coding, some);
  EXPECT_EQ(pictures.size(), some.size());
  for (const auto& [time, sum] : pictures) {
    const auto same = all.find(time);
    ASSERT_NE(same, all.end()) << time;
    EXPECT_EQ(sum, same->second) << "another picture at " << GST_TIME_AS_MSECONDS(time);
  }
}

void leave_out_the_droppable(const Coding& coding, double part) {
  const Units all = encode(coding, 60);
  Units some;
  viewer::DroppableUnits droppable;
  for (const auto& unit : all)
    if (!droppable.next(coding.codec, unit.get())) some.push_back(unit);
  EXPECT_NEAR(double(all.size() - some.size()), part * double(all.size()), 0.1 * double(all.size()));
  expect_same_pictures(coding, some, decode(coding, all));
}

TEST(Droppable, InH264WhatIsNoReferenceCanBeLeftOut) { leave_out_the_droppable(kH264WithB, 0.33); }
TEST(Droppable, InVp8WhatIsNoReferenceCanBeLeftOut) { leave_out_the_droppable(kVp8Layers, 0.5); }
TEST(Droppable, AChainOfReferencesHasNothingToLeaveOut) {
  leave_out_the_droppable(kH264, 0);
  leave_out_the_droppable(kVp8, 0);
}

TEST(Droppable, WhatIsNoPictureIsNot) {
  for (const Codec codec : {Codec::h264, Codec::vp8, Codec::vp9, Codec::av1}) {
    for (const std::string& bytes :
         {std::string(), std::string(1, '\1'), std::string(300, '\0'), std::string(300, '\xff')}) {
      const auto buffer = adopt(gst_buffer_new());
      if (!bytes.empty())
        gst_buffer_append_memory(
            buffer.get(), gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, const_cast<char*>(bytes.data()),
                                                 bytes.size(), 0, bytes.size(), nullptr, nullptr));
      EXPECT_FALSE(viewer::DroppableUnits().next(codec, buffer.get()))
          << int(codec) << " of " << bytes.size();
    }
  }
}

// Two viewers of one stream, of whom the network of the first carries `rate`.
class Thinned {
 public:
  explicit Thinned(const Coding& coding) : coding_(coding) {
    GError* error = nullptr;
    pipeline_ =
        sink(gst_parse_launch(("campaignmux name=mux key-frame-share=0.1 " + source("is-live=true") +
                               coding.encoder + " ! " + coding.caps +
                               " ! mux.sink_0 mux.src_0 ! appsink name=thinned sync=false async=false "
                               "mux.src_1 ! appsink name=whole sync=false async=false")
                                  .c_str(),
                              &error));
    g_assert_no_error(error);
    use_layers(GST_BIN(pipeline_.get()));
    mux_ = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "mux"));
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  }
  ~Thinned() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }

  // As adaptivebitrate says it.
  void carry(guint64 rate) {
    const auto pad = adopt(gst_element_get_static_pad(mux_.get(), "src_0"));
    gst_pad_send_event(
        pad.get(), gst_event_new_custom(
                       GST_EVENT_CUSTOM_UPSTREAM,
                       gst_structure_new("campaign-quality", "quality", G_TYPE_STRING, "low", "bitrate",
                                         G_TYPE_UINT64, rate, "too-slow", G_TYPE_BOOLEAN, TRUE, nullptr)));
  }
  guint64 thinned() const {
    const auto pad = adopt(gst_element_get_static_pad(mux_.get(), "src_0"));
    GstStructure* raw = nullptr;
    g_object_get(pad.get(), "stats", &raw, nullptr);
    const StructurePtr stats{raw};
    guint64 count = 0;
    gst_structure_get_uint64(raw, "thinned", &count);
    return count;
  }
  // What both got until now. The first is never ahead at the end, but may begin with what the other got
  // before.
  void play(double seconds) {
    const auto collect = [&](const char* name, Units& units) {
      const auto end = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name));
      while (GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(end.get()), 0)) {
        units.push_back(share(gst_sample_get_buffer(sample)));
        gst_sample_unref(sample);
      }
    };
    const auto length = [](const Units& units) {
      return units.empty() ? 0 : GST_BUFFER_PTS(units.back().get()) - GST_BUFFER_PTS(units.front().get());
    };
    ASSERT_TRUE(wait_until(
        [&] {
          collect("whole", whole);
          collect("thinned", some);
          return length(whole) >= GstClockTime(seconds * double(GST_SECOND)) &&
                 (some.empty() || GST_BUFFER_PTS(some.back().get()) <= GST_BUFFER_PTS(whole.back().get()));
        },
        60));
  }
  const Coding& coding() const { return coding_; }

  Units whole, some;

 private:
  const Coding& coding_;
  Ref<GstElement> pipeline_, mux_;
};

double longest_pause(const Units& units) {
  GstClockTime longest = 0;
  for (std::size_t i = 1; i < units.size(); ++i)
    longest = std::max(longest, GST_BUFFER_PTS(units[i].get()) - GST_BUFFER_PTS(units[i - 1].get()));
  return double(longest) / double(GST_SECOND);
}

double bits(const Units& units) {
  double sum = 0;
  for (const auto& unit : units) sum += 8.0 * double(gst_buffer_get_size(unit.get()));
  return sum;
}

void thin(const Coding& coding, guint64 rate, double longest) {
  Thinned viewers(coding);
  viewers.play(1);
  viewers.carry(rate);
  viewers.whole.clear();
  viewers.some.clear();
  viewers.play(8);
  ASSERT_GT(viewers.thinned(), 0u);
  ASSERT_FALSE(viewers.some.empty());
  EXPECT_LT(longest_pause(viewers.some), longest);
  EXPECT_LT(longest_pause(viewers.whole), 0.3) << "a viewer on a bad link changes what the other gets";
  EXPECT_LT(bits(viewers.some) / 8, 1.3 * double(rate));
  // Both were in the middle of a group when the rate came, or one of them just past a key frame.
  const auto key = std::find_if(viewers.some.begin(), viewers.some.end(), [&](const auto& unit) {
    return is_key(unit) && GST_BUFFER_PTS(unit.get()) >= GST_BUFFER_PTS(viewers.whole.front().get());
  });
  ASSERT_NE(key, viewers.some.end());
  const Units from_key(key, viewers.some.end());
  const auto same = std::find_if(viewers.whole.begin(), viewers.whole.end(), [&](const auto& unit) {
    return GST_BUFFER_PTS(unit.get()) == GST_BUFFER_PTS(key->get());
  });
  ASSERT_NE(same, viewers.whole.end());
  expect_same_pictures(coding, from_key, decode(coding, Units(same, viewers.whole.end())));
}

TEST(Thinning, H264MovesOnAtLessThanItsRateAndDecodes) { thin(kH264, 250'000, 2.5); }
TEST(Thinning, Vp8MovesOnAtLessThanItsRateAndDecodes) { thin(kVp8, 250'000, 2.5); }
TEST(Thinning, Vp8InLayersLosesOnlyTheUpperOne) { thin(kVp8Layers, 330'000, 0.3); }
TEST(Thinning, At150KilobitsItStillMoves) { thin(kH264, 150'000, 3.5); }

}  // namespace
}  // namespace campaign::test
