// particlepack in real pipelines: the decoder reads what it wrote, whatever the rate, the count and the
// device.
#include <gst/video/video-event.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <span>

#include "frames.hpp"
#include "particles/pack/decoder.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

namespace pack = particles::pack;

const std::string kState = "application/x-particle-state(memory:CampaignParticles)";
const std::string kSink = " ! appsink name=sink sync=false max-buffers=1";

std::string packed(const std::string& source, const std::string& packer = "", const std::string& caps = "") {
  return "particlesrc name=src " + source + " ! particlepack name=pack " + packer +
         " ! capsfilter name=filter caps=\"application/x-particle-update" + (caps.empty() ? "" : "," + caps) +
         "\"" + kSink;
}

// One update as the decoder reads it; its arrays are the decoder's until the next one.
struct Packed {
  GstClockTime pts = 0, duration = 0;
  bool delta = false, discont = false;
  gint particles_in_caps = 0;
  std::string rate_in_caps;
  size_t bytes = 0;
  const GstMemory* memory = nullptr;  // to be compared with others and nothing else
  pack::Update update;
  uint32_t newborn() const { return uint32_t(std::count(update.newborn.begin(), update.newborn.end(), 1)); }
};

class PackPipeline : public FramePipeline {
 public:
  explicit PackPipeline(const std::string& launch)
      : FramePipeline(launch),
        pack_(gst_bin_get_by_name(GST_BIN(pipeline()), "pack")),
        out_(gst_bin_get_by_name(GST_BIN(pipeline()), "sink")) {}
  ~PackPipeline() {
    gst_object_unref(pack_);
    gst_object_unref(out_);
  }
  GstElement* pack() const { return pack_; }

  // The next update, which has to be decoded; none at the end of the stream.
  std::optional<Packed> next(double seconds = 20) {
    GstSample* sample = nullptr;
    g_signal_emit_by_name(out_, "try-pull-sample", GstClockTime(kPatience * seconds * GST_SECOND), &sample);
    if (!sample) return std::nullopt;
    GstBuffer* buffer = gst_sample_get_buffer(sample);
    Packed packed;
    packed.pts = GST_BUFFER_PTS(buffer);
    packed.duration = GST_BUFFER_DURATION(buffer);
    packed.delta = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    packed.discont = GST_BUFFER_IS_DISCONT(buffer);
    packed.memory = gst_buffer_peek_memory(buffer, 0);
    const GstStructure* caps = gst_caps_get_structure(gst_sample_get_caps(sample), 0);
    gint num = 0, den = 1, version = 0;
    EXPECT_TRUE(gst_structure_get_int(caps, "particles", &packed.particles_in_caps));
    EXPECT_TRUE(gst_structure_get_fraction(caps, "framerate", &num, &den));
    EXPECT_TRUE(gst_structure_get_int(caps, "version", &version));
    EXPECT_EQ(version, pack::kVersion);
    packed.rate_in_caps = std::to_string(num) + "/" + std::to_string(den);
    GstMapInfo map;
    EXPECT_TRUE(gst_buffer_map(buffer, &map, GST_MAP_READ));
    packed.bytes = map.size;
    auto update = decoder_.decode(std::as_bytes(std::span(map.data, map.size)));
    gst_buffer_unmap(buffer, &map);
    gst_sample_unref(sample);
    EXPECT_TRUE(update) << update.error().detail;
    if (!update) return std::nullopt;
    packed.update = *update;
    EXPECT_EQ(packed.delta, !packed.update.header.key);
    EXPECT_EQ(packed.update.header.count, uint32_t(packed.particles_in_caps));
    return packed;
  }
  // The first update within the next `most` for which this holds.
  std::optional<Packed> next_where(const std::function<bool(const Packed&)>& holds, int most = 20) {
    for (int i = 0; i < most; ++i) {
      auto update = next();
      if (!update || holds(*update)) return update;
    }
    return std::nullopt;
  }
  guint64 stat(const char* name) {
    GstStructure* stats = nullptr;
    g_object_get(pack_, "stats", &stats, nullptr);
    guint64 value = 0;
    EXPECT_TRUE(gst_structure_get_uint64(stats, name, &value)) << name;
    gst_structure_free(stats);
    return value;
  }
  void filter_updates(const std::string& caps) {
    GstElement* filter = gst_bin_get_by_name(GST_BIN(pipeline()), "filter");
    gst_util_set_object_arg(G_OBJECT(filter), "caps", ("application/x-particle-update" + caps).c_str());
    gst_object_unref(filter);
  }

