// How adaptivebitrate sends what goes through it: numbers, pace, queue, flush and events.
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "adaptive_harness.hpp"

namespace campaign::test {
namespace {

TEST_F(AdaptiveBitrateHarness, NumbersPacketsInOrderAndLeavesTheRestAlone) {
  start();
  GstBufferList* list = gst_buffer_list_new();
  for (int i = 0; i < 3; ++i) gst_buffer_list_add(list, make_packet(guint16(100 + i), 0, 300, i == 2));
  ASSERT_EQ(gst_pad_push_list(h_->srcpad, list), GST_FLOW_OK);
  ASSERT_TRUE(wait_until([&] { return out().size() >= 3; }));
  const auto packets = out();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(packets[std::size_t(i)].sequence, 100 + i);
    EXPECT_EQ(packets[std::size_t(i)].number, i);
    EXPECT_EQ(packets[std::size_t(i)].payload, 300u);
  }
}

TEST_F(AdaptiveBitrateHarness, PassesWhatIsNoRtp) {
  start();
  ASSERT_EQ(gst_harness_push(h_, gst_buffer_new_allocate(nullptr, 3, nullptr)), GST_FLOW_OK);
  EXPECT_TRUE(wait_until([&] { return gst_harness_buffers_received(h_) == 1; }));
}

TEST_F(AdaptiveBitrateHarness, AddsLessThanFiveMillisecondsAtARungsOwnRate) {
  start_by_hand(5'000'000);
  std::vector<GstClockTime> waits;
  for (int frame = 0; frame < 31; ++frame) {
    const GstClockTime begins = system_now();
    push_frame(4'500'000);
    ASSERT_TRUE(wait_until([&] { return all_out(); }));
    waits.push_back(out().back().at - begins);
    wait_until([&] { return system_now() >= begins + GST_SECOND / 30; });
  }
  std::sort(waits.begin(), waits.end());
  // Paced evenly, every one of them would wait 12 ms; the slow ones say how busy this machine is.
  EXPECT_LT(waits[waits.size() / 4], 5 * GST_MSECOND);
}

TEST_F(AdaptiveBitrateHarness, AFrameThatMayGoIsOutWhenItsLastPacketIsIn) {
  start_by_hand(20'000'000);
  push_frame(900'000);
  ASSERT_TRUE(wait_until([&] { return all_out(); }));
  int at_once = 0;
  for (int frame = 0; frame < 30; ++frame) {
    wait_until([&, due = system_now() + 5 * GST_MSECOND] { return system_now() >= due; });
    push_frame(900'000);
    at_once += all_out();  // on this thread, which waits for nobody
    ASSERT_TRUE(wait_until([&] { return all_out(); }));
  }
  EXPECT_GE(at_once, 15);  // a thread that was stopped between two packets sends by the task
  std::scoped_lock lock(mutex_);
  EXPECT_GE(lists_, 15u);
}

TEST_F(AdaptiveBitrateHarness, AFrameWithoutAnEndGoesOutAllTheSame) {
  start();
  for (int frame = 0; frame < 5; ++frame) push_frame(900'000);
  ASSERT_TRUE(wait_until([&] { return all_out(); }));
  ASSERT_EQ(push(500, false), GST_FLOW_OK);
  EXPECT_TRUE(wait_until([&] { return all_out(); }));
}

TEST_F(AdaptiveBitrateHarness, NeverQueuesWithoutBoundAndStopsWhileItIsFull) {
  start();
  GstPad* pad = gst_element_get_static_pad(element(), "src");
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  gst_object_unref(pad);
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(push(100, i % 10 == 9), GST_FLOW_OK);
  EXPECT_LE(count("queued"), 2100u);
  EXPECT_GT(count("dropped"), 17'000u);
  const gint64 begin = g_get_monotonic_time();
  EXPECT_EQ(gst_element_set_state(element(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  EXPECT_LT(g_get_monotonic_time() - begin, 2 * G_USEC_PER_SEC);
}

TEST_F(AdaptiveBitrateHarness, AfterAnOverflowItGoesOnAtAKeyFrame) {
  start_by_hand(150'000);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(push(1000, true), GST_FLOW_OK);
  ASSERT_TRUE(wait_until([&] {
    take_upstream_events();
    return key_frames_wanted_ > 0;
  }));
  const guint64 dropped = count("dropped");
  EXPECT_GT(dropped, 0u);
  ASSERT_TRUE(wait_until([&] { return count("queued") == 0; }));
  ASSERT_EQ(push(1000, true), GST_FLOW_OK);  // of a frame that needs what was dropped
  EXPECT_EQ(count("dropped"), dropped + 1);
  ASSERT_EQ(push(1000, true, false), GST_FLOW_OK);
  EXPECT_EQ(count("dropped"), dropped + 1);
  EXPECT_TRUE(wait_until([&] { return last_is_out(); }));
}

TEST_F(AdaptiveBitrateHarness, AFlushDropsWhatWaitsAndGoesOn) {
  start_by_hand(150'000);
  for (int i = 0; i < 40; ++i) ASSERT_EQ(push(1000, true), GST_FLOW_OK);
  EXPECT_TRUE(gst_harness_push_event(h_, gst_event_new_flush_start()));
  EXPECT_EQ(count("queued"), 0u);
  EXPECT_EQ(push(1000, true), GST_FLOW_FLUSHING);
  EXPECT_TRUE(gst_harness_push_event(h_, gst_event_new_flush_stop(TRUE)));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  EXPECT_TRUE(gst_harness_push_event(h_, gst_event_new_segment(&segment)));
  ASSERT_EQ(push(1000, true), GST_FLOW_OK);
  EXPECT_TRUE(wait_until([&] { return last_is_out(); }));
  EXPECT_LT(out().size(), 41u);
}

// The thread that brings packets pushes the end of a frame itself, and may never come again after the flush.
TEST_F(AdaptiveBitrateHarness, AFlushDuringAPushOfTheSinksThreadHoldsNothingUp) {
  start_by_hand(20'000'000);
  for (int frame = 0; frame < 3; ++frame) {
    push_frame(900'000);
    ASSERT_TRUE(wait_until([&] { return all_out(); }));
  }
  const auto pad = adopt(gst_element_get_static_pad(element(), "src"));
  std::atomic<std::thread::id> pushes{};
  const gulong block = gst_pad_add_probe(
      pad.get(), GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo*, gpointer id) {
        *static_cast<std::atomic<std::thread::id>*>(id) = std::this_thread::get_id();
        return GST_PAD_PROBE_OK;
      },
      &pushes, nullptr);
  std::thread sink_thread([this] { push(500, true); });
  const auto sink_id = sink_thread.get_id();
  EXPECT_TRUE(wait_until([&] { return pushes.load() == sink_id; }));
  EXPECT_TRUE(gst_harness_push_event(h_, gst_event_new_flush_start()));
  sink_thread.join();
  gst_pad_remove_probe(pad.get(), block);
  EXPECT_TRUE(gst_harness_push_event(h_, gst_event_new_flush_stop(TRUE)));
  EXPECT_TRUE(gst_harness_push_event(h_, gst_event_new_eos()));
  EXPECT_TRUE(wait_until([&] {
    const auto event = adopt(gst_harness_try_pull_event(h_));
    return event && GST_EVENT_TYPE(event.get()) == GST_EVENT_EOS;
  }));
}

TEST_F(AdaptiveBitrateHarness, EventsKeepTheirPlaceAmongThePackets) {
  start();
  for (int i = 0; i < 10; ++i) push_frame(450'000);
  EXPECT_TRUE(gst_harness_push_event(h_, gst_event_new_eos()));
  ASSERT_TRUE(wait_until([&] {
    while (GstEvent* event = gst_harness_try_pull_event(h_)) {
      const bool eos = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
      gst_event_unref(event);
      if (eos) return true;
    }
    return false;
  }));
  EXPECT_TRUE(last_is_out());
}

}  // namespace
}  // namespace campaign::test
