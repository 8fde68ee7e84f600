// One viewer's process is stopped for a while: the others do not notice, and it is back at the live picture
// soon after it goes on.
//   integration-stopped-viewer [--stop=30]
// The test suite stops it for 8 seconds. After 10 the server pauses a viewer of which it hears nothing.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "load_run.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

constexpr double kBackMs = 1000;
constexpr unsigned kOthers = 3;

double stop_seconds = 8;

double now() { return double(g_get_monotonic_time()) / G_USEC_PER_SEC; }

guint64 encoded_frames(const ServingPipeline& server) {
  GstStructure* stats = server.stats();
  const GValue* renditions = gst_structure_get_value(stats, "renditions");
  guint64 frames = 0;
  gst_structure_get_uint64(gst_value_get_structure(gst_value_array_get_value(renditions, 0)), "frames",
                           &frames);
  gst_structure_free(stats);
  return frames;
}

std::vector<std::string> watching(const ServingPipeline& server, unsigned viewers, double seconds) {
  return {"--viewers=" + std::to_string(viewers), "--join-rate=20", "--duration=" + std::to_string(seconds),
          "--json=-", load_address(server)};
}

TEST(StoppedViewer, DisturbsNobodyAndIsBackWithinASecond) {
  // Noise, so that what is sent meanwhile is more than the socket of a stopped process keeps.
  ServingPipeline server(
      "videotestsrc is-live=true pattern=snow ! video/x-raw,width=320,height=240,framerate=30/1 ! "
      "campaignsink name=sink port=0 bitrate=1500000");
  ASSERT_TRUE(server.play());
  LoadRun others(watching(server, kOthers, stop_seconds + 4));
  LoadRun stopped(watching(server, 1, stop_seconds + 4));
  ASSERT_TRUE(wait_until([&] { return server.connected() == kOthers + 1; }, 20));
  const double begin = now();
  ASSERT_TRUE(wait_until([&] { return now() > begin + 1; }));  // everybody sees something

  const guint64 before = encoded_frames(server);
  const double since = now();
  stopped.send_signal(SIGSTOP);
  EXPECT_TRUE(wait_until([&] { return now() >= since + stop_seconds; }, stop_seconds + 5));
  stopped.send_signal(SIGCONT);
  const double rate = double(encoded_frames(server) - before) / (now() - since);

  ASSERT_TRUE(others.wait(30));
  ASSERT_TRUE(stopped.wait(30));
  const nlohmann::json &theirs = others.report(), &its = stopped.report();
  ASSERT_TRUE(theirs.is_object()) << others.text();
  ASSERT_TRUE(its.is_object()) << stopped.text();
  EXPECT_EQ(others.status(), 0) << theirs;
  // Their process shares a busy machine with everything else: now and then a socket of theirs overflows.
  EXPECT_GE(double(theirs["frame_rate"]["lowest"]), 0.9 * rate);
  EXPECT_LE(double(theirs["lost"]), 0.01 * double(theirs["packets"]));
  EXPECT_EQ(theirs["backward_timestamps"], 0);

  EXPECT_EQ(its["stops"], 1);
  EXPECT_EQ(its["returns"], 1) << its;
  EXPECT_LE(double(its["longest_return_ms"]), kBackMs);
  EXPECT_EQ(its["backward_timestamps"], 0);
  std::printf("stopped for %.0f s: live again after %.0f ms; the others had %.2f frames a second of %.2f\n",
              stop_seconds, double(its["longest_return_ms"]), double(theirs["frame_rate"]["lowest"]), rate);
}

}  // namespace
}  // namespace campaign::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  gst_init(&argc, &argv);
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--stop=", 7) == 0) campaign::test::stop_seconds = std::atof(argv[i] + 7);
  }
  const int result = RUN_ALL_TESTS();
  gst_deinit();
  return result;
}
