// What downstream says in the allocation query, and what particlesrc and particlerender make of it: they draw
// into the memory that it offers where that can be written to, and into the engine's own otherwise; the
// picture is always the same.
#include <gst/video/gstvideopool.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "frames.hpp"
#include "odd_pool.hpp"

namespace campaign::test {
namespace {

// What a downstream element answers.
struct Proposal {
  bool reads_video_meta = false;
  guint least = 0, most = 0;    // buffers; it holds the former
  std::optional<OddPool> odd;   // has a pool
  std::optional<guint> room;    // has a pool of GStreamer's own, with so many pixels around the picture
  bool again = false;           // always offers the pool that it offered first
  gsize size = 0;               // bytes of a buffer, if not the picture's
  gsize align = 0, prefix = 0;  // of memory, as in GstAllocationParams
  guint around = 0;             // pixels that it wants around the picture, in whatever pool
  GstAllocator* allocator = nullptr;
};

GstBufferPool* make_video_pool(GstCaps* caps, gsize size, guint least, guint room) {
  GstBufferPool* pool = gst_video_buffer_pool_new();
  GstVideoAlignment padding;
  gst_video_alignment_reset(&padding);
  padding.padding_left = padding.padding_right = padding.padding_top = padding.padding_bottom = room;
  GstStructure* config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_set_params(config, caps, guint(size), least, 0);
  gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  if (room > 0) {
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
    gst_buffer_pool_config_set_video_alignment(config, &padding);
  }
  EXPECT_TRUE(gst_buffer_pool_set_config(pool, config));
  return pool;
}

// Sits before a sink and answers the allocation query in its place.
class Downstream {
 public:
  Downstream(GstElement* sink, const Proposal& proposal) : proposal_(proposal) {
    GstPad* pad = gst_element_get_static_pad(sink, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, probe, this, nullptr);
    gst_object_unref(pad);
  }
  ~Downstream() { gst_clear_object(&offered_); }
  GstBufferPool* offered() const { return offered_; }  // last

 private:
  static GstPadProbeReturn probe(GstPad*, GstPadProbeInfo* info, gpointer self) {
    GstQuery* query = GST_PAD_PROBE_INFO_QUERY(info);
    if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) return GST_PAD_PROBE_OK;
    static_cast<Downstream*>(self)->answer(query);
    return GST_PAD_PROBE_HANDLED;
  }

  void answer(GstQuery* query) {
    GstCaps* caps = nullptr;
    gst_query_parse_allocation(query, &caps, nullptr);
    GstVideoInfo video;
    EXPECT_TRUE(gst_video_info_from_caps(&video, caps));
    const gsize size = proposal_.size ? proposal_.size : video.size;
    if (proposal_.reads_video_meta) {
      const guint n = proposal_.around;
      GstStructure* around =
          gst_structure_new("video-meta", "padding-top", G_TYPE_UINT, n, "padding-bottom", G_TYPE_UINT, n,
                            "padding-left", G_TYPE_UINT, n, "padding-right", G_TYPE_UINT, n, nullptr);
      gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, n > 0 ? around : nullptr);
      gst_structure_free(around);
    }
    GstAllocationParams params;
    gst_allocation_params_init(&params);
    params.align = proposal_.align;
    params.prefix = proposal_.prefix;
    if (params.align > 0 || params.prefix > 0 || proposal_.allocator) {
      gst_query_add_allocation_param(query, proposal_.allocator, &params);
    }
    if (!offered_ || !proposal_.again) {
      gst_clear_object(&offered_);
      if (proposal_.odd) offered_ = make_odd_pool(*proposal_.odd);
      if (proposal_.room) offered_ = make_video_pool(caps, size, proposal_.least, *proposal_.room);
    }
    if (offered_ || proposal_.least > 0) {
      gst_query_add_allocation_pool(query, offered_, guint(size), proposal_.least, proposal_.most);
    }
  }

