// campaignmux as an element: its properties, its states and its streams' names.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <string>

#include "mux_harness.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

TEST(CampaignMux, RefusesASecondStreamOfOneName) {
  MuxPipeline pipeline(kMux + source("h264", "sink_0", 160, 120) + source("h264", "sink_1", 160, 120));
  pipeline.play();
  std::string text;
  EXPECT_TRUE(wait_until(
      [&] { return (text += pipeline.complaint()).find("already has the quality high") != text.npos; }));
}

TEST(CampaignMux, StopsAndPlaysAgain) {
  MuxPipeline pipeline(kTwoCampaigns + source("h264", "sink_0", 160, 120) +
                       source("h264", "sink_1", 160, 120) +
                       "mux.src_0 ! avdec_h264 max-errors=1 ! fakesink async=false sync=false");
  for (int i = 0; i < 5; ++i) {
    Tap out(pipeline.pad("src_0").get());
    pipeline.play();
    ASSERT_TRUE(wait_until([&] { return out.count() > 3; })) << i;
    const gint64 start = g_get_monotonic_time();
    ASSERT_EQ(gst_element_set_state(pipeline.pipeline(), i % 2 ? GST_STATE_NULL : GST_STATE_READY),
              GST_STATE_CHANGE_SUCCESS);
    EXPECT_LT(g_get_monotonic_time() - start, 2 * G_USEC_PER_SEC);
  }
  EXPECT_EQ(pipeline.complaint(), "");
}

TEST(CampaignMux, LatencyIsThatOfTheSlowestStream) {
  MuxPipeline pipeline(
      kTwoCampaigns + source("h264", "sink_0", 160, 120) +
      "videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=10/1 ! x264enc "
      "tune=zerolatency ! video/x-h264,profile=constrained-baseline ! mux.sink_1 "
      "mux.src_0 ! fakesink name=end async=false sync=false");
  Tap out(pipeline.pad("src_0").get());
  pipeline.play();
  ASSERT_TRUE(wait_until([&] { return out.count() > 2; }));
  GstQuery* query = gst_query_new_latency();
  ASSERT_TRUE(gst_pad_query(pipeline.pad("src_0").get(), query));
  gboolean live = FALSE;
  GstClockTime min = 0;
  gst_query_parse_latency(query, &live, &min, nullptr);
  gst_query_unref(query);
  EXPECT_TRUE(live);
  EXPECT_GE(min, 100 * GST_MSECOND);  // a picture of the slower source
}

TEST(CampaignMux, AFlushReachesThoseWhoWatchAndTheirStreamGoesOn) {
  MuxPipeline pipeline(
      kTwoCampaigns + "src_1::campaign=b " + source("h264", "sink_0", 160, 120, "name=camera") +
      source("h264", "sink_1", 160, 120) +
      "mux.src_0 ! fakesink async=false sync=false mux.src_1 ! fakesink async=false sync=false");
  Tap a(pipeline.pad("src_0").get()), b(pipeline.pad("src_1").get());
  pipeline.play();
  ASSERT_TRUE(wait_until([&] { return a.count() > 5 && b.count() > 5; }));
  auto camera = pipeline.element("camera");
  gst_element_send_event(camera.get(), gst_event_new_flush_start());
  gst_element_send_event(camera.get(), gst_event_new_flush_stop(TRUE));
  EXPECT_EQ(a.events("flush-start"), 1);
  EXPECT_EQ(a.events("flush-stop"), 1);
  EXPECT_EQ(b.events("flush-start"), 0);
  const std::size_t before = a.count();
  EXPECT_TRUE(wait_until([&] { return a.count() > before + 5; }));
  EXPECT_EQ(a.events("segment"), 2);
}

TEST(CampaignMux, WhoLeavesAStreamWhileItIsFlushedGoesOn) {
  MuxPipeline pipeline(kTwoCampaigns + source("h264", "sink_0", 160, 120, "name=camera") +
                       source("h264", "sink_1", 160, 120) + "mux.src_0 ! fakesink async=false sync=false");
  Tap out(pipeline.pad("src_0").get());
  pipeline.play();
  ASSERT_TRUE(wait_until([&] { return out.count() > 5; }));
  auto camera = pipeline.element("camera");
  gst_element_send_event(camera.get(), gst_event_new_flush_start());
  g_object_set(pipeline.pad("src_0").get(), "campaign", "b", nullptr);
  EXPECT_TRUE(wait_until([&] { return pipeline.stat("src_0", "switches") == 1; }));
  gst_element_send_event(camera.get(), gst_event_new_flush_stop(TRUE));
  const std::size_t before = out.count();
  EXPECT_TRUE(wait_until([&] { return out.count() > before + 5; }));
  EXPECT_EQ(pipeline.current("src_0", "current-campaign"), "b");
  EXPECT_EQ(out.events("flush-stop"), 1);
  const auto units = out.units();
  for (std::size_t i = 1; i < units.size(); ++i) EXPECT_GT(units[i].pts, units[i - 1].pts);
}

TEST(CampaignMux, EveryPropertyExplainsItself) {
  auto mux = sink(gst_element_factory_make("campaignmux", nullptr));
  auto in = adopt(gst_element_request_pad_simple(mux.get(), "sink_%u"));
  auto out = adopt(gst_element_request_pad_simple(mux.get(), "src_%u"));
  for (GObject* object : {G_OBJECT(mux.get()), G_OBJECT(in.get()), G_OBJECT(out.get())}) {
    guint count = 0;
    GParamSpec** properties = g_object_class_list_properties(G_OBJECT_GET_CLASS(object), &count);
    for (guint i = 0; i < count; ++i) {
      if (properties[i]->owner_type != G_OBJECT_TYPE(object)) continue;
      EXPECT_GT(std::string(g_param_spec_get_blurb(properties[i])).size(), 15u) << properties[i]->name;
      if (properties[i]->flags & G_PARAM_WRITABLE) {
        EXPECT_TRUE(properties[i]->flags & (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PLAYING))
            << properties[i]->name;
      }
    }
    g_free(properties);
  }
}

}  // namespace
}  // namespace campaign::test
