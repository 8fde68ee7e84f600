// How large a world campaignsink has simulated for what is watched of it, by a real particlesrc.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "serving_pipeline.hpp"
#include "test_viewer.hpp"
#include "util/gst_ptr.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

// A sanitizer cannot move so many in real time.
constexpr guint kUltra = kPatience > 1 ? 50'000 : 1'000'000, kLow = kUltra / 10;
constexpr double kSoon = 30;  // seconds; a busy machine takes its time

const std::string kWorld =
    "particlesrc name=world is-live=true device=cpu particles=" + std::to_string(kUltra) +
    " ! "
    "application/x-particle-state(memory:CampaignParticles),framerate=30/1 ! ";
// Small pictures of a large world, drawn by a machine that may be too slow for them.
const std::string kSink =
    "campaignsink name=sink port=0 qos=false ladder=\"{\\\"rungs\\\":["
    "{\\\"name\\\":\\\"low\\\",\\\"threshold\\\":0,\\\"particles\\\":" +
    std::to_string(kLow) +
    ","
    "\\\"width\\\":160,\\\"height\\\":90,\\\"bitrate\\\":200000},"
    "{\\\"name\\\":\\\"ultra\\\",\\\"threshold\\\":400000,\\\"particles\\\":" +
    std::to_string(kUltra) +
    ","
    "\\\"width\\\":192,\\\"height\\\":108,\\\"bitrate\\\":300000}]}\"";

bool becomes(const ServingPipeline& pipeline, guint particles) {
  return wait_until([&] { return pipeline.simulated() == particles; }, kSoon);
}

// The smallest world that a rung's renderer is given from here on.
class Smallest {
 public:
  Smallest(const ServingPipeline& pipeline, guint rung) {
    GstIterator* all =
        gst_bin_iterate_all_by_element_factory_name(GST_BIN(pipeline.pipeline()), "particlerender");
    GValue item = G_VALUE_INIT;
    while (!pad_ && gst_iterator_next(all, &item) == GST_ITERATOR_OK) {
      auto* renderer = GST_ELEMENT(g_value_get_object(&item));
      guint draws = 0;
      g_object_get(renderer, "particles", &draws, nullptr);
      if (draws == rung) pad_ = adopt(gst_element_get_static_pad(renderer, "sink"));
      g_value_reset(&item);
    }
    g_value_unset(&item);
    gst_iterator_free(all);
    if (pad_) probe_ = gst_pad_add_probe(pad_.get(), GST_PAD_PROBE_TYPE_BUFFER, look, this, nullptr);
  }
  ~Smallest() {
    if (pad_) gst_pad_remove_probe(pad_.get(), probe_);
  }
  Smallest(const Smallest&) = delete;

  bool found() const { return bool(pad_); }
  guint particles() const { return particles_; }
  unsigned states() const { return states_; }

 private:
  static GstPadProbeReturn look(GstPad* pad, GstPadProbeInfo*, gpointer data) {
    auto* self = static_cast<Smallest*>(data);
    const auto caps = adopt(gst_pad_get_current_caps(pad));
    gint particles = 0;
    gst_structure_get_int(gst_caps_get_structure(caps.get(), 0), "particles", &particles);
    self->particles_ = std::min(self->particles_.load(), guint(particles));
    ++self->states_;
    return GST_PAD_PROBE_OK;
  }

  Ref<GstPad> pad_;
  gulong probe_ = 0;
  std::atomic<guint> particles_ = G_MAXUINT;
  std::atomic<unsigned> states_ = 0;
};

void watch(TestViewer& viewer, const char* quality) {
  viewer.socket().send({{"type", "subscribe"}, {"campaign", "0"}, {"quality", quality}});
}

TEST(WorldSize, IsWhatTheLargestWatchedRungDraws) {
  ServingPipeline pipeline(kWorld + kSink);
  ASSERT_TRUE(pipeline.play());
  EXPECT_TRUE(becomes(pipeline, kLow)) << pipeline.simulated() << " are simulated for nobody";

  TestViewer first(pipeline.port(), {"?campaign=0", false, true});
  watch(first, "low");
  ASSERT_TRUE(first.wait_for_packets(60, kSoon));
  EXPECT_TRUE(becomes(pipeline, kLow));  // what it was given before it chose may have been more

  Smallest drawn(pipeline, kUltra);
  ASSERT_TRUE(drawn.found());
  {
    TestViewer second(pipeline.port(), {"?campaign=0", false, true});
    watch(second, "ultra");
    EXPECT_TRUE(becomes(pipeline, kUltra));
    ASSERT_TRUE(second.wait_for_packets(30, kSoon));
    EXPECT_TRUE(wait_until([&] { return drawn.states() > 10; }, kSoon));
    EXPECT_EQ(drawn.particles(), kUltra);
    EXPECT_TRUE(first.wait_for_packets(30, kSoon));
  }
  EXPECT_TRUE(becomes(pipeline, kLow));
  EXPECT_EQ(drawn.particles(), kUltra);
  EXPECT_TRUE(first.wait_for_packets(30, kSoon));
}

TEST(WorldSize, IsAllThatTheSourceHasWhereARungDrawsMore) {
  ServingPipeline pipeline(kWorld + kSink);
  const auto world = adopt(gst_bin_get_by_name(GST_BIN(pipeline.pipeline()), "world"));
  g_object_set(world.get(), "particles", kUltra * 3 / 10, nullptr);
  ASSERT_TRUE(pipeline.play());
  EXPECT_TRUE(becomes(pipeline, kLow));
  TestViewer viewer(pipeline.port(), {"?campaign=0", false, true});
  watch(viewer, "ultra");
  EXPECT_TRUE(becomes(pipeline, kUltra * 3 / 10));
  EXPECT_TRUE(viewer.wait_for_packets(60, kSoon));
}

TEST(WorldSize, IsLeftAloneWhereOthersGetTheSameWorld) {
  ServingPipeline pipeline(kWorld + "tee name=both both. ! queue ! fakesink async=false both. ! queue ! " +
                           kSink);
  ASSERT_TRUE(pipeline.play());
  TestViewer viewer(pipeline.port(), {"?campaign=0", false, true});
  watch(viewer, "low");
  ASSERT_TRUE(viewer.wait_for_packets(60, kSoon));
  EXPECT_EQ(pipeline.simulated(), kUltra);
}

}  // namespace
}  // namespace campaign::test