  const Proposal proposal_;
  GstBufferPool* offered_ = nullptr;
};

struct Seen {
  std::vector<uint64_t> checksums;
  std::set<std::string> pools, allocators;
  std::set<const void*> memories;
  bool video_meta = false;
};

class Playing {
 public:
  Playing(const std::string& element, const std::string& caps, const Proposal& proposal, int frames)
      : proposal_(proposal),
        pipeline("particlesrc name=src seed=5 num-buffers=" + std::to_string(frames) + " particles=3000 " +
                 element + " ! capsfilter name=filter caps=\"video/x-raw," + caps +
                 "\" ! appsink name=sink sync=false max-buffers=1 enable-last-sample=false"),
        sink_(gst_bin_get_by_name(GST_BIN(pipeline.pipeline()), "sink")),
        downstream(sink_, proposal) {}
  ~Playing() {
    pipeline.set_state(GST_STATE_NULL);
    forget();
    gst_object_unref(sink_);
  }

  // Looks at the next frame, and keeps it until forget().
  bool pull(double seconds = 20) {
    GstSample* sample = nullptr;
    g_signal_emit_by_name(sink_, "try-pull-sample", GstClockTime(seconds * double(GST_SECOND)), &sample);
    if (!sample) return false;
    kept_.push_back(sample);
    GstBuffer* buffer = gst_sample_get_buffer(sample);
    GstVideoInfo info;
    EXPECT_TRUE(gst_video_info_from_caps(&info, gst_sample_get_caps(sample)));
    const std::string pool = buffer->pool ? G_OBJECT_TYPE_NAME(buffer->pool) : "none";
    seen.pools.insert(pool);
    seen.memories.insert(gst_buffer_peek_memory(buffer, 0));
    seen.allocators.insert(gst_buffer_peek_memory(buffer, 0)->allocator->mem_type);
    seen.video_meta = gst_buffer_get_video_meta(buffer) != nullptr;
    // Without GstVideoMeta the bytes alone have to be the picture.
    EXPECT_TRUE(proposal_.reads_video_meta || gst_buffer_get_size(buffer) == info.size);
    EXPECT_TRUE(pool != "GstOddPool" || is_clean_around(buffer, info));
    GstMapInfo map;
    EXPECT_TRUE(gst_buffer_map(buffer, &map, GST_MAP_READ));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(map.data) & proposal_.align, 0u);
    gst_buffer_unmap(buffer, &map);
    seen.checksums.push_back(look_at(buffer, gst_sample_get_caps(sample)).checksum);
    return true;
  }
  void forget(size_t leave = 0) {
    while (kept_.size() > leave) {
      gst_sample_unref(kept_.front());
      kept_.erase(kept_.begin());
    }
  }

 private:
  const Proposal proposal_;
  std::vector<GstSample*> kept_;

 public:
  FramePipeline pipeline;

 private:
  GstElement* sink_;

 public:
  Downstream downstream;
  Seen seen;
};

// Downstream keeps as many frames as it says it does, while the next ones are made.
Seen play(const std::string& element, const std::string& caps, const Proposal& proposal, int frames = 24) {
  Playing playing(element, caps, proposal, frames);
  EXPECT_TRUE(playing.pipeline.play());
  while (playing.pull()) playing.forget(proposal.least);
  EXPECT_TRUE(playing.pipeline.at_end());
  return playing.seen;
}

using Names = std::set<std::string>;
const Names kOurs{"GstFramePool"}, kTheirs{"GstOddPool"}, kGStreamers{"GstVideoBufferPool"};

// Of an odd size, whose rows end within a word.
std::string caps_of(const std::string& format, int width = 65, int height = 37) {
  return "format=" + format + ",width=" + std::to_string(width) + ",height=" + std::to_string(height) +
         ",framerate=30/1";
}

