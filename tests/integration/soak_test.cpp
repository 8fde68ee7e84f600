// Memory over many frames: what a pipeline needs is there after the first of them, and 100,000 more need no
// more.
//   integration-soak [--frames=100000]
// The test suite plays 3,000 frames of each pipeline.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;  // keeps freed memory for a while, so that its size says nothing
#else
constexpr bool kSanitized = false;
#endif

namespace campaign::test {
namespace {

long frames = 3'000;

// Kilobytes that this process has in memory.
long resident() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::atol(line.c_str() + 6);
  }
  return -1;
}

struct Count {
  long warm, seen = 0, before = 0, middle = 0;
};

GstPadProbeReturn on_buffer(GstPad*, GstPadProbeInfo*, gpointer data) {
  auto& count = *static_cast<Count*>(data);
  ++count.seen;
  if (count.seen == count.warm) count.before = resident();
  if (count.seen == count.warm + frames / 2) count.middle = resident();
  return GST_PAD_PROBE_OK;
}

// Plays so many frames and looks at the memory after the first of them, in the middle and at the end.
void soak(const std::string& source, const std::string& rest) {
  const long warm = 1'000;  // births over, pools and queues filled
  const std::string launch =
      "particlesrc seed=1 num-buffers=" + std::to_string(warm + frames) + " " + source + " ! " + rest;
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(launch.c_str(), &error);
  ASSERT_FALSE(error) << error->message;
  GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  GstPad* pad = gst_element_get_static_pad(sink, "sink");
  Count count{warm};
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, &count, nullptr);
  const gint64 start = g_get_monotonic_time();
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  // This takes the statistics of every second off the bus, too: unread, they would be what grows.
  GstMessage* end =
      gst_bus_timed_pop_filtered(bus, 3600 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  ASSERT_TRUE(end);
  EXPECT_EQ(GST_MESSAGE_TYPE(end), GST_MESSAGE_EOS);
  const long after = resident();
  const double seconds = double(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
  EXPECT_EQ(count.seen, warm + frames);
  // 3,000 frames that lost a hundred bytes each would be 300 kB; what the allocator itself takes now and then
  // is less.
  const long most = 256 + frames / 1000;
  if (!kSanitized) {
    EXPECT_LE(after - count.before, most) << "kB in " << frames << " frames";
  }
  std::printf("%s ! %s\n  %ld frames in %.1f s: %ld kB, in the middle %ld, at the end %ld (%+ld)\n",
              source.c_str(), rest.c_str(), frames, seconds, count.before, count.middle, after,
              after - count.before);
  gst_message_unref(end);
  gst_object_unref(bus);
  gst_object_unref(pad);
  gst_object_unref(sink);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
}

const std::string kSmall = "video/x-raw,format=NV12,width=64,height=36,framerate=30/1";

class Soak : public testing::TestWithParam<const char*> {
 protected:
  std::string source() const { return std::string("particles=1000 device=") + GetParam(); }
};

TEST_P(Soak, FramesOfTheSourceTakeNoMemory) { soak(source(), kSmall + " ! fakesink name=sink sync=false"); }

TEST_P(Soak, FramesOfARendererTakeNoMemory) {
  soak(source(),
       "queue max-size-buffers=3 ! particlerender ! " + kSmall + " ! fakesink name=sink sync=false");
}

TEST_P(Soak, ParticleUpdatesTakeNoMemory) { soak(source(), "particlepack ! fakesink name=sink sync=false"); }

INSTANTIATE_TEST_SUITE_P(On, Soak, testing::Values("cpu", "llvmpipe"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace campaign::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  gst_init(&argc, &argv);
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--frames=", 9) == 0) campaign::test::frames = std::atol(argv[i] + 9);
  }
  const int result = RUN_ALL_TESTS();
  gst_deinit();
  return result;
}