 private:
  GstElement* pack_;
  GstElement* out_;
  pack::Decoder decoder_;
};

TEST(ParticlePack, TheDecoderReadsEveryUpdateOnBothExecutors) {
  for (const char* device : {"cpu", "llvmpipe"}) {
    PackPipeline pipeline(
        packed("num-buffers=75 particles=5000 device=" + std::string(device), "particles=2000"));
    ASSERT_TRUE(pipeline.play());
    guint64 count = 0, bytes = 0;
    while (auto update = pipeline.next()) {
      EXPECT_EQ(update->pts, gst_util_uint64_scale(count, GST_SECOND, 30));
      EXPECT_EQ(update->pts + update->duration, gst_util_uint64_scale(count + 1, GST_SECOND, 30));
      EXPECT_EQ(update->discont, count == 0);
      EXPECT_EQ(update->update.header.tick, count);
      EXPECT_EQ(update->update.header.stream_time, int64_t(update->pts));
      EXPECT_EQ(update->particles_in_caps, 2000);
      EXPECT_EQ(update->rate_in_caps, "30/1");
      if (count == 0 || count == 60) {
        EXPECT_TRUE(update->update.header.key) << count;
      }
      EXPECT_EQ(update->newborn() == 2000, count == 0) << device << " " << count;
      ++count;
      bytes += update->bytes;
    }
    EXPECT_TRUE(pipeline.at_end());
    EXPECT_EQ(count, 75u);
    EXPECT_EQ(pipeline.stat("updates"), 75u);
    EXPECT_EQ(pipeline.stat("left-out"), 0u);
    EXPECT_EQ(pipeline.stat("bytes"), bytes);
    EXPECT_GE(pipeline.stat("key-updates"), 2u);
    EXPECT_GT(pipeline.stat("bitrate"), 100'000u);
    EXPECT_GT(pipeline.stat("pack-time"), 0u);
  }
}

TEST(ParticlePack, BothExecutorsPackTheSameWorld) {
  PackPipeline cpu(packed("num-buffers=10 particles=3000 device=cpu scene=benchmark", "position-bits=16"));
  PackPipeline vulkan(
      packed("num-buffers=10 particles=3000 device=llvmpipe scene=benchmark", "position-bits=16"));
  ASSERT_TRUE(cpu.play() && vulkan.play());
  for (int i = 0; i < 10; ++i) {
    auto a = cpu.next(), b = vulkan.next();
    ASSERT_TRUE(a && b);
    for (uint32_t p = 0; p < 3000; ++p) {
      ASSERT_NEAR(a->update.x[p], b->update.x[p], 2e-3) << "update " << i << ", particle " << p;
      ASSERT_NEAR(a->update.y[p], b->update.y[p], 2e-3) << "update " << i << ", particle " << p;
      ASSERT_EQ(a->update.newborn[p], b->update.newborn[p]);
    }
  }
}

TEST(ParticlePack, ALowerRateLeavesStatesOutAndKeepsTheirBirths) {
  // 60 states a second, and of the updates a second: as many, a divisor, no divisor.
  for (int rate : {60, 20, 7}) {
    const std::string source = "num-buffers=120 particles=2000 device=cpu ";
    PackPipeline pipeline("particlesrc name=src " + source + " ! " + kState +
                          ",framerate=60/1 ! particlepack name=pack ! " +
                          "application/x-particle-update,framerate=" + std::to_string(rate) + "/1" + kSink);
    ASSERT_TRUE(pipeline.play());
    guint64 count = 0, newborn = 0;
    GstClockTime last = 0;
    while (auto update = pipeline.next()) {
      EXPECT_EQ(update->rate_in_caps, std::to_string(rate) + "/1");
      // No sooner than a quarter of a state before its time, and no later than the next state.
      EXPECT_GE(update->pts + GST_SECOND / 240 + 1, gst_util_uint64_scale(count, GST_SECOND, guint64(rate)));
      EXPECT_LE(update->pts, gst_util_uint64_scale(count, GST_SECOND, guint64(rate)) + GST_SECOND / 60);
      if (60 % rate == 0 && count > 0) {
        EXPECT_EQ(update->pts, last);
      }
      EXPECT_NEAR(double(update->duration), 1e9 / rate, 1);
      EXPECT_EQ(update->discont, count == 0);
      last = update->pts + update->duration;
      newborn += update->newborn();
      ++count;
    }
    EXPECT_EQ(count, guint64(2 * rate));
    EXPECT_EQ(pipeline.stat("left-out"), 120 - count);
    // The galaxy's particles live 4 seconds and more: none is born twice between two updates, so every birth
    // is there whatever the rate; a few in the states after the last update are not.
    EXPECT_NEAR(double(newborn), 2600, 300) << rate;
  }
}

TEST(ParticlePack, WhereThereAreFewerParticlesAllAreInAnUpdate) {
  PackPipeline pipeline(packed("num-buffers=3 particles=123 device=cpu"));
  ASSERT_TRUE(pipeline.play());
  auto update = pipeline.next();
  ASSERT_TRUE(update);
  EXPECT_EQ(update->particles_in_caps, 123);
}

TEST(ParticlePack, TheCapsMayAskForAnotherCountThanTheProperty) {
  PackPipeline pipeline(packed("num-buffers=3 particles=5000 device=cpu", "particles=100", "particles=777"));
  ASSERT_TRUE(pipeline.play());
  auto update = pipeline.next();
  ASSERT_TRUE(update);
  EXPECT_EQ(update->particles_in_caps, 777);
}

TEST(ParticlePack, CountsChangeWhilePlaying) {
  PackPipeline pipeline(packed("particles=5000 device=cpu", "particles=1000"));
  ASSERT_TRUE(pipeline.play());
  auto becomes = [&](gint count) {
    auto update = pipeline.next_where([&](const Packed& p) { return p.particles_in_caps == count; });
    ASSERT_TRUE(update) << count;
    EXPECT_TRUE(update->update.header.key);
  };
  ASSERT_TRUE(pipeline.next());
  g_object_set(pipeline.pack(), "particles", 3000, nullptr);
  becomes(3000);
  g_object_set(pipeline.src(), "particles", 2000, nullptr);  // of the world
  becomes(2000);
  g_object_set(pipeline.src(), "particles", 50'000, nullptr);
  becomes(3000);
  ASSERT_TRUE(pipeline.send_upstream(gst_event_new_custom(
      GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new("campaign-quality", "quality", G_TYPE_STRING, "low",
                                                   "particles", G_TYPE_UINT, 500u, nullptr))));
  becomes(500);
  EXPECT_EQ(SourceStats(pipeline.src()).particles, 50'000u);  // others draw the same world
}

TEST(ParticlePack, TheRateChangesWhilePlayingAndTheWorldDoesNotHearOfIt) {
  PackPipeline pipeline(packed("particles=500 device=cpu", "", "framerate=30/1"));
  ASSERT_TRUE(pipeline.play());
  ASSERT_TRUE(pipeline.next());
  pipeline.filter_updates(",framerate=5/1");
  ASSERT_TRUE(pipeline.next_where([](const Packed& p) { return p.rate_in_caps == "5/1"; }));
  for (int i = 0; i < 3; ++i) {
    auto update = pipeline.next();
    ASSERT_TRUE(update);
    EXPECT_EQ(update->duration, GST_SECOND / 5);
  }
  GstPad* pad = gst_element_get_static_pad(pipeline.src(), "src");
  GstCaps* caps = gst_pad_get_current_caps(pad);
  gint num = 0, den = 1;
  gst_structure_get_fraction(gst_caps_get_structure(caps, 0), "framerate", &num, &den);
  EXPECT_EQ(num, 30);
  gst_caps_unref(caps);
  gst_object_unref(pad);
}

TEST(ParticlePack, KeyUpdatesComeWhenTheyAreAskedFor) {
  // Events that go on downstream with the update that answers.
  struct Answers {
    std::mutex mutex;
    std::vector<std::pair<GstClockTime, guint>> all;  // running time, count
  } answers;
  PackPipeline pipeline(packed("particles=1000 device=cpu scene=galaxy", "keyframe-interval=1000000"));
  GstPad* pad = gst_element_get_static_pad(pipeline.pack(), "src");
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo* info, gpointer data) {
        GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
        if (!gst_video_event_is_force_key_unit(event)) return GST_PAD_PROBE_OK;
        GstClockTime at = 0;
        guint count = 0;
        gst_video_event_parse_downstream_force_key_unit(event, nullptr, nullptr, &at, nullptr, &count);
        auto* to = static_cast<Answers*>(data);
        std::scoped_lock lock(to->mutex);
        to->all.emplace_back(at, count);
        return GST_PAD_PROBE_OK;
      },
      &answers, nullptr);
  ASSERT_TRUE(pipeline.play());
  auto is_key = [](const Packed& p) { return p.update.header.key; };
  ASSERT_TRUE(pipeline.next_where(is_key, 1));
  // The first seconds' boxes are left now and then; without a request key updates become rare.
  ASSERT_TRUE(pipeline.next_where([](const Packed& p) { return p.pts >= 10 * GST_SECOND; }, 400));
  ASSERT_TRUE(
      pipeline.send_upstream(gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 7)));
  auto answer = pipeline.next_where(is_key, 5);
  ASSERT_TRUE(answer) << "no key update";
  {
    std::scoped_lock lock(answers.mutex);
    ASSERT_FALSE(answers.all.empty());
    EXPECT_EQ(answers.all.back(), std::pair(answer->pts, 7u));
  }
  // One that is to come later, and not before.
  const GstClockTime later = answer->pts + GST_SECOND;
  ASSERT_TRUE(pipeline.send_upstream(gst_video_event_new_upstream_force_key_unit(later, TRUE, 8)));
  auto second = pipeline.next_where([&](const Packed& p) { return p.pts >= later; }, 60);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->update.header.key);
  EXPECT_LT(second->pts, later + GST_SECOND / 30);
  gst_object_unref(pad);
}