constexpr const char* kDevices[] = {"cpu", "llvmpipe"};
constexpr const char* kFormats[] = {"NV12", "I420", "BGRx"};

class FramePool : public testing::TestWithParam<const char*> {
 protected:
  std::string on(const char* device) const { return std::string("device=") + device + GetParam(); }
};

TEST_P(FramePool, WithoutOneOfDownstreamsFramesAreTheEnginesOwnMemory) {
  for (const char* device : kDevices) {
    for (const char* format : kFormats) {
      const Seen plain = play(on(device), caps_of(format), {});
      EXPECT_EQ(plain.checksums.size(), 24u);
      EXPECT_FALSE(plain.video_meta);
      for (const Proposal& proposal : {Proposal{.reads_video_meta = true},
                                       {.reads_video_meta = true, .least = 5},
                                       {.reads_video_meta = true, .least = 1, .align = 63},
                                       {.least = 3}}) {
        const Seen seen = play(on(device), caps_of(format), proposal);
        EXPECT_EQ(seen.checksums, plain.checksums) << device << " " << format;
        EXPECT_EQ(seen.pools, kOurs);
        EXPECT_EQ(seen.video_meta, proposal.reads_video_meta);
        // They come again: no frame has memory of its own.
        EXPECT_LE(seen.memories.size(), size_t(proposal.least) + 5);
        EXPECT_GE(seen.memories.size(), size_t(proposal.least));
      }
    }
  }
}

TEST_P(FramePool, PicturesAreDrawnIntoTheMemoryOfDownstreamsPool) {
  for (const char* device : kDevices) {
    for (const char* format : kFormats) {
      const Seen plain = play(on(device), caps_of(format), {});
      for (const OddPool& odd : {OddPool{},
                                 {.memory_per_plane = true},
                                 {.before = 1, .more_stride = 3},
                                 {.before = 0, .more_stride = 0},
                                 {.video_meta = false, .before = 0, .more_stride = 0}}) {
        const Seen seen =
            play(on(device), caps_of(format), {.reads_video_meta = true, .least = 2, .odd = odd});
        EXPECT_EQ(seen.checksums, plain.checksums) << device << " " << format;
        EXPECT_EQ(seen.pools, kTheirs);
        EXPECT_EQ(seen.allocators, Names{kOddMemory});
        EXPECT_EQ(seen.video_meta, odd.video_meta);
        EXPECT_LE(seen.memories.size(), 7u);
      }
    }
  }
}

TEST_P(FramePool, MemoryOfTheProcessorIsTakenOnlyWhereTheProcessorDraws) {
  const Proposal padded{.reads_video_meta = true, .least = 2, .room = 32};
  const Proposal odd{.reads_video_meta = true, .odd = OddPool{.system_memory = true}};
  for (const char* format : kFormats) {
    const auto on_cpu = play(on("cpu"), caps_of(format), {}),
               on_device = play(on("llvmpipe"), caps_of(format), {});
    for (const auto& [proposal, theirs] : {std::pair{padded, kGStreamers}, {odd, kTheirs}}) {
      const Seen drawn = play(on("cpu"), caps_of(format), proposal);
      EXPECT_EQ(drawn.pools, theirs);
      EXPECT_EQ(drawn.checksums, on_cpu.checksums) << format;
      const Seen by_device = play(on("llvmpipe"), caps_of(format), proposal);
      EXPECT_EQ(by_device.pools, kOurs);
      EXPECT_EQ(by_device.checksums, on_device.checksums) << format;
    }
  }
}

