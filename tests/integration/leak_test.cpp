// 100 viewers come and go one after another: not a thread, file descriptor or session may stay behind.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "serving_pipeline.hpp"
#include "test_viewer.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

constexpr int kViewers = 100;
// GLib's and gio's own thread pools keep a few idle threads for a while; the pools are bounded, viewers are
// not: one thread lost per viewer would be a hundred.
constexpr long kPoolThreads = 4;

long count(const char* directory) {
  long entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++entries;
  return entries;
}

TEST(Leaks, AHundredViewersLeaveNothingBehind) {
  ServingPipeline server(ServingPipeline::small());
  ASSERT_TRUE(server.play());
  const auto visit = [&](int i) {
    TestViewer viewer(server.port(), {"?peer=v" + std::to_string(i), false, true});
    ASSERT_TRUE(viewer.wait_for_packets(1)) << i;
  };
  visit(-1);  // what is made once, is made now
  ASSERT_TRUE(wait_until([&] { return server.viewers() == 0; }));
  const auto settled = [](const char* directory, long limit) {
    return wait_until([&] { return count(directory) <= limit; }, 20);
  };
  const long threads = count("/proc/self/task"), descriptors = count("/proc/self/fd");

  const gint64 start = g_get_monotonic_time();
  for (int i = 0; i < kViewers; ++i) {
    visit(i);
    if (HasFatalFailure()) return;
  }
  const double seconds = double(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
  EXPECT_TRUE(wait_until([&] { return server.viewers() == 0; }));
  EXPECT_TRUE(settled("/proc/self/fd", descriptors))
      << count("/proc/self/fd") << " descriptors, before " << descriptors;
  EXPECT_TRUE(settled("/proc/self/task", threads + kPoolThreads))
      << count("/proc/self/task") << " threads, before " << threads;
  std::printf("%d viewers in %.1f s; threads %ld -> %ld, descriptors %ld -> %ld\n", kViewers, seconds,
              threads, count("/proc/self/task"), descriptors, count("/proc/self/fd"));
}

TEST(Leaks, StartingAndStoppingLeavesNothingBehind) {
  const auto cycle = [] {
    ServingPipeline server(ServingPipeline::small());
    ASSERT_TRUE(server.play());
    TestViewer viewer(server.port(), {"", false, true});
    ASSERT_TRUE(viewer.wait_for_packets(1));
  };
  cycle();
  const long descriptors = count("/proc/self/fd"), threads = count("/proc/self/task");
  for (int i = 0; i < 5; ++i) cycle();
  EXPECT_TRUE(wait_until([&] { return count("/proc/self/fd") <= descriptors; }, 20))
      << count("/proc/self/fd") << " descriptors, before " << descriptors;
  EXPECT_TRUE(wait_until([&] { return count("/proc/self/task") <= threads + kPoolThreads; }, 20))
      << count("/proc/self/task") << " threads, before " << threads;
}

}  // namespace
}  // namespace campaign::test
