// Buffers past elements that do nothing for them: what is let through whole, and in which order.
#include "viewer/short_way.hpp"

#include <gst/check/gstharness.h>
#include <gtest/gtest.h>

#include "util/gst_ptr.hpp"

namespace campaign::viewer {
namespace {

// The harness's source ! between ! end ! the harness's sink, with a short way to `end`.
class ShortWay : public ::testing::Test {
 protected:
  void SetUp() override {
    between_ = gst_element_factory_make("identity", nullptr);
    end_ = gst_element_factory_make("identity", nullptr);
    GstElement* bin = gst_bin_new(nullptr);
    gst_bin_add_many(GST_BIN(bin), between_, end_, nullptr);
    gst_element_link(between_, end_);
    auto in = adopt(gst_element_get_static_pad(between_, "sink")),
         out = adopt(gst_element_get_static_pad(end_, "src")),
         to = adopt(gst_element_get_static_pad(end_, "sink"));
    gst_element_add_pad(bin, gst_ghost_pad_new("sink", in.get()));
    gst_element_add_pad(bin, gst_ghost_pad_new("src", out.get()));
    harness_ = gst_harness_new_with_element(bin, "sink", "src");
    gst_object_unref(bin);
    shorten_way(harness_->srcpad, to.get());
    count(in.get(), &passed_between_);
    count(to.get(), &reached_end_);
    gst_harness_set_src_caps_str(harness_, "application/x-rtp");
  }
  void TearDown() override { gst_harness_teardown(harness_); }

  struct Count {
    int buffers = 0, lists = 0, events = 0;
  };
  static void count(GstPad* pad, Count* to) {
    gst_pad_add_probe(
        pad,
        GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST |
                        GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
        [](GstPad*, GstPadProbeInfo* info, gpointer counted) {
          auto& here = *static_cast<Count*>(counted);
          here.buffers += bool(GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER);
          here.lists += bool(GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST);
          here.events += bool(GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);
          return GST_PAD_PROBE_OK;
        },
        to, nullptr);
  }
  GstFlowReturn push() { return gst_harness_push(harness_, gst_harness_create_buffer(harness_, 10)); }
  GstFlowReturn push_list(int buffers) {
    GstBufferList* list = gst_buffer_list_new();
    for (int i = 0; i < buffers; ++i) gst_buffer_list_add(list, gst_harness_create_buffer(harness_, 10));
    return gst_pad_push_list(harness_->srcpad, list);
  }

  GstElement *between_ = nullptr, *end_ = nullptr;  // the harness's
  GstHarness* harness_ = nullptr;
  Count passed_between_, reached_end_;
};

TEST_F(ShortWay, TheFirstBufferGoesTheWholeWayAndTheRestDoNot) {
  for (int i = 0; i < 5; ++i) ASSERT_EQ(push(), GST_FLOW_OK);
  EXPECT_EQ(passed_between_.buffers, 1);
  EXPECT_EQ(reached_end_.buffers, 5);
  EXPECT_EQ(gst_harness_buffers_received(harness_), 5u);
}

TEST_F(ShortWay, ListsStayWhole) {
  ASSERT_EQ(push(), GST_FLOW_OK);
  ASSERT_EQ(push_list(4), GST_FLOW_OK);
  EXPECT_EQ(reached_end_.lists, 1);
  EXPECT_EQ(passed_between_.lists, 0);
  EXPECT_EQ(gst_harness_buffers_received(harness_), 5u);
}

TEST_F(ShortWay, EventsGoTheWholeWayAndInOrder) {
  ASSERT_EQ(push(), GST_FLOW_OK);
  const int events = passed_between_.events;
  gst_harness_push_event(harness_, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                                        gst_structure_new_empty("campaign-switched")));
  EXPECT_EQ(passed_between_.events, events + 1);
  ASSERT_EQ(push(), GST_FLOW_OK);
  EXPECT_EQ(passed_between_.buffers, 1);
}

TEST_F(ShortWay, AnotherSegmentTakesTheNextBufferAlong) {
  for (int i = 0; i < 2; ++i) ASSERT_EQ(push(), GST_FLOW_OK);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  ASSERT_TRUE(gst_harness_push_event(harness_, gst_event_new_segment(&segment)));
  for (int i = 0; i < 2; ++i) ASSERT_EQ(push(), GST_FLOW_OK);
  EXPECT_EQ(passed_between_.buffers, 2);
  EXPECT_EQ(reached_end_.buffers, 4);
}

TEST_F(ShortWay, WhatTheEndAnswersIsTold) {
  ASSERT_EQ(push(), GST_FLOW_OK);
  gst_pad_set_active(harness_->sinkpad, FALSE);
  EXPECT_EQ(push(), GST_FLOW_FLUSHING);
  EXPECT_EQ(push_list(2), GST_FLOW_FLUSHING);
}

}  // namespace
}  // namespace campaign::viewer
