// particlesrc as a video source: formats, time, seeking, and the same frames for the same seed.
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "frames.hpp"

namespace campaign::test {
namespace {

constexpr const char* kSmall = "format=NV12,width=64,height=36,framerate=30/1";
const std::string kFew = "device=cpu particles=2000 ";

// Frame `number` at a rate lasts from the one rounded time to the other.
GstClockTime time_of(guint64 number, int num, int den) {
  return gst_util_uint64_scale(number, GST_SECOND * guint64(den), guint64(num));
}

std::vector<uint64_t> checksums(const std::vector<Frame>& frames) {
  std::vector<uint64_t> sums;
  for (const auto& frame : frames) sums.push_back(frame.checksum);
  return sums;
}

TEST(ParticleSrc, DrawsEveryFormatAtAnySize) {
  for (const char* device : {"cpu", "llvmpipe"}) {
    for (const char* format : {"NV12", "I420", "RGBA", "BGRA", "RGBx", "BGRx"}) {
      for (auto [width, height] : {std::pair{320, 180}, {321, 181}, {17, 9}, {2, 2}, {1, 1}}) {
        FramePipeline pipeline(std::string("num-buffers=2 particles=5000 device=") + device,
                               std::string("format=") + format + ",width=" + std::to_string(width) +
                                   ",height=" + std::to_string(height));
        ASSERT_TRUE(pipeline.play());
        auto frames = pipeline.pull_all();
        ASSERT_EQ(frames.size(), 2u) << device << " " << format << " " << width << "x" << height;
        EXPECT_EQ(frames[0].format, format);
        EXPECT_EQ(frames[0].width, width);
        EXPECT_EQ(frames[0].height, height);
        const bool yuv = frames[0].format == "NV12" || frames[0].format == "I420";
        EXPECT_GT(frames[1].brightness, yuv ? 17 : 4) << device << " " << format << " " << width;
        if (yuv) {
          EXPECT_EQ(frames[0].colorimetry, "bt709");
        }
      }
    }
  }
}

TEST(ParticleSrc, TheFormatsShowTheSamePicture) {
  auto luma = [](const std::string& format) {
    FramePipeline pipeline(kFew + "num-buffers=3", "format=" + format + ",width=96,height=54");
    EXPECT_TRUE(pipeline.play());
    return pipeline.pull_all().back();
  };
  const Frame rgba = luma("RGBA");
  EXPECT_EQ(rgba.checksum, luma("RGBx").checksum);
  EXPECT_EQ(luma("BGRA").checksum, luma("BGRx").checksum);
  EXPECT_NEAR(rgba.brightness, luma("BGRA").brightness, 1e-9);
  EXPECT_NEAR(luma("NV12").brightness, luma("I420").brightness, 1e-9);
}

TEST(ParticleSrc, ChoosesA720pPictureWhenNobodyCares) {
  GstHarness* harness = gst_harness_new_with_padnames("particlesrc", nullptr, "src");
  g_object_set(harness->element, "particles", 1000, "num-buffers", 1, nullptr);
  gst_harness_set_sink_caps_str(harness, "video/x-raw");
  gst_harness_play(harness);
  GstBuffer* buffer = gst_harness_pull(harness);
  ASSERT_TRUE(buffer);
  GstCaps* caps = gst_pad_get_current_caps(harness->sinkpad);
  const Frame frame = look_at(buffer, caps);
  EXPECT_EQ(frame.width, 1280);
  EXPECT_EQ(frame.height, 720);
  EXPECT_EQ(frame.framerate, "30/1");
  EXPECT_EQ(frame.format, "NV12");
  gst_caps_unref(caps);
  gst_buffer_unref(buffer);
  gst_harness_teardown(harness);
}

TEST(ParticleSrc, TimesAreExactAtEveryRate) {
  for (auto [num, den] : {std::pair{30, 1}, {30000, 1001}, {60, 1}, {24000, 1001}, {1, 2}, {1000, 1}}) {
    FramePipeline pipeline(kFew + "num-buffers=40", "format=NV12,width=16,height=16,framerate=" +
                                                        std::to_string(num) + "/" + std::to_string(den));
    ASSERT_TRUE(pipeline.play());
    auto frames = pipeline.pull_all();
    ASSERT_EQ(frames.size(), 40u);
    for (guint64 i = 0; i < frames.size(); ++i) {
      EXPECT_EQ(frames[i].pts, time_of(i, num, den)) << num << "/" << den << " frame " << i;
      EXPECT_EQ(frames[i].duration, time_of(i + 1, num, den) - time_of(i, num, den));
      EXPECT_EQ(frames[i].offset, i);
      EXPECT_EQ(frames[i].offset_end, i + 1);
    }
  }
}

TEST(ParticleSrc, RateZeroIsOneStill) {
  FramePipeline pipeline(kFew, "format=RGBA,width=64,height=36,framerate=0/1");
  ASSERT_TRUE(pipeline.play());
  auto frames = pipeline.pull_all();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].pts, 0u);
  EXPECT_EQ(frames[0].duration, GST_CLOCK_TIME_NONE);
  EXPECT_GT(frames[0].brightness, 4);
}

