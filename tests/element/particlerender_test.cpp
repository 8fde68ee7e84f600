// particlesrc and particlerender together: one world, several pictures of it, in real pipelines.
#include <gst/video/navigation.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>
#include <vector>

#include "frames.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

const std::string kState = "application/x-particle-state(memory:CampaignParticles)";
const std::string kFew = "device=cpu particles=4000 ";
const std::string kSmall = "video/x-raw,format=NV12,width=64,height=36,framerate=30/1";
const std::string kSink = " ! appsink name=sink sync=false max-buffers=1";

std::string drawn(const std::string& source, const std::string& renderer = "",
                  const std::string& caps = kSmall) {
  return "particlesrc name=src " + source + " ! particlerender name=render " + renderer +
         " ! capsfilter name=filter caps=\"" + caps + "\"" + kSink;
}

std::vector<uint64_t> checksums(const std::string& launch) {
  FramePipeline pipeline(launch);
  EXPECT_TRUE(pipeline.play());
  std::vector<uint64_t> sums;
  for (const auto& frame : pipeline.pull_all()) sums.push_back(frame.checksum);
  return sums;
}

// What arrived at each fakesink of a pipeline, by the sink's name.
class Arrivals {
 public:
  Arrivals(GstElement* pipeline, std::initializer_list<const char*> sinks) {
    for (const char* name : sinks) {
      GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline), name);
      g_object_set(sink, "signal-handoffs", TRUE, "sync", FALSE, nullptr);
      g_signal_connect(sink, "handoff", G_CALLBACK(take), this);
      gst_object_unref(sink);
    }
  }
  std::vector<Frame> of(const std::string& sink) {
    std::scoped_lock lock(mutex_);
    return frames_[sink];
  }
  size_t count(const std::string& sink) { return of(sink).size(); }

 private:
  static void take(GstElement* sink, GstBuffer* buffer, GstPad* pad, gpointer self) {
    GstCaps* caps = gst_pad_get_current_caps(pad);
    Frame frame = look_at(buffer, caps);
    gst_caps_unref(caps);
    auto* arrivals = static_cast<Arrivals*>(self);
    std::scoped_lock lock(arrivals->mutex_);
    arrivals->frames_[GST_OBJECT_NAME(sink)].push_back(frame);
  }
  std::mutex mutex_;
  std::map<std::string, std::vector<Frame>> frames_;  // under mutex_
};

class Tree {
 public:
  explicit Tree(const std::string& launch) : pipeline_(gst_parse_launch(launch.c_str(), nullptr)) {}
  ~Tree() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(pipeline_);
  }
  GstElement* get() const { return pipeline_; }
  bool play() { return gst_element_set_state(pipeline_, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE; }
  // "" at the end of the stream, or what the user reads.
  std::string wait_for_end(double seconds = 30) {
    GstBus* bus = gst_element_get_bus(pipeline_);
    GstMessage* message = gst_bus_timed_pop_filtered(bus, GstClockTime(kPatience * seconds * GST_SECOND),
                                                     GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    gst_object_unref(bus);
    if (!message) return "nothing happened";
    std::string text;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      GError* error = nullptr;
      gst_message_parse_error(message, &error, nullptr);
      text = error->message;
      g_error_free(error);
    }
    gst_message_unref(message);
    return text;
  }

 private:
  GstElement* pipeline_;
};

TEST(ParticleRender, DrawsTheVeryFramesOfTheSource) {
  for (const char* device : {"cpu", "llvmpipe"}) {
    const std::string source = std::string("num-buffers=12 particles=4000 device=") + device;
    for (const char* format : {"NV12", "I420", "RGBA", "BGRA", "RGBx", "BGRx"}) {
      const std::string caps =
          std::string("video/x-raw,format=") + format + ",width=65,height=37,framerate=30/1";
      auto fused = checksums("particlesrc name=src " + source + " ! " + caps + kSink);
      ASSERT_EQ(fused.size(), 12u);
      EXPECT_EQ(fused, checksums(drawn(source, "", caps))) << device << " " << format;
    }
  }
}