// What encoders without memory of their own offer: the engine's is as good, and in huge pages.
TEST_P(FramePool, AnOrdinaryPoolIsNotBetterThanTheEnginesOwn) {
  const Seen plain = play(on("cpu"), caps_of("NV12"), {});
  for (const Proposal& proposal : {Proposal{.reads_video_meta = true, .least = 2, .room = 0},
                                   {.reads_video_meta = true, .least = 2, .room = 0, .align = 15}}) {
    const Seen seen = play(on("cpu"), caps_of("NV12"), proposal);
    EXPECT_EQ(seen.checksums, plain.checksums);
    EXPECT_EQ(seen.pools, kOurs);
  }
  const Seen aligned =
      play(on("cpu"), caps_of("NV12"), {.reads_video_meta = true, .least = 2, .room = 0, .align = 127});
  EXPECT_EQ(aligned.checksums, plain.checksums);
  EXPECT_EQ(aligned.pools, kGStreamers);
}

TEST_P(FramePool, AnAllocatorAloneIsUsed) {
  GstAllocator* allocator = make_odd_allocator();
  for (const char* device : kDevices) {
    const Seen plain = play(on(device), caps_of("NV12"), {});
    const Seen seen = play(on(device), caps_of("NV12"), {.least = 2, .allocator = allocator});
    EXPECT_EQ(seen.checksums, plain.checksums);
    EXPECT_EQ(seen.allocators, Names{kOddMemory});
    EXPECT_LE(seen.memories.size(), 7u);
  }
  EXPECT_EQ(G_OBJECT(allocator)->ref_count, 1u);
  gst_object_unref(allocator);
}

TEST_P(FramePool, WhatDownstreamWantsOfMemoryIsGivenWithoutAPoolToo) {
  const Seen plain = play(on("cpu"), caps_of("I420"), {});
  for (const Proposal& proposal : {Proposal{.reads_video_meta = true, .around = 16},
                                   {.reads_video_meta = true, .align = 4095},
                                   {.reads_video_meta = false, .prefix = 64}}) {
    const Seen seen = play(on("cpu"), caps_of("I420"), proposal);
    EXPECT_EQ(seen.checksums, plain.checksums);
    EXPECT_EQ(seen.pools, kGStreamers);
  }
}

TEST_P(FramePool, APoolThatCannotBeUsedIsLeftAlone) {
  GstAllocator* blind = make_odd_allocator(false);
  const OddPool by_caps{.before = 0, .more_stride = 0};
  OddPool small = by_caps, short_of = by_caps, broken = by_caps, unreadable = by_caps;
  small.largest = 1000;
  short_of.missing = 100;
  short_of.video_meta = false;
  broken.starts = false;
  unreadable.mappable = false;
  const Proposal proposals[] = {
      {.reads_video_meta = true, .odd = small},       {.reads_video_meta = false, .odd = short_of},
      {.reads_video_meta = true, .odd = broken},      {.reads_video_meta = true, .odd = unreadable},
      {.reads_video_meta = false, .odd = OddPool{}},  // a layout that nobody downstream would know of
      {.reads_video_meta = true, .allocator = blind},
  };
  for (const char* device : kDevices) {
    const Seen plain = play(on(device), caps_of("NV12"), {});
    for (const Proposal& proposal : proposals) {
      const auto nr = &proposal - proposals;
      const Seen seen = play(on(device), caps_of("NV12"), proposal);
      EXPECT_EQ(seen.checksums, plain.checksums) << nr;
      EXPECT_EQ(seen.pools, kOurs) << nr;
    }
  }
  gst_object_unref(blind);
}

TEST_P(FramePool, TwoBuffersAreEnough) {
  for (const char* device : kDevices) {
    const Seen plain = play(on(device), caps_of("NV12"), {});
    const Seen seen = play(on(device), caps_of("NV12"),
                           {.reads_video_meta = true, .least = 1, .most = 2, .odd = OddPool{}});
    EXPECT_EQ(seen.checksums, plain.checksums);
    EXPECT_EQ(seen.pools, kTheirs);
    EXPECT_LE(seen.memories.size(), 2u);
  }
}