TEST(ParticlePack, KeyUpdatesComeAtTheirInterval) {
  PackPipeline pipeline(packed("num-buffers=20 particles=1000 device=cpu", "keyframe-interval=1"));
  ASSERT_TRUE(pipeline.play());
  for (int i = 0; i < 5; ++i) {
    auto update = pipeline.next();
    ASSERT_TRUE(update);
    EXPECT_TRUE(update->update.header.key) << i;
  }
  g_object_set(pipeline.pack(), "keyframe-interval", 1000u, nullptr);
  EXPECT_TRUE(pipeline.next_where([](const Packed& p) { return p.delta; }));
}

TEST(ParticlePack, WorksInATeeBesideAPicture) {
  for (const char* device : {"cpu", "llvmpipe"}) {
    PackPipeline pipeline(
        "particlesrc name=src num-buffers=40 particles=20000 device=" + std::string(device) +
        " ! tee name=world world. ! queue ! particlerender ! video/x-raw,width=64,height=36 ! fakesink "
        "name=picture "
        "sync=false world. ! queue ! particlepack name=pack particles=1000" +
        kSink);
    ASSERT_TRUE(pipeline.play());
    guint64 count = 0;
    while (auto update = pipeline.next()) {
      EXPECT_EQ(update->update.header.tick, count);
      EXPECT_EQ(update->update.header.count, 1000u);
      ++count;
    }
    EXPECT_EQ(count, 40u);
    EXPECT_EQ(pipeline.wait_for(GST_MESSAGE_ERROR, 0), "");
  }
}

