// Whether encoders keep to a rung's bitrate where it is hard: particles, which are all detail and all motion.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "campaign/encoder_profile.hpp"
#include "campaign/ladder.hpp"
#include "util/gst_ptr.hpp"

namespace campaign::test {
namespace {

constexpr unsigned kFrames = 150, kFramerate = 30;

std::string size_of(const Rung& rung) {
  return "width=" + std::to_string(rung.width) + ",height=" + std::to_string(rung.height);
}

// Encodes the rung's picture as campaignsink has it encoded, and counts what comes out.
std::uint64_t bytes_of(const Rung& rung, const EncoderProfile& profile) {
  const std::string text =
      "particlesrc device=cpu num-buffers=" + std::to_string(kFrames) +
      " particles=" + std::to_string(rung.particles) + " ! video/x-raw," + size_of(rung) +
      ",framerate=" + std::to_string(kFramerate) + "/1 ! videoconvert ! " + std::string(profile.factory) +
      " " + std::string(profile.settings) + " " + std::string(profile.key_interval_property) + "=" +
      std::to_string(key_interval(kFramerate)) + " " + std::string(profile.bitrate_property) + "=" +
      std::to_string(bitrate_in_units(profile, rung.bitrate)) + " ! " + std::string(profile.caps) +
      " ! fakesink name=end sync=false";
  GError* error = nullptr;
  const auto pipeline = sink(gst_parse_launch(text.c_str(), &error));
  EXPECT_EQ(error, nullptr) << (error ? error->message : "");
  g_clear_error(&error);
  if (!pipeline) return 0;
  std::uint64_t bytes = 0;  // by the streaming thread, until EOS
  const auto end = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "end"));
  const auto pad = adopt(gst_element_get_static_pad(end.get(), "sink"));
  gst_pad_add_probe(
      pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
      +[](GstPad*, GstPadProbeInfo* info, gpointer sum) {
        *static_cast<std::uint64_t*>(sum) += gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info));
        return GST_PAD_PROBE_OK;
      },
      &bytes, nullptr);
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  const auto bus = adopt(gst_element_get_bus(pipeline.get()));
  const auto message = adopt(gst_bus_timed_pop_filtered(bus.get(), 200 * GST_SECOND,
                                                        GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  EXPECT_TRUE(message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return bytes;
}

class EncoderRate : public testing::TestWithParam<const char*> {};

// Choosing a rung must not cause the congestion that unchooses it.
TEST_P(EncoderRate, StaysBelowWhatAdmitsTheRung) {
  const auto* profile = find_encoder_profile(GetParam());
  ASSERT_TRUE(profile);
  const Ladder ladder;
  const auto medium = ladder.find("medium");
  ASSERT_TRUE(medium);
  const Rung& rung = ladder[*medium];
  const auto rate = bytes_of(rung, *profile) * 8 * kFramerate / kFrames;
  EXPECT_GT(rate, rung.bitrate / 2);
  EXPECT_LE(rate, rung.threshold);
}

INSTANTIATE_TEST_SUITE_P(Software, EncoderRate,
                         testing::Values("x264enc", "openh264enc", "vp8enc", "vp9enc"));

}  // namespace
}  // namespace campaign::test
