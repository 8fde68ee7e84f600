// The encoder table: units, defaults and order.
#include "campaign/encoder_profile.hpp"

#include <gtest/gtest.h>

#include <set>

namespace campaign {
namespace {

struct UnitCase {
  const char* factory;
  std::uint64_t bits_per_second;
  std::uint32_t units;
};

class BitrateUnits : public testing::TestWithParam<UnitCase> {};

TEST_P(BitrateUnits, AreWhatTheEncoderCounts) {
  const auto* profile = find_encoder_profile(GetParam().factory);
  ASSERT_TRUE(profile);
  EXPECT_EQ(bitrate_in_units(*profile, GetParam().bits_per_second), GetParam().units);
}

INSTANTIATE_TEST_SUITE_P(
    EncoderProfile, BitrateUnits,
    testing::Values(UnitCase{"x264enc", 4'500'000, 4500}, UnitCase{"x264enc", 1499, 1},
                    UnitCase{"x264enc", 1500, 2}, UnitCase{"x264enc", 1, 1},
                    UnitCase{"nvh264enc", 9'000'000, 9000}, UnitCase{"vah264enc", 450'000, 450},
                    UnitCase{"v4l2h264enc", 450'000, 450'000}, UnitCase{"openh264enc", 900'000, 900'000},
                    UnitCase{"vp8enc", 900'001, 900'001},
                    UnitCase{"vp8enc", 1'000'000'000'000, 2'000'000'000},
                    UnitCase{"vp9enc", 900'001, 900'001}, UnitCase{"av1enc", 900'000, 900}),
    [](const auto& tested) {
      return std::string(tested.param.factory) + "_" + std::to_string(tested.param.bits_per_second);
    });

TEST(EncoderProfile, HardwareIsTriedBeforeSoftware) {
  std::vector<std::string_view> order;
  for (const auto& profile : encoder_profiles(Codec::h264)) order.push_back(profile.factory);
  EXPECT_EQ(order, (std::vector<std::string_view>{"nvh264enc", "vah264enc", "v4l2h264enc", "x264enc",
                                                  "openh264enc"}));
}

TEST(EncoderProfile, EveryEntryIsComplete) {
  std::set<std::string_view> factories;
  for (Codec codec : kCodecs) {
    EXPECT_FALSE(encoder_profiles(codec).empty()) << codec_name(codec);
    for (const auto& profile : encoder_profiles(codec)) {
      EXPECT_EQ(profile.codec, codec);
      EXPECT_TRUE(factories.insert(profile.factory).second);
      EXPECT_TRUE(profile.package.starts_with("gstreamer1.0-")) << profile.factory;
      EXPECT_TRUE(profile.bits_per_unit == 1 || profile.bits_per_unit == 1000) << profile.factory;
      EXPECT_EQ(codec_from_caps_name(profile.caps.substr(0, profile.caps.find(','))), codec)
          << profile.factory;
    }
  }
  EXPECT_FALSE(find_encoder_profile("x265enc"));
}

TEST(DefaultBitrate, IsTheLaddersAtItsSizeAndGrowsWithThePicture) {
  EXPECT_EQ(default_bitrate(1280, 720, 30), 4'500'000u);
  EXPECT_LT(default_bitrate(640, 360, 30), 2'000'000u);
  EXPECT_GT(default_bitrate(1920, 1080, 30), 7'000'000u);
  EXPECT_GT(default_bitrate(1280, 720, 60), default_bitrate(1280, 720, 30));
  EXPECT_EQ(default_bitrate(1280, 720, 0), default_bitrate(1280, 720, 30));  // variable rate
  EXPECT_EQ(default_bitrate(16, 16, 1), 150'000u);
  EXPECT_EQ(default_bitrate(16384, 16384, 240), 25'000'000u);
}

TEST(KeyInterval, IsThreeSecondsOfFrames) {
  EXPECT_EQ(key_interval(30), 90u);
  EXPECT_EQ(key_interval(59.94), 180u);
  EXPECT_EQ(key_interval(0), 90u);
  EXPECT_GE(key_interval(0.01), 2u);
}

}  // namespace
}  // namespace campaign