TEST(ParticlePack, StatesThatAQueueDroppedLoseNoBirth) {
  // What is left out before particlepack is not seen by it at all: every fifth state comes through.
  PackPipeline pipeline(
      "particlesrc name=src num-buffers=150 particles=3000 device=cpu ! identity name=sieve ! "
      "particlepack name=pack" +
      kSink);
  GstElement* sieve = gst_bin_get_by_name(GST_BIN(pipeline.pipeline()), "sieve");
  GstPad* pad = gst_element_get_static_pad(sieve, "src");
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo* info, gpointer) {
        return GST_BUFFER_OFFSET(GST_PAD_PROBE_INFO_BUFFER(info)) % 5 == 0 ? GST_PAD_PROBE_OK
                                                                           : GST_PAD_PROBE_DROP;
      },
      nullptr, nullptr);
  PackPipeline whole(packed("num-buffers=150 particles=3000 device=cpu"));
  ASSERT_TRUE(pipeline.play() && whole.play());
  std::vector<uint8_t> born(3000);
  int sieved = 0;
  while (auto each = whole.next()) {
    for (size_t i = 0; i < born.size(); ++i) born[i] |= each->update.newborn[i];
    if (each->update.header.tick % 5 != 0) continue;
    auto one = pipeline.next();
    ASSERT_TRUE(one);
    ASSERT_EQ(one->update.header.tick, each->update.header.tick);
    ASSERT_TRUE(std::ranges::equal(one->update.newborn, born)) << one->update.header.tick;
    std::ranges::fill(born, uint8_t{0});
    ++sieved;
  }
  EXPECT_EQ(sieved, 30);
  gst_object_unref(pad);
  gst_object_unref(sieve);
}

