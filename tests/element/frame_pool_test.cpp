// What downstream says in the allocation query, and what particlesrc and particlerender make of it: frames
// lie in the engine's own memory, in the layout that the caps imply, whether or not downstream reads
// GstVideoMeta and whatever pool it offers.
#include <gst/video/gstvideopool.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "frames.hpp"

namespace campaign::test {
namespace {

const std::string kSink = " ! appsink name=sink sync=false max-buffers=1";

// What a downstream element answers.
struct Proposal {
  bool reads_video_meta = false;
  guint least = 0;    // buffers that it holds
  bool pool = false;  // has a pool of its own, with padding around the picture
  gsize align = 0;    // of memory, less 1
};

GstPadProbeReturn answer(GstPad*, GstPadProbeInfo* info, gpointer data) {
  GstQuery* query = GST_PAD_PROBE_INFO_QUERY(info);
  if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) return GST_PAD_PROBE_OK;
  const auto& proposal = *static_cast<const Proposal*>(data);
  GstCaps* caps = nullptr;
  gst_query_parse_allocation(query, &caps, nullptr);
  GstVideoInfo video;
  EXPECT_TRUE(gst_video_info_from_caps(&video, caps));
  if (proposal.reads_video_meta) gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  GstAllocationParams params;
  gst_allocation_params_init(&params);
  params.align = proposal.align;
  if (proposal.align > 0) gst_query_add_allocation_param(query, nullptr, &params);
  GstBufferPool* pool = nullptr;
  if (proposal.pool) {
    pool = gst_video_buffer_pool_new();
    GstVideoAlignment padding;
    gst_video_alignment_reset(&padding);
    padding.padding_left = padding.padding_right = padding.padding_top = padding.padding_bottom = 32;
    GstStructure* config = gst_buffer_pool_get_config(pool);
    gst_buffer_pool_config_set_params(config, caps, guint(video.size), proposal.least, 0);
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
    gst_buffer_pool_config_set_video_alignment(config, &padding);
    EXPECT_TRUE(gst_buffer_pool_set_config(pool, config));
  }
  if (pool || proposal.least > 0) {
    gst_query_add_allocation_pool(query, pool, guint(video.size), proposal.least, 0);
  }
  if (pool) gst_object_unref(pool);
  GST_PAD_PROBE_INFO_DATA(info) = query;
  return GST_PAD_PROBE_HANDLED;
}

struct Seen {
  std::vector<uint64_t> checksums;
  std::set<const void*> memories;
  std::set<std::string> pools;
  bool video_meta = false;
};

// Keeps as many frames as `proposal` says it does, while the next ones are made.
Seen play(const std::string& element, const std::string& caps, const Proposal& proposal) {
  FramePipeline pipeline("particlesrc name=src seed=5 num-buffers=24 particles=3000 " + element + " ! " +
                         caps + kSink);
  GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline.pipeline()), "sink");
  GstPad* pad = gst_element_get_static_pad(sink, "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, answer, const_cast<Proposal*>(&proposal),
                    nullptr);
  EXPECT_TRUE(pipeline.play());
  Seen seen;
  std::vector<GstSample*> kept;
  for (;;) {
    GstSample* sample = nullptr;
    g_signal_emit_by_name(sink, "try-pull-sample", 20 * GST_SECOND, &sample);
    if (!sample) break;
    GstBuffer* buffer = gst_sample_get_buffer(sample);
    GstVideoInfo info;
    EXPECT_TRUE(gst_video_info_from_caps(&info, gst_sample_get_caps(sample)));
    EXPECT_EQ(gst_buffer_n_memory(buffer), 1u);
    // Without GstVideoMeta the bytes alone have to be the picture.
    EXPECT_EQ(gst_buffer_get_size(buffer), info.size);
    GstMapInfo map;
    EXPECT_TRUE(gst_buffer_map(buffer, &map, GST_MAP_READ));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(map.data) & proposal.align, 0u);
    gst_buffer_unmap(buffer, &map);
    seen.checksums.push_back(look_at(buffer, gst_sample_get_caps(sample)).checksum);
    seen.memories.insert(gst_buffer_peek_memory(buffer, 0));
    seen.pools.insert(buffer->pool ? G_OBJECT_TYPE_NAME(buffer->pool) : "none");
    seen.video_meta = gst_buffer_get_video_meta(buffer) != nullptr;
    kept.push_back(sample);
    if (kept.size() > proposal.least) {
      gst_sample_unref(kept.front());
      kept.erase(kept.begin());
    }
  }
  EXPECT_TRUE(pipeline.at_end());
  for (GstSample* sample : kept) gst_sample_unref(sample);
  gst_object_unref(pad);
  gst_object_unref(sink);
  return seen;
}

class FramePool : public testing::TestWithParam<const char*> {};

TEST_P(FramePool, FramesAreTheEnginesOwnMemoryWhateverDownstreamOffers) {
  for (const char* device : {"device=cpu", "device=llvmpipe"}) {
    const std::string element = std::string(device) + GetParam();
    // Odd sizes, whose rows end within a word.
    for (const char* format : {"NV12", "I420", "BGRx"}) {
      const std::string caps =
          std::string("video/x-raw,format=") + format + ",width=65,height=37,framerate=30/1";
      const Seen plain = play(element, caps, {});
      EXPECT_EQ(plain.checksums.size(), 24u);
      EXPECT_FALSE(plain.video_meta);
      const Proposal proposals[] = {
          {.reads_video_meta = true},
          {.reads_video_meta = true, .least = 5, .pool = true},
          {.reads_video_meta = false, .least = 3, .pool = true},
          {.reads_video_meta = true, .least = 1, .pool = false, .align = 15},
      };
      for (const auto& proposal : proposals) {
        const Seen seen = play(element, caps, proposal);
        EXPECT_EQ(seen.checksums, plain.checksums) << element << " " << format;
        EXPECT_EQ(seen.pools, std::set<std::string>{"GstFramePool"});
        EXPECT_EQ(seen.video_meta, proposal.reads_video_meta);
        // They come again: no frame has memory of its own.
        EXPECT_LE(seen.memories.size(), size_t(proposal.least) + 5);
        EXPECT_GE(seen.memories.size(), size_t(proposal.least));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, FramePool, testing::Values("", " ! particlerender"), [](const auto& each) {
  return std::string(*each.param ? "particlerender" : "particlesrc");
});

}  // namespace
}  // namespace campaign::test
