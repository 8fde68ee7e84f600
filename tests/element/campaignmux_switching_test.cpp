// What a viewer of campaignmux gets while it switches, by real encoders and decoders.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "mux_harness.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

// Switches between campaigns and rungs, and decodes what comes out.
void switch_and_decode(const std::string& codec, const std::string& decoder) {
  MuxPipeline pipeline(
      kMux +
      "key-frame-share=1 sink_0::campaign=a sink_0::quality=high sink_1::campaign=a sink_1::quality=low "
      "sink_2::campaign=b sink_2::quality=high src_0::campaign=a src_0::quality=high " +
      source(codec, "sink_0", 320, 240) + source(codec, "sink_1", 160, 120) +
      source(codec, "sink_2", 240, 180) + "mux.src_0 ! " + decoder + " ! fakesink name=end sync=false");
  Tap out(pipeline.pad("src_0").get());
  Tap decoded(adopt(gst_element_get_static_pad(pipeline.element("end").get(), "sink")).get());
  pipeline.play();
  const struct {
    const char *campaign, *quality;
  } wishes[] = {{"a", "high"}, {"a", "low"}, {"b", "high"}, {"a", "low"}, {"a", "high"}, {"b", "high"}};
  for (int round = 0; round < 3; ++round) {
    for (const auto& wish : wishes) {
      g_object_set(pipeline.pad("src_0").get(), "campaign", wish.campaign, "quality", wish.quality, nullptr);
      ASSERT_TRUE(wait_until([&] {
        return pipeline.current("src_0", "current-campaign") == wish.campaign &&
               pipeline.current("src_0", "current-quality") == wish.quality;
      })) << wish.campaign
          << wish.quality;
      const std::size_t before = decoded.count();
      ASSERT_TRUE(wait_until([&] { return decoded.count() > before + 5; }));
    }
  }
  const auto units = out.units();
  ASSERT_GT(units.size(), 60u);
  EXPECT_TRUE(units.front().key_frame);
  for (std::size_t i = 1; i < units.size(); ++i) {
    EXPECT_GT(units[i].pts, units[i - 1].pts);
    EXPECT_FALSE(units[i].after_gap);
    EXPECT_LT(units[i].pts - units[i - 1].pts, kFrameTime * 27 / 10) << "a picture or two were left out";
  }
  EXPECT_EQ(out.events("caps"), 1);
  EXPECT_EQ(out.events("stream-start"), 1);
  EXPECT_EQ(out.events("segment"), 1);
  EXPECT_GE(pipeline.stat("src_0", "switches"),
            17u);  // the first rung there may not have been the wished one
  EXPECT_EQ(pipeline.stat("src_0", "dropped"), 0u);
  EXPECT_EQ(pipeline.complaint(), "");
  EXPECT_TRUE(wait_until([&] { return decoded.count() + 2 >= units.size(); }));
}

TEST(CampaignMuxSwitching, ASwitchedH264StreamDecodesWithoutAnError) {
  switch_and_decode("h264", "avdec_h264 max-errors=1 output-corrupt=false");
}

TEST(CampaignMuxSwitching, ASwitchedVp8StreamDecodesWithoutAnError) {
  switch_and_decode("vp8", "vp8dec max-errors=1");
}

TEST(CampaignMuxSwitching, ASwitchedVp9StreamDecodesWithoutAnError) {
  switch_and_decode("vp9", "vp9dec max-errors=1");
}

TEST(CampaignMuxSwitching, ASwitchedAv1StreamDecodesWithoutAnError) {
  switch_and_decode("av1", "av1dec max-errors=1");
}

// Somebody who comes while the stream goes on sees every picture from the first that is sent.
void join_and_decode(MuxPipeline& pipeline, const std::string& decoder) {
  GError* error = nullptr;
  const std::string late = decoder + " ! fakesink name=late async=false sync=false";
  GstElement* end = gst_parse_bin_from_description(late.c_str(), TRUE, &error);
  ASSERT_FALSE(error);
  gst_bin_add(GST_BIN(pipeline.pipeline()), end);
  gst_element_sync_state_with_parent(end);
  auto pad = adopt(gst_element_request_pad_simple(pipeline.mux(), "src_%u"));
  g_object_set(pad.get(), "campaign", "a", nullptr);
  auto entry = adopt(gst_element_get_static_pad(end, "sink"));
  Tap sent(pad.get());
  Tap decoded(adopt(gst_element_get_static_pad(pipeline.element("late").get(), "sink")).get());
  ASSERT_EQ(gst_pad_link(pad.get(), entry.get()), GST_PAD_LINK_OK);
  ASSERT_TRUE(wait_until([&] { return decoded.count() >= 20; })) << pipeline.complaint();
  EXPECT_TRUE(sent.units().front().key_frame);
  EXPECT_LE(decoded.units().front().pts, sent.units().front().pts);
  EXPECT_EQ(pipeline.complaint(), "");
}