TEST(ParticleRender, DrawsTheFirstParticlesOfTheWorld) {
  const std::string caps = kState + ",particles=20000";
  EXPECT_EQ(checksums(drawn("device=cpu num-buffers=5 particles=2000")),
            checksums(drawn("device=cpu num-buffers=5 particles=20000", "particles=2000")));
  EXPECT_NE(checksums(drawn("device=cpu num-buffers=5 particles=20000")),
            checksums(drawn("device=cpu num-buffers=5 particles=20000", "particles=2000")));
  // The caps may ask for another count than the property.
  EXPECT_EQ(checksums("particlesrc name=src device=cpu num-buffers=5 particles=999 ! " + caps +
                      " ! particlerender ! " + kSmall + kSink),
            checksums(drawn("device=cpu num-buffers=5 particles=20000")));
}

TEST(ParticleRender, ATeeFeedsFourSizesOfOneWorld) {
  const std::tuple<const char*, int, int, int> rungs[] = {
      {"low", 400, 64, 36}, {"medium", 1000, 96, 54}, {"high", 2000, 128, 72}, {"ultra", 4000, 192, 108}};
  for (const char* device : {"cpu", "llvmpipe"}) {
    std::string launch = "particlesrc num-buffers=40 particles=4000 device=" + std::string(device) + " ! " +
                         kState + ",framerate=60/1 ! tee name=world ";
    for (auto [name, count, width, height] : rungs) {
      launch += "world. ! queue ! particlerender particles=" + std::to_string(count) +
                " ! video/x-raw,format=I420,width=" + std::to_string(width) +
                ",height=" + std::to_string(height) + " ! fakesink name=" + name + " ";
    }
    Tree tree(launch);
    Arrivals arrivals(tree.get(), {"low", "medium", "high", "ultra"});
    ASSERT_TRUE(tree.play());
    ASSERT_EQ(tree.wait_for_end(), "");
    for (auto [name, count, width, height] : rungs) {
      auto frames = arrivals.of(name);
      ASSERT_EQ(frames.size(), 40u) << name;
      for (guint64 i = 0; i < 40; ++i) {
        EXPECT_EQ(frames[i].pts, gst_util_uint64_scale(i, GST_SECOND, 60)) << name;
        EXPECT_EQ(frames[i].pts + frames[i].duration, gst_util_uint64_scale(i + 1, GST_SECOND, 60));
        EXPECT_EQ(frames[i].offset, i);
        EXPECT_EQ(frames[i].width, width);
        EXPECT_EQ(frames[i].framerate, "60/1");
      }
      // As if this rung were the only one.
      auto alone = checksums("particlesrc name=src num-buffers=40 device=" + std::string(device) +
                             " particles=" + std::to_string(count) +
                             " ! video/x-raw,format=I420,framerate=60/1,width=" + std::to_string(width) +
                             ",height=" + std::to_string(height) + kSink);
      for (guint64 i = 0; i < 40; ++i) EXPECT_EQ(frames[i].checksum, alone[i]) << name << " " << i;
    }
  }
}

