// Viewers of campaignmux that ask, are stuck, fall silent, come and go.
#include <gst/gst.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "mux_harness.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

TEST(CampaignMuxViewers, KeyFrameRequestsOfAllViewersAreMerged) {
  std::string launch =
      kMux + "sink_0::campaign=a src_0::campaign=a src_1::campaign=a src_2::campaign=a src_3::campaign=a " +
      source("h264", "sink_0", 160, 120);
  for (int i = 0; i < 4; ++i)
    launch += "mux.src_" + std::to_string(i) + " ! fakesink name=end" + std::to_string(i) +
              " async=false sync=false ";
  MuxPipeline pipeline(launch);
  Tap in(pipeline.pad("sink_0").get()), out(pipeline.pad("src_3").get());
  pipeline.play();
  ASSERT_TRUE(wait_until([&] { return out.count() > 20; }));
  const int before = in.events("GstForceKeyUnit");
  for (int round = 0; round < 25; ++round)
    for (int i = 0; i < 4; ++i) {
      auto pad = adopt(
          gst_element_get_static_pad(pipeline.element(("end" + std::to_string(i)).c_str()).get(), "sink"));
      gst_pad_push_event(pad.get(),
                         gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
    }
  ASSERT_TRUE(wait_until([&] { return in.events("GstForceKeyUnit") > before; }));
  EXPECT_LE(in.events("GstForceKeyUnit") - before, 2);
}

TEST(CampaignMuxViewers, AStuckViewerLosesUpToAKeyFrameAndAffectsNobody) {
  MuxPipeline pipeline(
      kMux + "sink_0::campaign=a src_0::campaign=a src_1::campaign=a " + source("h264", "sink_0", 160, 120) +
      "mux.src_0 ! fakesink async=false sync=false mux.src_1 ! avdec_h264 max-errors=1 ! fakesink "
      "async=false sync=false");
  Tap fine(pipeline.pad("src_0").get()), stuck(pipeline.pad("src_1").get());
  pipeline.play();
  ASSERT_TRUE(wait_until([&] { return fine.count() > 5 && stuck.count() > 5; }));
  stuck.block(true);
  const std::size_t before = fine.count();
  ASSERT_TRUE(wait_until([&] { return fine.count() > before + 40; }));
  EXPECT_GT(pipeline.stat("src_1", "dropped"), 10u);
  stuck.block(false);
  const std::size_t then = stuck.count();
  ASSERT_TRUE(wait_until([&] { return stuck.count() > then + 10; }, 2));
  const auto all = stuck.units();
  int gaps = 0;
  for (std::size_t i = 1; i < all.size(); ++i) {
    EXPECT_GT(all[i].pts, all[i - 1].pts);
    if (all[i].after_gap) {
      ++gaps;
      EXPECT_TRUE(all[i].key_frame);
    }
  }
  EXPECT_GE(gaps, 1);
  const auto others = fine.units();
  for (std::size_t i = 1; i < others.size(); ++i)
    EXPECT_LT(others[i].pts - others[i - 1].pts, kFrameTime * 12 / 10);
  EXPECT_EQ(pipeline.stat("src_0", "dropped"), 0u);
  EXPECT_EQ(pipeline.complaint(), "");
}

TEST(CampaignMuxViewers, AViewerWhoseFeedbackStopsIsPausedAndResumed) {
  MuxPipeline pipeline(kMux + "feedback-timeout=300000000 sink_0::campaign=a src_0::campaign=a " +
                       source("h264", "sink_0", 160, 120) +
                       "mux.src_0 ! fakesink name=end async=false sync=false");
  Tap in(pipeline.pad("sink_0").get()), out(pipeline.pad("src_0").get());
  pipeline.play();
  const auto hear = [&] {
    auto pad = adopt(gst_element_get_static_pad(pipeline.element("end").get(), "sink"));
    gst_pad_push_event(pad.get(), gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                                                       gst_structure_new_empty("campaign-feedback")));
  };
  ASSERT_TRUE(wait_until([&] { return out.count() > 20; }));
  EXPECT_EQ(pipeline.stat("src_0", "pauses"), 0u);
  hear();
  ASSERT_TRUE(wait_until([&] { return pipeline.stat("src_0", "pauses") == 1; }));
  ASSERT_TRUE(wait_until([&] { return in.events("campaign-idle:idle") == 1; }));  // a moment later
  const std::size_t before = out.count();
  hear();
  ASSERT_TRUE(wait_until([&] { return out.count() > before; }));
  EXPECT_TRUE(out.units()[before].key_frame);
  EXPECT_TRUE(out.units()[before].after_gap);
}

TEST(CampaignMuxViewers, PadsComeAndGoFromAnyThreadWhilePlaying) {
  MuxPipeline pipeline(kTwoCampaigns + source("h264", "sink_0", 160, 120) +
                       source("h264", "sink_1", 160, 120) + "mux.src_0 ! fakesink async=false sync=false");
  Tap out(pipeline.pad("src_0").get());
  pipeline.play();
  ASSERT_TRUE(wait_until([&] { return out.count() > 5; }));
  std::atomic<int> seen = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 30; ++i) {
        auto pad = adopt(gst_element_request_pad_simple(pipeline.mux(), "src_%u"));
        g_object_set(pad.get(), "campaign", (i + t) % 2 ? "a" : "b", nullptr);
        auto end = sink(gst_element_factory_make("fakesink", nullptr));
        g_object_set(end.get(), "async", FALSE, "sync", FALSE, nullptr);
        gst_bin_add(GST_BIN(pipeline.pipeline()), end.get());
        gst_element_sync_state_with_parent(end.get());
        auto entry = adopt(gst_element_get_static_pad(end.get(), "sink"));
        Tap tap(pad.get());
        gst_pad_link(pad.get(), entry.get());
        const gint64 deadline = g_get_monotonic_time() + G_USEC_PER_SEC;
        while (tap.count() == 0 && i % 3 == 0 && g_get_monotonic_time() < deadline) g_usleep(1000);
        if (tap.count() > 0) ++seen;
        if (i % 2) gst_pad_unlink(pad.get(), entry.get());
        gst_element_release_request_pad(pipeline.mux(), pad.get());
        gst_element_set_state(end.get(), GST_STATE_NULL);
        gst_bin_remove(GST_BIN(pipeline.pipeline()), end.get());
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_GE(seen, 30);
  const std::size_t before = out.count();
  EXPECT_TRUE(wait_until([&] { return out.count() > before + 10; }));
  EXPECT_EQ(pipeline.complaint(), "");
}

TEST(CampaignMuxViewers, AViewerThatIsStuckDownstreamCanStillBeReleased) {
  MuxPipeline pipeline(
      kTwoCampaigns + source("h264", "sink_0", 160, 120) +
      "mux.src_0 ! queue name=full max-size-buffers=1 ! fakesink name=end async=false sync=false");
  auto end = adopt(gst_element_get_static_pad(pipeline.element("end").get(), "sink"));
  gst_pad_add_probe(
      end.get(), GstPadProbeType(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  Tap out(pipeline.pad("src_0").get());
  pipeline.play();
  ASSERT_TRUE(wait_until([&] { return out.count() >= 3; }));  // the queue is full, and nothing leaves it
  const gint64 start = g_get_monotonic_time();
  gst_element_release_request_pad(pipeline.mux(), pipeline.pad("src_0").get());
  EXPECT_LT(g_get_monotonic_time() - start, 2 * G_USEC_PER_SEC);
}

}  // namespace
}  // namespace campaign::test
