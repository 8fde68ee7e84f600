// What adaptivebitrate says and sets: its defaults, the quality of a bandwidth set by hand, the encoder.
#include "adaptive_harness.hpp"

namespace campaign::test {
namespace {

TEST_F(AdaptiveBitrateHarness, HasDefaultsThatWork) {
  start();
  EXPECT_EQ(estimate(), 500'000u);
  EXPECT_EQ(quality(), "low");
  EXPECT_STREQ(gst_element_class_get_metadata(GST_ELEMENT_GET_CLASS(element()), GST_ELEMENT_METADATA_KLASS),
               "Filter/Network/RTP");
}

TEST_F(AdaptiveBitrateHarness, RefusesALadderThatIsNone) {
  GstElement* other = gst_element_factory_make("adaptivebitrate", nullptr);
  gst_object_ref_sink(other);
  gst_element_set_bus(other, bus_.get());
  g_object_set(other, "ladder", "{\"rungs\": 7}", nullptr);
  EXPECT_EQ(gst_element_set_state(other, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  GstMessage* message = gst_bus_timed_pop_filtered(bus_.get(), 0, GST_MESSAGE_ERROR);
  ASSERT_TRUE(message);
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  EXPECT_NE(std::string(error->message).find("rungs"), std::string::npos) << error->message;
  g_error_free(error);
  gst_message_unref(message);
  gst_element_set_state(other, GST_STATE_NULL);
  gst_element_set_bus(other, nullptr);
  gst_object_unref(other);
}

TEST_F(AdaptiveBitrateHarness, TellsTheRungOfABandwidthSetByHandAndWhy) {
  start_by_hand(2'000'000);
  push_frame(900'000);
  ASSERT_TRUE(reaches_upstream("medium"));
  EXPECT_EQ(qualities_.back().bitrate, 900'000u);
  EXPECT_EQ(qualities_.back().particles, 250'000u);

  g_object_set(element(), "bandwidth", guint64(6'000'000), nullptr);
  ASSERT_TRUE(reaches_upstream("high"));
  EXPECT_EQ(qualities_.back().bitrate, 4'500'000u);
  EXPECT_EQ(qualities_.back().particles, 500'000u);
  EXPECT_EQ(quality(), "high");
  EXPECT_EQ(estimate(), 6'000'000u);
  EXPECT_EQ(wait_for_message("campaign-quality", "reason"), "the bandwidth was set by hand");

  // Less than the lowest rung needs: the picture still moves.
  g_object_set(element(), "bandwidth", guint64(300'000), nullptr);
  ASSERT_TRUE(reaches_upstream("low"));
  EXPECT_EQ(qualities_.back().bitrate, 270'000u);
}

TEST_F(AdaptiveBitrateHarness, SetsTheEncodersBitrate) {
  GstElement* encoder = gst_element_factory_make("x264enc", nullptr);
  ASSERT_TRUE(encoder);
  gst_object_ref_sink(encoder);
  g_object_set(element(), "encoder", encoder, nullptr);
  start_by_hand(7'000'000);
  push_frame(900'000);
  EXPECT_TRUE(wait_until([&] {
    guint kbps = 0;
    g_object_get(encoder, "bitrate", &kbps, nullptr);
    return kbps == 4500;
  }));
  gst_object_unref(encoder);
}

TEST_F(AdaptiveBitrateHarness, AddsItsLatencyToTheQuery) {
  start();
  gst_harness_set_upstream_latency(h_, 20 * GST_MSECOND);
  EXPECT_EQ(gst_harness_query_latency(h_), 25 * GST_MSECOND);
}

TEST_F(AdaptiveBitrateHarness, SaysOnceWhenThePacketsCarryNoNumber) {
  numbered_ = false;
  start("");
  push_frame(450'000);
  ASSERT_TRUE(wait_until([&] { return all_out(); }));
  for (int i = 0; i < 300; ++i) push_frame(450'000);
  GstMessage* message = nullptr;
  ASSERT_TRUE(wait_until([&] {
    if (!message) message = gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_WARNING);
    return message != nullptr;
  }));
  gst_message_unref(message);
  EXPECT_TRUE(
      wait_until([&] { return out().size() >= 500; }));  // and is not paced by a number nobody measured
  EXPECT_EQ(estimate(), 500'000u);
  EXPECT_FALSE(gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_WARNING));
}

}  // namespace
}  // namespace campaign::test