TEST(ParticlePack, SeeksAndFlushesBeginWithAKeyUpdate) {
  PackPipeline pipeline(packed("particles=1000 device=cpu"));
  ASSERT_TRUE(pipeline.set_state(GST_STATE_PAUSED));
  for (GstClockTime at : {3 * GST_SECOND, GST_SECOND}) {
    ASSERT_TRUE(pipeline.seek(1, at));
    ASSERT_TRUE(pipeline.play());
    auto update = pipeline.next();
    ASSERT_TRUE(update);
    EXPECT_EQ(update->pts, at);
    EXPECT_EQ(update->update.header.stream_time, int64_t(at));
    EXPECT_TRUE(update->update.header.key);
    EXPECT_TRUE(update->discont);
    EXPECT_EQ(update->newborn(), 1000u) << "all have jumped";
    update = pipeline.next();
    ASSERT_TRUE(update);
    EXPECT_TRUE(update->delta);
  }
}

TEST(ParticlePack, GoesThroughItsStatesAgainAndAgain) {
  // After READY, appsink may lose the first buffer or still hold one of the round before, with any source: so
  // each of them can be read alone.
  PackPipeline pipeline(packed("particles=1000 device=cpu", "keyframe-interval=1"));
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(pipeline.play());
    ASSERT_TRUE(pipeline.next());
    auto update = pipeline.next_where([](const Packed& p) { return p.update.header.tick == 5; });
    ASSERT_TRUE(update) << round;
    EXPECT_EQ(update->pts, 5 * GST_SECOND / 30);
    EXPECT_LE(pipeline.stat("updates"), 12u) << "statistics of another round";
    ASSERT_TRUE(pipeline.set_state(round % 2 ? GST_STATE_NULL : GST_STATE_READY));
  }
}

TEST(ParticlePack, ItsBuffersComeFromAPool) {
  PackPipeline pipeline(packed("num-buffers=60 particles=1000 device=cpu"));
  ASSERT_TRUE(pipeline.play());
  std::set<const GstMemory*> seen;
  int count = 0;
  while (auto update = pipeline.next()) {
    seen.insert(update->memory);
    ++count;
  }
  EXPECT_EQ(count, 60);
  EXPECT_LE(seen.size(), 6u);
}