TEST(ParticleRender, AStuckBranchDoesNotStopTheOthers) {
  // The valve of the slow branch: a probe that blocks. Its queue is leaky, as a queue to a viewer is.
  Tree tree(
      "particlesrc is-live=true particles=2000 device=cpu ! " + kState +
      ",framerate=60/1 ! tee name=world "
      "world. ! queue name=jam leaky=downstream max-size-buffers=3 ! particlerender ! "
      "video/x-raw,width=64,height=36 "
      "! fakesink name=stuck async=false "
      "world. ! queue ! particlerender ! video/x-raw,width=64,height=36 ! fakesink name=free async=false");
  Arrivals arrivals(tree.get(), {"free"});
  GstElement* queue = gst_bin_get_by_name(GST_BIN(tree.get()), "jam");
  GstPad* pad = gst_element_get_static_pad(queue, "src");
  const gulong block = gst_pad_add_probe(
      pad, GstPadProbeType(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  ASSERT_TRUE(tree.play());
  ASSERT_TRUE(wait_until([&] { return arrivals.count("free") >= 60; }));
  // Most of them in time: of a machine that does other things as well a live world leaves out some.
  auto frames = arrivals.of("free");
  std::vector<GstClockTime> apart;
  for (size_t i = 1; i < 60; ++i) apart.push_back(frames[i].pts - frames[i - 1].pts);
  std::ranges::nth_element(apart, apart.begin() + 30);
  EXPECT_LE(apart[30], GST_SECOND / 15);
  gst_pad_remove_probe(pad, block);
  gst_object_unref(pad);
  gst_object_unref(queue);
}

TEST(ParticleRender, ALiveWorldGoesOnWhenAllItsStatesAreKept) {
  // A queue without limits would keep more states than there may be: 8 of a million particles. Short lives,
  // so that a sanitized world, which cannot keep up, has few steps to catch up with.
  Tree tree(
      "particlesrc name=src is-live=true particles=1000000 device=cpu "
      R"(scene="{\"emitters\":[{\"life\":{\"min\":0.1,\"max\":0.2}}]}" ! )" +
      kState + ",framerate=" + std::to_string(kPatience > 1 ? 2 : 60) +
      "/1 ! queue name=jam max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! "
      "particlerender ! video/x-raw,width=64,height=36 ! fakesink name=out async=false");
  Arrivals arrivals(tree.get(), {"out"});
  GstElement* queue = gst_bin_get_by_name(GST_BIN(tree.get()), "jam");
  GstElement* src = gst_bin_get_by_name(GST_BIN(tree.get()), "src");
  GstPad* pad = gst_element_get_static_pad(queue, "src");
  const gulong block = gst_pad_add_probe(
      pad, GstPadProbeType(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  ASSERT_TRUE(tree.play());
  guint held = 0;
  ASSERT_TRUE(wait_until([&] {
    g_object_get(queue, "current-level-buffers", &held, nullptr);
    return held >= 6;
  }));
  EXPECT_FALSE(wait_until(
      [&] {
        g_object_get(queue, "current-level-buffers", &held, nullptr);
        return held > 8;
      },
      0.5));
  gst_pad_remove_probe(pad, block);
  ASSERT_TRUE(wait_until([&] { return arrivals.count("out") >= 30; }));
  EXPECT_GT(SourceStats(src).skipped, 0u);
  auto frames = arrivals.of("out");
  for (size_t i = 1; i < frames.size(); ++i) EXPECT_GT(frames[i].pts, frames[i - 1].pts);
  gst_object_unref(pad);
  gst_object_unref(queue);
  gst_object_unref(src);
}

TEST(ParticleRender, StoppingEndsTheWaitForAState) {
  Tree tree("particlesrc particles=1000000 device=cpu ! " + kState +
            " ! queue name=jam max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! particlerender ! "
            "video/x-raw,width=64,height=36 ! fakesink name=out async=false");
  GstElement* queue = gst_bin_get_by_name(GST_BIN(tree.get()), "jam");
  GstPad* pad = gst_element_get_static_pad(queue, "src");
  gst_pad_add_probe(
      pad, GstPadProbeType(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  ASSERT_TRUE(tree.play());
  ASSERT_TRUE(wait_until([&] {
    guint held = 0;
    g_object_get(queue, "current-level-buffers", &held, nullptr);
    return held >= 7;
  }));
  const gint64 start = g_get_monotonic_time();
  EXPECT_NE(gst_element_set_state(tree.get(), GST_STATE_NULL), GST_STATE_CHANGE_FAILURE);
  EXPECT_LT(g_get_monotonic_time() - start, 2 * G_USEC_PER_SEC);
  gst_object_unref(pad);
  gst_object_unref(queue);
}

TEST(ParticleRender, GoesThroughItsStatesAgainAndAgain) {
  FramePipeline pipeline(drawn(kFew));
  std::optional<uint64_t> first;
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(pipeline.play());
    // After READY, appsink may lose the first frame or still hold one of the round before, with any source.
    auto frame = pipeline.pull();
    for (int pulls = 0; pulls < 20 && frame && frame->offset != 5; ++pulls) frame = pipeline.pull();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->offset, 5u) << round;
    EXPECT_EQ(frame->checksum, first.value_or(frame->checksum)) << round;
    first = frame->checksum;
    ASSERT_TRUE(pipeline.set_state(GST_STATE_PAUSED));
    ASSERT_TRUE(pipeline.set_state(round % 2 ? GST_STATE_NULL : GST_STATE_READY));
  }
}

TEST(ParticleRender, ChangesSizeAndFormatWhilePlaying) {
  FramePipeline pipeline(drawn(kFew));
  ASSERT_TRUE(pipeline.play());
  auto last = pipeline.pull(3);
  for (auto [format, width, height] :
       {std::tuple{"RGBA", 33, 17}, {"I420", 128, 72}, {"NV12", 320, 180}, {"BGRx", 64, 36}}) {
    pipeline.filter(std::string("format=") + format + ",width=" + std::to_string(width) +
                    ",height=" + std::to_string(height));
    std::optional<Frame> frame;
    for (int i = 0; i < 10 && (!frame || frame->width != width); ++i) {
      frame = pipeline.pull();
      ASSERT_TRUE(frame);
      EXPECT_EQ(frame->pts, last->pts + last->duration);
      last = frame;
    }
    EXPECT_EQ(frame->width, width);
    EXPECT_EQ(frame->height, height);
    EXPECT_EQ(frame->format, format);
  }
}

TEST(ParticleRender, DrawsMoreOrFewerWhilePlaying) {
  FramePipeline pipeline(drawn("device=cpu particles=20000 paused=true"));
  ASSERT_TRUE(pipeline.play());
  const auto all = pipeline.pull(3);
  GstElement* render = gst_bin_get_by_name(GST_BIN(pipeline.pipeline()), "render");
  auto drawing = [&](guint count) {
    g_object_set(render, "particles", count, nullptr);
    return pipeline.pull(6)->checksum;
  };
  const uint64_t few = drawing(100);
  EXPECT_NE(few, all->checksum);
  EXPECT_EQ(drawing(0), all->checksum);
  EXPECT_EQ(drawing(1'000'000), all->checksum);
  EXPECT_EQ(drawing(100), few);
  // A quality from downstream acts on this picture, and not on the world that others draw too.
  EXPECT_EQ(drawing(0), all->checksum);
  ASSERT_TRUE(pipeline.send_upstream(gst_event_new_custom(
      GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new("campaign-quality", "quality", G_TYPE_STRING, "low",
                                                   "particles", G_TYPE_UINT, 100u, nullptr))));
  EXPECT_EQ(pipeline.pull(6)->checksum, few);
  EXPECT_EQ(SourceStats(pipeline.src()).particles, 20000u);
  gst_object_unref(render);
}

TEST(ParticleRender, TheWorldGrowsAndShrinksWhilePlaying) {
  for (const char* device : {"cpu", "llvmpipe"}) {
    FramePipeline pipeline(drawn("particles=4000 device=" + std::string(device)));
    ASSERT_TRUE(pipeline.play());
    ASSERT_TRUE(pipeline.pull(3));
    for (guint count : {40'000u, 100u, 12'345u}) {
      g_object_set(pipeline.src(), "particles", count, nullptr);
      ASSERT_TRUE(pipeline.pull(8));
      EXPECT_EQ(SourceStats(pipeline.src()).particles, count) << device;
      GstPad* pad = gst_element_get_static_pad(pipeline.src(), "src");
      GstCaps* caps = gst_pad_get_current_caps(pad);
      gint in_caps = 0;
      gst_structure_get_int(gst_caps_get_structure(caps, 0), "particles", &in_caps);
      EXPECT_EQ(guint(in_caps), count);
      gst_caps_unref(caps);
      gst_object_unref(pad);
    }
  }
}

TEST(ParticleRender, APressActsWhereItIsInThePicture) {
  for (auto [width, height] : {std::pair{64, 36}, {320, 180}, {36, 64}}) {
    const std::string source = kFew + "num-buffers=25 ";
    const std::string caps = "video/x-raw,format=NV12,framerate=30/1,width=" + std::to_string(width) +
                             ",height=" + std::to_string(height);
    const std::string fused = "particlesrc name=src " + source + " ! " + caps + kSink;
    auto last_frame = [&](const std::string& launch, bool press) {
      FramePipeline pipeline(launch);
      EXPECT_TRUE(pipeline.set_state(GST_STATE_PAUSED));  // the first frame is there, the second not begun
      if (press) {
        EXPECT_TRUE(pipeline.send_upstream(gst_navigation_event_new_mouse_button_press(
            1, width * 0.25, height * 0.75, GST_NAVIGATION_MODIFIER_NONE)));
      }
      EXPECT_TRUE(pipeline.play());
      auto frames = pipeline.pull_all();
      EXPECT_EQ(frames.size(), 25u);
      return frames.back().checksum;
    };
    const uint64_t expected = last_frame(fused, true);
    EXPECT_NE(expected, last_frame(fused, false));
    EXPECT_EQ(expected, last_frame(drawn(source, "", caps), true)) << width << "x" << height;
  }
}

TEST(ParticleRender, SeeksLikeTheSource) {
  FramePipeline fused("particlesrc name=src " + kFew + " ! " + kSmall + kSink), apart(drawn(kFew));
  for (auto* pipeline : {&fused, &apart}) {
    ASSERT_TRUE(pipeline->set_state(GST_STATE_PAUSED));
    ASSERT_TRUE(pipeline->seek(1, 3 * GST_SECOND));
    ASSERT_TRUE(pipeline->play());
  }
  auto expected = fused.pull(), seen = apart.pull();
  ASSERT_TRUE(expected && seen);
  EXPECT_EQ(seen->pts, 3 * GST_SECOND);
  EXPECT_EQ(seen->checksum, expected->checksum);
}

TEST(ParticleRender, FollowsTheWorldToAnotherDevice) {
  // input-selector switches from a world on the processor to one on a Vulkan device.
  FramePipeline pipeline("input-selector name=switch sync-streams=false ! particlerender ! " + kSmall +
                         kSink + " particlesrc name=src device=cpu particles=4000 ! " + kState +
                         " ! switch.sink_0 "
                         "particlesrc device=llvmpipe particles=4000 ! " +
                         kState + " ! switch.sink_1");
  GstElement* selector = gst_bin_get_by_name(GST_BIN(pipeline.pipeline()), "switch");
  ASSERT_TRUE(pipeline.play());
  ASSERT_TRUE(pipeline.pull(5));
  for (const char* name : {"sink_1", "sink_0"}) {
    GstPad* pad = gst_element_get_static_pad(selector, name);
    g_object_set(selector, "active-pad", pad, nullptr);
    gst_object_unref(pad);
    auto frame = pipeline.pull(10);
    ASSERT_TRUE(frame) << name;
    EXPECT_GT(frame->brightness, 17);
  }
  gst_object_unref(selector);
}

TEST(ParticleRender, WhoReadsAStateAsBytesIsToldWhatToDo) {
  GError* error = nullptr;
  Tree linked("particlesrc device=cpu particles=1000 num-buffers=3 ! " + kState + " ! fakesink dump=true");
  ASSERT_TRUE(linked.play());
  EXPECT_NE(linked.wait_for_end().find("Put a particlerender before"), std::string::npos);
  // Whoever wants plain memory cannot even be linked.
  for (const char* wants :
       {"application/x-particle-state ! fakesink", "capsfilter ! videoconvert ! fakesink"}) {
    GstElement* pipeline =
        gst_parse_launch(("particlesrc ! " + kState + " ! " + std::string(wants)).c_str(), &error);
    EXPECT_TRUE(error) << wants;
    g_clear_error(&error);
    if (pipeline) gst_object_unref(pipeline);
  }
}

TEST(ParticleRender, ABranchThatLeadsNowhereDoesNotStopTheOthers) {
  FramePipeline pipeline(
      "particlesrc name=src device=cpu particles=1000 num-buffers=8 ! tee name=world world. ! particlerender "
      "world. ! queue ! particlerender ! video/x-raw,width=64,height=36 ! appsink name=sink sync=false");
  ASSERT_TRUE(pipeline.play());
  EXPECT_EQ(pipeline.pull_all().size(), 8u);
}

TEST(ParticleRender, TakesNothingButStates) {
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch("videotestsrc ! particlerender ! fakesink", &error);
  EXPECT_TRUE(error);
  g_clear_error(&error);
  if (pipeline) gst_object_unref(pipeline);
}

// In caps that say what it is not, and in a segment that counts bytes.
TEST(ParticleRender, WhatOnlyLooksLikeAStateIsRefusedInWords) {
  Tree tree("fakesrc num-buffers=2 ! " + kState +
            ",particles=10,framerate=30/1 ! particlerender ! fakesink async=false");
  ASSERT_TRUE(tree.play());
  EXPECT_EQ(tree.wait_for_end(), "particlerender takes its input from particlesrc only.");
}

TEST(ParticleRender, VideoStaysTheSourcesDefault) {
  FramePipeline pipeline("particlesrc name=src device=cpu particles=1000 num-buffers=1" + kSink);
  ASSERT_TRUE(pipeline.play());
  auto frame = pipeline.pull();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->width, 1280);
}

}  // namespace
}  // namespace campaign::test
