// A live particlesrc keeps to the clock, which is the test's own here: nothing depends on how fast this
// machine is.
#include <gst/check/gstharness.h>
#include <gtest/gtest.h>

#include "frames.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

constexpr GstClockTime kFrame = GST_SECOND / 25;

class LiveParticleSrc : public testing::Test {
 protected:
  void SetUp() override {
    harness_ = gst_harness_new_with_padnames("particlesrc", nullptr, "src");
    gst_harness_use_testclock(harness_);
    g_object_set(harness_->element, "is-live", TRUE, "particles", 1000, "device", "cpu", nullptr);
    gst_harness_set_sink_caps_str(harness_, "video/x-raw,format=NV12,width=32,height=18,framerate=25/1");
  }
  void TearDown() override { gst_harness_teardown(harness_); }

  void wait_until_it_waits() { ASSERT_TRUE(gst_harness_wait_for_clock_id_waits(harness_, 1, 20)); }
  Frame pull() {
    GstBuffer* buffer = gst_harness_pull(harness_);
    EXPECT_TRUE(buffer);
    if (!buffer) return {};
    GstCaps* caps = gst_pad_get_current_caps(harness_->sinkpad);
    Frame frame = look_at(buffer, caps);
    gst_caps_unref(caps);
    gst_buffer_unref(buffer);
    return frame;
  }
  // Lets the clock reach the time that the source waits for, which gives one frame.
  Frame next() {
    EXPECT_TRUE(gst_harness_crank_single_clock_wait(harness_));
    return pull();
  }
  // The time comes, and whoever waits for it goes on. In PAUSED a source of GStreamer 1.22 does, one of 1.26
  // does not.
  void reach(GstClockTime time) {
    GstTestClock* clock = gst_harness_get_testclock(harness_);
    gst_test_clock_set_time(clock, time);
    if (GstClockID id = gst_test_clock_process_next_clock_id(clock)) gst_clock_id_unref(id);
    gst_object_unref(clock);
  }
  // What comes after a pause in which frame `number` was held: that one, or, as GStreamer 1.26 lets go of it,
  // the one after it.
  Frame held_or_next(guint64 number) {
    GstTestClock* clock = gst_harness_get_testclock(harness_);
    EXPECT_TRUE(wait_until(
        [&] { return waiting() > 0 || gst_test_clock_get_next_entry_time(clock) == (number + 1) * kFrame; }));
    gst_object_unref(clock);
    return waiting() > 0 ? pull() : next();
  }
  guint waiting() { return gst_harness_buffers_in_queue(harness_); }

  GstHarness* harness_ = nullptr;
};

TEST_F(LiveParticleSrc, PacesToTheClock) {
  gst_harness_play(harness_);
  GstTestClock* clock = gst_harness_get_testclock(harness_);
  for (guint64 number = 0; number < 20; ++number) {
    wait_until_it_waits();
    EXPECT_EQ(waiting(), 0u);
    EXPECT_EQ(gst_test_clock_get_next_entry_time(clock), number * kFrame);
    const Frame frame = next();
    EXPECT_EQ(frame.pts, number * kFrame);
    EXPECT_EQ(frame.duration, kFrame);
    EXPECT_EQ(frame.offset, number);
    EXPECT_EQ(frame.discont, number == 0);
  }
  gst_object_unref(clock);
  EXPECT_EQ(SourceStats(harness_->element).skipped, 0u);
}

TEST_F(LiveParticleSrc, SkipsToTheClockAfterAStall) {
  gst_harness_play(harness_);
  EXPECT_EQ(next().offset, 0u);
  wait_until_it_waits();  // with frame 1
  gst_harness_set_time(harness_, 100 * kFrame + kFrame / 2);
  EXPECT_EQ(next().offset, 1u);
  const Frame late = next();
  EXPECT_EQ(late.offset, 100u);
  EXPECT_EQ(late.pts, 100 * kFrame);
  EXPECT_TRUE(late.discont);
  EXPECT_GT(late.brightness, 17);
  const Frame after = next();
  EXPECT_EQ(after.pts, 101 * kFrame);
  EXPECT_FALSE(after.discont);
  EXPECT_EQ(SourceStats(harness_->element).skipped, 98u);
}

TEST_F(LiveParticleSrc, MakesUpForAFrameOrTwo) {
  gst_harness_play(harness_);
  EXPECT_EQ(next().offset, 0u);
  wait_until_it_waits();
  gst_harness_set_time(harness_, 3 * kFrame);
  for (guint64 number = 1; number <= 3; ++number) EXPECT_EQ(next().offset, number);
  wait_until_it_waits();
  EXPECT_EQ(SourceStats(harness_->element).skipped, 0u);
}