TEST(ParticlePack, ItsPoolGoesWithIt) {
  bool freed = false;
  {
    PackPipeline pipeline(packed("particles=1000 device=cpu"));
    ASSERT_TRUE(pipeline.play());
    GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline.pipeline()), "sink");
    GstSample* sample = nullptr;
    g_signal_emit_by_name(sink, "try-pull-sample", 20 * GST_SECOND, &sample);
    gst_object_unref(sink);
    ASSERT_TRUE(sample);
    g_object_weak_ref(
        G_OBJECT(gst_sample_get_buffer(sample)->pool),
        [](gpointer to, GObject*) { *static_cast<bool*>(to) = true; }, &freed);
    gst_sample_unref(sample);
  }
  EXPECT_TRUE(freed);
}

// What the user reads when such a pipeline is to play.
std::string refusal(const std::string& launch) {
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(launch.c_str(), &error);
  std::string text = error ? error->message : "";
  g_clear_error(&error);
  if (pipeline && text.empty()) {
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    if (GstElement* feed = gst_bin_get_by_name(GST_BIN(pipeline), "feed")) {
      GstBuffer* buffer = gst_buffer_new_allocate(nullptr, 64, nullptr);
      GstFlowReturn pushed;
      g_signal_emit_by_name(feed, "push-buffer", buffer, &pushed);
      gst_buffer_unref(buffer);
      gst_object_unref(feed);
    }
    GstBus* bus = gst_element_get_bus(pipeline);
    GstMessage* message = gst_bus_timed_pop_filtered(bus, 20 * GST_SECOND, GST_MESSAGE_ERROR);
    if (message) {
      gst_message_parse_error(message, &error, nullptr);
      text = error->message;
      g_clear_error(&error);
      gst_message_unref(message);
    }
    gst_object_unref(bus);
  }
  if (pipeline) {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
  }
  return text;
}

TEST(ParticlePack, WhatItCannotDoIsRefusedInWords) {
  const std::string source = "particlesrc device=cpu particles=1000 ! " + kState;
  EXPECT_EQ(refusal(source + ",framerate=30/1 ! particlepack ! application/x-particle-update,framerate=60/1 "
                             "! fakesink"),
            "The number of updates a second must be at most that of the states that come, 30/1, not 60/1");
  EXPECT_EQ(refusal(source + ",particles=1000 ! particlepack ! application/x-particle-update,particles=2000 "
                             "! fakesink"),
            "The number of particles in an update must be at most that of the world, 1000, not 2000");
  EXPECT_NE(refusal("videotestsrc ! particlepack ! fakesink"), "");
  EXPECT_NE(refusal("particlesrc ! particlepack ! application/x-particle-update,version=2 ! fakesink"), "");
  // Something else that calls itself a state.
  EXPECT_EQ(refusal("appsrc name=feed format=time caps=\"" + kState +
                    ",particles=5,framerate=30/1\" ! particlepack ! fakesink"),
            "particlepack takes its input from particlesrc only.");
}

TEST(ParticlePack, TwentyThousandParticlesAt30HzFitIn7MbitASecond) {
  const std::string world = "particles=" + std::to_string(kPatience > 1 ? 20'000 : 100'000);
  for (const char* scene : {"galaxy", "benchmark"}) {
    PackPipeline pipeline(packed("num-buffers=600 device=cpu " + world + " scene=" + std::string(scene)));
    ASSERT_TRUE(pipeline.play());
    uint64_t bytes = 0;
    int count = 0;
    while (auto update = pipeline.next()) {
      if (++count <= 300) continue;  // until the world has settled
      bytes += update->bytes;
    }
    ASSERT_EQ(count, 600);
    const double rate = double(bytes) * 8 / 10;
    std::printf("%s: %.2f Mbit/s, %.2f ms to make an update\n", scene, rate / 1e6,
                double(pipeline.stat("pack-time")) / 1e6);
    EXPECT_LE(rate, 7e6) << scene;
    EXPECT_GE(rate, 1e6) << scene;
  }
}

}  // namespace
}  // namespace campaign::test