TEST_P(FramePool, APoolThatDownstreamHoldsWhollyIsNotWaitedFor) {
  const Seen plain = play(on("cpu"), caps_of("NV12"), {});
  const Seen seen =
      play(on("cpu"), caps_of("NV12"), {.reads_video_meta = true, .least = 3, .most = 3, .odd = OddPool{}});
  EXPECT_EQ(seen.checksums, plain.checksums);
  EXPECT_EQ(seen.pools, kOurs);
}

// Where nobody keeps what has been seen; appsink does.
TEST_P(FramePool, OneBufferIsEnough) {
  for (const char* device : kDevices) {
    const Seen plain = play(on(device), caps_of("NV12"), {});
    FramePipeline pipeline("particlesrc name=src seed=5 num-buffers=24 particles=3000 " + on(device) +
                           " ! video/x-raw," + caps_of("NV12") +
                           " ! fakesink name=sink signal-handoffs=true enable-last-sample=false");
    GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline.pipeline()), "sink");
    const Downstream downstream(sink, {.reads_video_meta = true, .most = 1, .odd = OddPool{}});
    const auto look = +[](GstElement*, GstBuffer* buffer, GstPad* pad, Seen* seen) {
      GstCaps* caps = gst_pad_get_current_caps(pad);
      seen->checksums.push_back(look_at(buffer, caps).checksum);
      seen->memories.insert(gst_buffer_peek_memory(buffer, 0));
      seen->pools.insert(G_OBJECT_TYPE_NAME(buffer->pool));
      gst_caps_unref(caps);
    };
    Seen seen;
    g_signal_connect(sink, "handoff", G_CALLBACK(look), &seen);
    gst_object_unref(sink);
    ASSERT_TRUE(pipeline.play());
    pipeline.wait_for(GST_MESSAGE_EOS);
    EXPECT_EQ(seen.checksums, plain.checksums);
    EXPECT_EQ(seen.pools, kTheirs);
    EXPECT_EQ(seen.memories.size(), 1u);
    EXPECT_TRUE(pipeline.set_state(GST_STATE_NULL));
  }
}

// Says too little of its size, and does better.
TEST_P(FramePool, APoolForSmallerBuffersIsAskedForLargerOnes) {
  const Seen plain = play(on("cpu"), caps_of("NV12"), {});
  const Seen seen =
      play(on("cpu"), caps_of("NV12"), {.reads_video_meta = true, .odd = OddPool{}, .size = 100});
  EXPECT_EQ(seen.checksums, plain.checksums);
  EXPECT_EQ(seen.pools, kTheirs);
}

TEST_P(FramePool, AnElementThatWaitsForABufferCanBeFlushedAndStopped) {
  const Seen plain = play(on("cpu"), caps_of("NV12"), {});
  Playing playing(on("cpu"), caps_of("NV12"), {.reads_video_meta = true, .most = 2, .odd = OddPool{}}, 24);
  ASSERT_TRUE(playing.pipeline.play());
  ASSERT_TRUE(playing.pull() && playing.pull());
  EXPECT_FALSE(playing.pull(0.2));  // there is no third one
  EXPECT_TRUE(playing.pipeline.seek(1, 0));
  EXPECT_FALSE(playing.pull(0.2));
  playing.forget(1);
  ASSERT_TRUE(playing.pull());
  EXPECT_EQ(playing.seen.checksums.back(), plain.checksums.front());
  EXPECT_EQ(playing.seen.pools, kTheirs);
  EXPECT_TRUE(playing.pipeline.set_state(GST_STATE_NULL));
}