TEST(ParticleSrc, ChangesSizeAndRateWithoutAGapInTime) {
  FramePipeline pipeline(kFew, kSmall);
  ASSERT_TRUE(pipeline.play());
  auto last = pipeline.pull(5);
  ASSERT_TRUE(last);
  int changes = 0;
  for (const char* caps : {"format=RGBA,width=33,height=17,framerate=60/1",
                           "format=I420,width=128,height=72,framerate=30000/1001", kSmall}) {
    pipeline.filter(caps);
    for (int i = 0; i < 30; ++i) {
      auto frame = pipeline.pull();
      ASSERT_TRUE(frame) << caps;
      EXPECT_EQ(frame->pts, last->pts + last->duration) << caps << " frame " << i;
      EXPECT_EQ(frame->offset, last->offset_end);
      EXPECT_GT(frame->brightness, 4);
      changes += frame->width != last->width;
      last = frame;
    }
  }
  EXPECT_EQ(changes, 3);
}

TEST(ParticleSrc, TheSameSeedGivesTheSameFrames) {
  for (const char* device : {"cpu", "llvmpipe"}) {
    auto play = [&](int seed) {
      FramePipeline pipeline(
          "num-buffers=20 particles=20000 device=" + std::string(device) + " seed=" + std::to_string(seed),
          kSmall);
      EXPECT_TRUE(pipeline.play());
      auto frames = pipeline.pull_all();
      EXPECT_EQ(frames.size(), 20u);
      return checksums(frames);
    };
    EXPECT_EQ(play(7), play(7)) << device;
    EXPECT_NE(play(7), play(8)) << device;
  }
}

TEST(ParticleSrc, ASeekShowsTheFrameThatPlayingThereWould) {
  for (const char* device : {"cpu", "llvmpipe"}) {
    const std::string properties = "particles=3000 num-buffers=361 device=" + std::string(device);
    FramePipeline played(properties, kSmall);
    ASSERT_TRUE(played.play());
    const auto frames = played.pull_all();
    ASSERT_EQ(frames.size(), 361u);

    FramePipeline seeking("particles=3000 device=" + std::string(device), kSmall);
    ASSERT_TRUE(seeking.set_state(GST_STATE_PAUSED));
    for (guint64 number : {360u, 45u, 0u, 301u, 44u}) {  // forwards and backwards
      ASSERT_TRUE(seeking.seek(1.0, time_of(number, 30, 1)));
      ASSERT_TRUE(seeking.play());
      auto frame = seeking.pull();
      ASSERT_TRUE(frame);
      EXPECT_EQ(frame->pts, frames[number].pts);
      EXPECT_EQ(frame->offset, number);
      EXPECT_EQ(frame->checksum, frames[number].checksum) << device << " frame " << number;
      auto next = seeking.pull();
      ASSERT_TRUE(next);
      if (number < 360) {
        EXPECT_EQ(next->checksum, frames[number + 1].checksum) << device << " after " << number;
      }
    }
  }
}

TEST(ParticleSrc, ASeekIntoAFrameShowsThatFrame) {
  FramePipeline pipeline(kFew, kSmall);
  ASSERT_TRUE(pipeline.set_state(GST_STATE_PAUSED));
  ASSERT_TRUE(pipeline.seek(1.0, time_of(10, 30, 1) + GST_MSECOND));
  ASSERT_TRUE(pipeline.play());
  auto frame = pipeline.pull();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->offset, 10u);
}

TEST(ParticleSrc, ASeekWithAStopEndsThere) {
  FramePipeline pipeline(kFew, kSmall);
  ASSERT_TRUE(pipeline.set_state(GST_STATE_PAUSED));
  ASSERT_TRUE(pipeline.seek(1.0, GST_SECOND, 2 * GST_SECOND));
  ASSERT_TRUE(pipeline.play());
  auto frames = pipeline.pull_all();
  ASSERT_EQ(frames.size(), 30u);
  EXPECT_EQ(frames.front().pts, GST_SECOND);
  EXPECT_EQ(frames.back().pts + frames.back().duration, 2 * GST_SECOND);
}