struct Joined {
  const char *codec, *decoder;
};
class CampaignMuxJoining : public testing::TestWithParam<Joined> {};
TEST_P(CampaignMuxJoining, MidStreamEveryPictureIsDecoded) {
  MuxPipeline pipeline(kMux + "key-frame-share=0.0001 sink_0::campaign=a src_0::campaign=a " +
                       source(GetParam().codec, "sink_0", 160, 120) +
                       "mux.src_0 ! fakesink async=false sync=false");
  Tap out(pipeline.pad("src_0").get());
  pipeline.play();
  ASSERT_TRUE(wait_until([&] { return out.count() > 20; }));
  join_and_decode(pipeline, GetParam().decoder);
}
INSTANTIATE_TEST_SUITE_P(, CampaignMuxJoining,
                         testing::Values(Joined{"h264", "avdec_h264 max-errors=1 output-corrupt=false"},
                                         Joined{"vp8", "vp8dec max-errors=1"},
                                         Joined{"vp9", "vp9dec max-errors=1"},
                                         Joined{"av1", "av1dec max-errors=1"}),
                         [](const auto& about) { return std::string(about.param.codec); });

// As of an encoder that sends its parameter sets at the start only.
GstPadProbeReturn take_parameter_sets(GstPad*, GstPadProbeInfo* info, gpointer taken) {
  GstBuffer* unit = GST_PAD_PROBE_INFO_BUFFER(info);
  if (GST_BUFFER_FLAG_IS_SET(unit, GST_BUFFER_FLAG_DELTA_UNIT)) return GST_PAD_PROBE_OK;
  GstMapInfo map;
  gst_buffer_map(unit, &map, GST_MAP_READ);
  gsize picture = 0;
  for (gsize i = 0; picture == 0 && i + 3 < map.size; ++i)
    if (map.data[i] == 0 && map.data[i + 1] == 0 && map.data[i + 2] == 1 && (map.data[i + 3] & 0x1f) == 5)
      picture = i;
  gst_buffer_unmap(unit, &map);
  g_assert(picture > 0);  // they were there
  if ((*static_cast<std::atomic<int>*>(taken))++ == 0) return GST_PAD_PROBE_OK;
  GstBuffer* bare = gst_buffer_copy_region(unit, GST_BUFFER_COPY_ALL, picture, gsize(-1));
  GST_BUFFER_PTS(bare) = GST_BUFFER_PTS(unit);  // which a copy from the middle has not
  GST_PAD_PROBE_INFO_DATA(info) = bare;
  gst_buffer_unref(unit);
  return GST_PAD_PROBE_OK;
}

TEST(CampaignMuxSwitching, WhoJoinsGetsTheParameterSetsThatWereSentAtTheStartOnly) {
  std::atomic<int> key_frames = 0;
  MuxPipeline pipeline(kMux + "key-frame-share=1 sink_0::campaign=a src_0::campaign=a " +
                       source("h264", "sink_0", 160, 120) + "mux.src_0 ! fakesink async=false sync=false");
  Tap out(pipeline.pad("src_0").get());
  auto encoded = adopt(gst_pad_get_peer(pipeline.pad("sink_0").get()));
  gst_pad_add_probe(encoded.get(), GST_PAD_PROBE_TYPE_BUFFER, take_parameter_sets, &key_frames, nullptr);
  pipeline.play();
  ASSERT_TRUE(wait_until([&] { return out.count() > 20; }));
  join_and_decode(pipeline, "avdec_h264 max-errors=1 output-corrupt=false");
  EXPECT_GE(key_frames, 2);
}

TEST(CampaignMuxSwitching, AutoFollowsTheEstimateFromDownstreamUpToTheHighestQuality) {
  MuxPipeline pipeline(kMux + "sink_0::quality=low sink_1::quality=high src_0::max-quality=ultra " +
                       source("h264", "sink_0", 160, 120) + source("h264", "sink_1", 320, 240) +
                       "mux.src_0 ! fakesink name=end async=false sync=false");
  pipeline.play();
  const auto say = [&](const char* quality, guint64 bitrate) {
    auto pad = adopt(gst_element_get_static_pad(pipeline.element("end").get(), "sink"));
    gst_pad_push_event(pad.get(), gst_event_new_custom(
                                      GST_EVENT_CUSTOM_UPSTREAM,
                                      gst_structure_new("campaign-quality", "quality", G_TYPE_STRING, quality,
                                                        "bitrate", G_TYPE_UINT64, bitrate, nullptr)));
  };
  const auto watches = [&](const char* quality) {
    return wait_until([&] { return pipeline.current("src_0", "current-quality") == quality; });
  };
  EXPECT_TRUE(watches("high"));  // until somebody knows better
  say("medium", 1'500'000);
  EXPECT_TRUE(watches("low"));
  say("ultra", 20'000'000);
  EXPECT_TRUE(watches("high"));
  g_object_set(pipeline.pad("src_0").get(), "max-quality", "medium", nullptr);
  EXPECT_TRUE(watches("low"));
  g_object_set(pipeline.pad("src_0").get(), "max-quality", nullptr, "quality", "high", nullptr);
  EXPECT_TRUE(watches("high"));
  say("low", 1000);
  const guint64 before = pipeline.stat("src_0", "delivered");
  EXPECT_TRUE(wait_until([&] { return pipeline.stat("src_0", "delivered") > before + 10; }));
  EXPECT_EQ(pipeline.current("src_0", "current-quality"), "high");  // it was asked for by name
}

}  // namespace
}  // namespace campaign::test
