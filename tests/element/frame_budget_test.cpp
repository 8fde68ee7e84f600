// campaignsink on a machine that cannot keep up: the encoder is made as slow as the test wants, so that the
// machine's own speed does not matter.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>

#include "serving_pipeline.hpp"
#include "test_viewer.hpp"
#include "util/gst_ptr.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

constexpr double kSoon = 60;   // seconds; a busy machine takes its time
constexpr double kLate = 150;  // a raise is patient, also on a quiet one

class SlowPipeline : public ServingPipeline {
 public:
  explicit SlowPipeline(const std::string& launch) : ServingPipeline(launch) {
    g_signal_connect(sink(), "encoder-setup",
                     G_CALLBACK(+[](GstElement*, GstPad*, GstElement* encoder, gpointer self) {
                       const auto pad = adopt(gst_element_get_static_pad(encoder, "sink"));
                       gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, delay, self, nullptr);
                     }),
                     this);
  }
  ~SlowPipeline() { stop(); }

  void slow_down(unsigned milliseconds) { delay_ms_ = milliseconds; }

 private:
  static GstPadProbeReturn delay(GstPad*, GstPadProbeInfo*, gpointer self) {
    if (const unsigned ms = static_cast<SlowPipeline*>(self)->delay_ms_) g_usleep(ms * 1000);
    return GST_PAD_PROBE_OK;
  }

  std::atomic<unsigned> delay_ms_ = 0;
};

std::string world(const std::string& properties = "") {
  return "particlesrc name=world is-live=true device=cpu particles=2000 ! "
         "application/x-particle-state(memory:CampaignParticles),framerate=30/1 ! campaignsink name=sink "
         "port=0 "
         "ladder=\"{\\\"rungs\\\":[{\\\"name\\\":\\\"only\\\",\\\"threshold\\\":0,\\\"particles\\\":2000,"
         "\\\"width\\\":160,\\\"height\\\":120,\\\"bitrate\\\":200000}]}\" " +
         properties;
}

bool wait_for(SlowPipeline& pipeline, const char* quality,
              const std::function<bool(const RungWork&)>& condition, double seconds) {
  return wait_until([&] { return condition(pipeline.rung(quality)); }, seconds);
}

TEST(FrameBudget, AWorldThatCannotBeDrawnInTimeIsLoweredForAllToSeeAndComesBack) {
  SlowPipeline pipeline(world());
  ASSERT_TRUE(pipeline.play());
  TestViewer viewer(pipeline.port());
  ASSERT_TRUE(viewer.wait_for_frames(10, kSoon));
  pipeline.slow_down(100);
  ASSERT_TRUE(wait_for(
      pipeline, "only", [](const RungWork& rung) { return rung.lowered; }, kSoon));
  EXPECT_LT(pipeline.rung("only").particles, 2000u);
  EXPECT_TRUE(wait_until([&] { return pipeline.simulated() < 2000; }, kSoon));
  EXPECT_TRUE(wait_until([&] { return pipeline.told_of_load(true); }, kSoon));
  EXPECT_TRUE(wait_until(
      [&] {
        const auto stats = viewer.socket().wait_for("stats", 2);
        return stats.is_object() && stats["busy"].is_object() && stats["busy"]["allParticles"] == 2000 &&
               stats["busy"]["particles"] < 2000;
      },
      kSoon));

  pipeline.slow_down(0);
  EXPECT_TRUE(wait_for(
      pipeline, "only", [](const RungWork& rung) { return !rung.lowered && rung.particles == 2000; }, kLate));
  EXPECT_TRUE(wait_until([&] { return pipeline.told_of_load(false); }, kSoon));
  EXPECT_TRUE(wait_until([&] { return pipeline.simulated() == 2000; }, kSoon));
  EXPECT_GT(pipeline.rung("only").frame_time, 0u);
  EXPECT_TRUE(viewer.wait_for_frames(30, kSoon));
}

TEST(FrameBudget, OfVideoThereAreFewerPicturesAndTheyKeepTheirTime) {
  SlowPipeline pipeline(
      "videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=30/1 ! campaignsink name=sink "
      "port=0");
  ASSERT_TRUE(pipeline.play());
  TestViewer viewer(pipeline.port());
  ASSERT_TRUE(viewer.wait_for_frames(10, kSoon));
  pipeline.slow_down(40);
  ASSERT_TRUE(wait_for(
      pipeline, "high", [](const RungWork& rung) { return rung.limit < 30; }, kSoon));
  EXPECT_TRUE(viewer.wait_for_frames(30, kSoon));
}

TEST(FrameBudget, WithoutQosEverythingStaysAsItIsWished) {
  SlowPipeline pipeline(world("qos=false"));
  ASSERT_TRUE(pipeline.play());
  TestViewer viewer(pipeline.port());
  ASSERT_TRUE(viewer.wait_for_frames(10, kSoon));
  pipeline.slow_down(100);
  ASSERT_TRUE(viewer.wait_for_frames(60, kSoon));  // six seconds of too much
  const RungWork rung = pipeline.rung("only");
  EXPECT_FALSE(rung.lowered);
  EXPECT_EQ(rung.particles, 2000u);
  EXPECT_GT(rung.load, 1);
  g_object_set(pipeline.sink(), "qos", TRUE, nullptr);
  EXPECT_TRUE(wait_for(
      pipeline, "only", [](const RungWork& now) { return now.lowered; }, kSoon));
}

}  // namespace
}  // namespace campaign::test