TEST(ParticleSrc, PlaysBackwards) {
  FramePipeline forwards(kFew + "num-buffers=30", kSmall);
  ASSERT_TRUE(forwards.play());
  auto expected = checksums(forwards.pull_all());

  FramePipeline backwards(kFew, kSmall);
  ASSERT_TRUE(backwards.set_state(GST_STATE_PAUSED));
  ASSERT_TRUE(backwards.seek(-1.0, 0, GST_SECOND));
  ASSERT_TRUE(backwards.play());
  auto frames = backwards.pull_all();
  ASSERT_EQ(frames.size(), 30u);
  for (size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(frames[i].pts, time_of(29 - i, 30, 1));
  auto shown = checksums(frames);
  std::ranges::reverse(shown);
  EXPECT_EQ(shown, expected);
}

TEST(ParticleSrc, ChangesRateWhilePlayingBackwards) {
  FramePipeline pipeline(kFew, kSmall);
  ASSERT_TRUE(pipeline.set_state(GST_STATE_PAUSED));
  ASSERT_TRUE(pipeline.seek(-1.0, 0, 2 * GST_SECOND));
  ASSERT_TRUE(pipeline.play());
  auto last = pipeline.pull(10);
  ASSERT_TRUE(last);
  pipeline.filter("format=NV12,width=32,height=18,framerate=60/1");
  while (auto frame = pipeline.pull()) {
    ASSERT_EQ(frame->pts + frame->duration, last->pts) << frame->framerate;
    last = frame;
  }
  EXPECT_EQ(last->framerate, "60/1");
  EXPECT_EQ(last->pts, 0u);
}

TEST(ParticleSrc, AnswersQueries) {
  FramePipeline pipeline(kFew, kSmall);
  ASSERT_TRUE(pipeline.set_state(GST_STATE_PAUSED));
  GstPad* pad = gst_element_get_static_pad(pipeline.src(), "src");
  gint64 frames = 0, bytes = 0;
  EXPECT_TRUE(gst_pad_query_convert(pad, GST_FORMAT_TIME, 2 * GST_SECOND, GST_FORMAT_DEFAULT, &frames));
  EXPECT_EQ(frames, 60);
  EXPECT_TRUE(gst_pad_query_convert(pad, GST_FORMAT_DEFAULT, 2, GST_FORMAT_BYTES, &bytes));
  EXPECT_EQ(bytes, 2 * 64 * 36 * 3 / 2);
  GstQuery* seeking = gst_query_new_seeking(GST_FORMAT_TIME);
  gboolean seekable = FALSE;
  EXPECT_TRUE(gst_pad_query(pad, seeking));
  gst_query_parse_seeking(seeking, nullptr, &seekable, nullptr, nullptr);
  EXPECT_TRUE(seekable);
  gst_query_unref(seeking);
  gint64 duration = 0;
  EXPECT_FALSE(gst_pad_query_duration(pad, GST_FORMAT_TIME, &duration) && duration >= 0);  // it never ends
  GstQuery* latency = gst_query_new_latency();
  gboolean live = TRUE;
  GstClockTime least = 1, most = 0;
  EXPECT_TRUE(gst_pad_query(pad, latency));
  gst_query_parse_latency(latency, &live, &least, &most);
  EXPECT_FALSE(live);
  EXPECT_EQ(least, 0u);
  gst_query_unref(latency);
  gst_object_unref(pad);
}

TEST(ParticleSrc, KnowsHowLongSoManyBuffersLast) {
  FramePipeline pipeline(kFew + "num-buffers=60", "format=NV12,width=64,height=36,framerate=30000/1001");
  ASSERT_TRUE(pipeline.set_state(GST_STATE_PAUSED));
  gint64 duration = 0;
  EXPECT_TRUE(gst_element_query_duration(pipeline.pipeline(), GST_FORMAT_TIME, &duration));
  EXPECT_EQ(duration, gint64(time_of(60, 30000, 1001)));
}

// What is drawn has square pixels, whole pictures, and colours of these kinds.
TEST(ParticleSrc, RefusesCapsThatSayWhatItsPicturesAreNot) {
  for (const char* render : {"", " ! particlerender"}) {
    for (const char* caps :
         {"interlace-mode=interleaved", "pixel-aspect-ratio=2/1", "format=NV12,colorimetry=bt601",
          "format=RGBA,colorimetry=bt2020", "format=RGB"}) {
      const std::string launch =
          "particlesrc device=cpu" + std::string(render) + " ! video/x-raw," + caps + " ! fakesink";
      GError* error = nullptr;
      GstElement* pipeline = gst_parse_launch(launch.c_str(), &error);
      EXPECT_TRUE(error) << launch;
      g_clear_error(&error);
      gst_clear_object(&pipeline);
    }
    for (const char* caps :
         {"interlace-mode=progressive,pixel-aspect-ratio=1/1", "format=I420,colorimetry=bt709",
          "format=BGRx,colorimetry=sRGB", "pixel-aspect-ratio=[1/2,2/1]"}) {
      FramePipeline pipeline("particlesrc name=src device=cpu particles=1000" + std::string(render) +
                             " ! video/x-raw," + caps + " ! appsink name=sink max-buffers=1");
      EXPECT_TRUE(pipeline.play()) << caps;
    }
  }
}

TEST(ParticleSrc, RefusesAPictureThatIsTooLarge) {
  FramePipeline huge(kFew, "format=RGBA,width=32768,height=32768");
  EXPECT_FALSE(huge.play());
  EXPECT_NE(huge.wait_for(GST_MESSAGE_ERROR), "");
}

}  // namespace
}  // namespace campaign::test