TEST_F(LiveParticleSrc, BeginsAtTheTimeOfAPipelineThatRunsAlready) {
  gst_harness_set_time(harness_, 7 * GST_SECOND + kFrame / 2);
  gst_harness_play(harness_);
  const Frame frame = next();
  EXPECT_EQ(frame.pts, 7 * GST_SECOND);
  EXPECT_EQ(frame.offset, 175u);
  EXPECT_EQ(SourceStats(harness_->element).skipped, 0u);
}

TEST_F(LiveParticleSrc, MakesNoFramesWhilePausedAndStopsWithoutTheClock) {
  gst_harness_play(harness_);
  guint64 number = next().offset;
  EXPECT_EQ(number, 0u);
  for (int i = 0; i < 3; ++i) {
    wait_until_it_waits();
    const guint64 held = number + 1;
    ASSERT_NE(gst_element_set_state(harness_->element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    EXPECT_EQ(gst_element_get_state(harness_->element, nullptr, nullptr, 5 * GST_SECOND),
              GST_STATE_CHANGE_NO_PREROLL);
    reach(held * kFrame);
    EXPECT_EQ(waiting(), 0u);
    ASSERT_NE(gst_element_set_state(harness_->element, GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    number = held_or_next(held).offset;
    EXPECT_GE(number, held);
    EXPECT_LE(number, held + 1);
  }
  wait_until_it_waits();
  EXPECT_EQ(gst_element_set_state(harness_->element, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
}

TEST_F(LiveParticleSrc, SaysThatItIsLiveAndAddsNoLatency) {
  gst_harness_play(harness_);
  EXPECT_EQ(next().offset, 0u);
  GstQuery* query = gst_query_new_latency();
  gboolean live = FALSE;
  GstClockTime least = 1, most = 0;
  ASSERT_TRUE(gst_pad_peer_query(harness_->sinkpad, query));
  gst_query_parse_latency(query, &live, &least, &most);
  gst_query_unref(query);
  EXPECT_TRUE(live);
  EXPECT_EQ(least, 0u);
  EXPECT_EQ(most, 2 * kFrame);  // what it makes up for
}

TEST(ParticleSrcInRealTime, ALiveSourceGoesToASinkWithoutAWarning) {
  for (const char* between : {"", " ! particlerender"}) {
    FramePipeline pipeline(
        std::string("particlesrc name=src is-live=true particles=1000 device=cpu num-buffers=10") + between +
        " ! video/x-raw,format=NV12,width=32,height=18,framerate=30/1 ! fakesink name=sink sync=true");
    ASSERT_TRUE(gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE);
    GstBus* bus = gst_element_get_bus(pipeline.pipeline());
    const auto any = GstMessageType(GST_MESSAGE_WARNING | GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
    GstMessage* message = gst_bus_timed_pop_filtered(bus, 20 * GST_SECOND, any);
    gst_object_unref(bus);
    ASSERT_TRUE(message);
    EXPECT_EQ(GST_MESSAGE_TYPE(message), GST_MESSAGE_EOS)
        << gst_message_type_get_name(GST_MESSAGE_TYPE(message));
    gst_message_unref(message);
  }
}

// Of 2,000 frames a second, each of so many particles that no machine can.
TEST(ParticleSrcInRealTime, AMachineThatIsTooSlowIsSaidToBeOnce) {
  for (const char* between : {"", " ! particlerender"}) {
    FramePipeline pipeline(
        std::string("particlesrc name=src is-live=true particles=3000000 device=cpu") + between +
        " ! video/x-raw,format=NV12,width=32,height=18,framerate=2000/1 ! fakesink name=sink sync=false");
    ASSERT_TRUE(gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE);
    const std::string warning = pipeline.wait_for(GST_MESSAGE_WARNING, 20);
    EXPECT_NE(warning.find("too slow for 3000000 particles"), std::string::npos) << between << warning;
    EXPECT_EQ(pipeline.wait_for(GST_MESSAGE_WARNING, 2.5), "");
    EXPECT_GT(SourceStats(pipeline.src()).skipped, 100u);
  }
}

TEST(ParticleSrcInRealTime, ALiveSourceTakesAsLongAsItsFrames) {
  FramePipeline pipeline("is-live=true num-buffers=16 particles=1000 device=cpu",
                         "format=NV12,width=32,height=18,framerate=25/1");
  const gint64 start = g_get_monotonic_time();
  ASSERT_TRUE(gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE);
  auto frames = pipeline.pull_all();
  const double seconds = double(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
  ASSERT_EQ(frames.size(), 16u);
  for (const Frame& frame : frames) EXPECT_EQ(frame.pts, frame.offset * kFrame);
  EXPECT_GE(seconds, 0.59);  // the 16th frame is due 15 after the first
}

}  // namespace
}  // namespace campaign::test