TEST_P(FramePool, OtherCapsAndAskingAgainGoOnInDownstreamsMemory) {
  for (const char* device : kDevices) {
    const Seen plain = play(on(device), caps_of("NV12"), {});
    const Proposal proposals[] = {
        {.reads_video_meta = true, .least = 1, .odd = OddPool{}},
        {.reads_video_meta = true, .least = 1, .odd = OddPool{}, .again = true},
        {.reads_video_meta = true, .least = 1, .most = 2, .odd = OddPool{}, .again = true},
    };
    for (const Proposal& proposal : proposals) {
      Playing playing(on(device), caps_of("NV12"), proposal, -1);
      ASSERT_TRUE(playing.pipeline.play());
      auto next = [&] {
        const bool pulled = playing.pull();
        playing.forget(1);
        return pulled;
      };
      ASSERT_TRUE(next() && next());
      for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(playing.pipeline.send_upstream(gst_event_new_reconfigure()));
        ASSERT_TRUE(next() && next());
      }
      EXPECT_EQ(playing.seen.pools, kTheirs);
      EXPECT_EQ(playing.seen.checksums, std::vector(plain.checksums.begin(), plain.checksums.begin() + 8));

      // Another size; a pool that is still in use for the old one cannot serve it.
      playing.pipeline.filter(caps_of("NV12", 131, 75));
      playing.seen = {};
      for (int i = 0; i < 8; ++i) ASSERT_TRUE(next());
      EXPECT_TRUE(playing.seen.pools.contains(proposal.again ? "GstFramePool" : "GstOddPool"));
    }
  }
}

TEST_P(FramePool, PoolsAndAllocatorsAreFreed) {
  int freed = 0;
  for (const char* device : kDevices) {
    for (bool again : {false, true}) {
      Playing playing(on(device), caps_of("NV12"),
                      {.reads_video_meta = true, .odd = OddPool{}, .again = again}, -1);
      ASSERT_TRUE(playing.pipeline.play());
      ASSERT_TRUE(playing.pull() && playing.pull());
      g_object_weak_ref(
          G_OBJECT(playing.downstream.offered()),
          [](gpointer count, GObject*) { ++*static_cast<int*>(count); }, &freed);
      ASSERT_TRUE(playing.pipeline.send_upstream(gst_event_new_reconfigure()));
      for (int i = 0; i < 5; ++i) {
        playing.forget();
        ASSERT_TRUE(playing.pull());
      }
      ASSERT_TRUE(playing.pipeline.set_state(GST_STATE_NULL));
    }
  }
  EXPECT_EQ(freed, 4);
}

// What encoders and converters offer changes nothing of what they are given.
TEST_P(FramePool, EncodersAndConvertersGetTheSamePictures) {
  for (const char* rest : {"x264enc tune=zerolatency threads=1", "vp8enc deadline=0 threads=1",
                           "videoconvert ! video/x-raw,format=RGB", "videoscale ! video/x-raw,width=104"}) {
    std::vector<std::vector<guint8>> encoded;
    // identity says nothing of memory, and hears nothing.
    for (const char* before : {"identity drop-allocation=true ! ", ""}) {
      FramePipeline pipeline("particlesrc name=src device=cpu num-buffers=12 particles=3000" +
                             std::string(GetParam()) + " ! video/x-raw," + caps_of("I420", 72, 38) + " ! " +
                             before + rest + " ! appsink name=sink sync=false");
      ASSERT_TRUE(pipeline.play());
      std::vector<guint8> bytes;
      GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline.pipeline()), "sink");
      for (GstSample* sample = nullptr;; gst_sample_unref(sample)) {
        g_signal_emit_by_name(sink, "try-pull-sample", 20 * GST_SECOND, &sample);
        if (!sample) break;
        GstMapInfo map;
        ASSERT_TRUE(gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ));
        bytes.insert(bytes.end(), map.data, map.data + map.size);
        gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
      }
      gst_object_unref(sink);
      EXPECT_TRUE(pipeline.at_end());
      encoded.push_back(std::move(bytes));
    }
    EXPECT_FALSE(encoded[0].empty());
    EXPECT_TRUE(encoded[0] == encoded[1]) << rest;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, FramePool, testing::Values("", " ! particlerender"), [](const auto& each) {
  return std::string(*each.param ? "particlerender" : "particlesrc");
});

}  // namespace
}  // namespace campaign::test
