// Viewers come, change quality and campaign, and go, over and over: nobody may be left without frames, and
// nothing may stay behind of those who went.
//   integration-churn [--joins=1000] [--switches=1000]
// The test suite lets 100 come and 100 switches happen, after as many that are not counted.
#include <gst/gst.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "load_run.hpp"
#include "wait.hpp"
#include "websocket_client.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // keeps freed memory for a while, so that its size says nothing
#else
constexpr bool kSanitized = false;
#endif

namespace campaign::test {
namespace {

// Before anything is measured: what is made once, and what grows to the size of the crowd, is there then.
constexpr unsigned kFirst = 100;
constexpr unsigned kViewers = 10;
constexpr int kHasty = 20;
// What a server of two small campaigns may grow by, however many come: a hundredth.
constexpr double kMostGrowth = 0.01;
// Of 2,000 requests: a tenth of what libsoup's own listener keeps of as many connections.
constexpr double kOfRequests = 71;
// GLib keeps every name for ever. Some are met late, but none are a viewer's own.
constexpr long kLateNames = 10;
// GLib's and gio's own thread pools keep a few idle threads for a while, and they are bounded.
constexpr long kPoolThreads = 4;

unsigned most_joins = 100, most_switches = 100;

long entries(const char* directory) {
  long count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++count;
  return count;
}

// The names of the threads there are.
std::vector<std::string> threads() {
  std::vector<std::string> names;
  std::error_code gone;  // a thread may end while it is looked at
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    std::string name;
    if (std::getline(std::ifstream(task.path() / "comm"), name)) names.push_back(name);
  }
  return names;
}

// Of viewers' sessions that have not been taken down: webrtcbin's own, and those of its elements and of ours.
long session_threads() {
  return std::ranges::count_if(threads(), [](const std::string& name) {
    return std::ranges::any_of(std::array{"webrtcbin", "nicesrc", "dtlsenc", "rtprtxsend", "campaignunitsou"},
                               [&](const char* known) { return name.starts_with(known); });
  });
}

// But for those that wait for the next viewer, of whom there are more after more viewers at once, up to a
// limit.
long busy_threads() {
  return std::ranges::count_if(threads(), [](const std::string& name) { return name != "campaign-idle"; });
}

long resident_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmRSS:", 0) == 0) return std::atol(line.c_str() + 6);
  return -1;
}

// A name that is new takes the next number, and memory for ever: to be asked for seldom.
long names_so_far() {
  static long own = 0;
  const GQuark next = g_quark_from_string(("churn-test-" + std::to_string(own)).c_str());
  return long(next) - own++;
}

struct Footprint {
  long threads = 0, descriptors = 0, resident = 0;
  double allocated = 0;  // kilobytes that the program has been given and not returned, whatever lies between

  // The pictures that wait somewhere differ by half a megabyte from moment to moment.
  static Footprint lowest() {
    Footprint lowest = now();
    for (int i = 0; i < 20; ++i) {
      g_usleep(100'000);
      lowest.allocated = std::min(lowest.allocated, now().allocated);
    }
    return lowest;
  }

  static Footprint now() {
    malloc_trim(0);  // what the allocator keeps for later is not what the program keeps
    const struct mallinfo2 heap = mallinfo2();
    return {busy_threads(), entries("/proc/self/fd"), resident_kilobytes(),
            double(heap.uordblks + heap.hblkhd) / 1024};
  }
};

struct Churn {
  unsigned joins = 0, hasty = 0, switches = 0, campaign_switches = 0;

  bool reached(unsigned all_joins, unsigned all_switches) const {
    return joins >= all_joins && switches >= all_switches && campaign_switches >= all_switches / 5;
  }
};

constexpr const char* kLadder =
    R"({"rungs": [
      {"name": "low", "threshold": 0, "particles": 100, "width": 96, "height": 64, "bitrate": 60000},
      {"name": "high", "threshold": 200000, "particles": 100, "width": 160, "height": 96, "bitrate": 150000}]})";

std::string picture(const char* pad, const char* pattern) {
  return std::string(" videotestsrc is-live=true pattern=") + pattern +
         " ! video/x-raw,width=160,height=96,framerate=30/1 ! sink." + pad;
}

std::unique_ptr<ServingPipeline> two_campaigns() {
  auto server = std::make_unique<ServingPipeline>(
      "campaignsink name=sink port=0 max-viewers=100 sink_0::campaign=red sink_1::campaign=blue" +
      picture("sink_0", "ball") + picture("sink_1", "smpte"));
  g_object_set(server->sink(), "ladder", kLadder, nullptr);
  return server;
}

// Some do not even wait for the offer, and go while their session is being made.
void come_and_go_at_once(const ServingPipeline& server) {
  for (int i = 0; i < kHasty; ++i) {
    WebSocketClient socket(server.port(), "?campaign=red");
    ASSERT_TRUE(socket.wait_for("welcome").is_object());
  }
}

// Lets viewers churn until there have been so many joins and switches, in bouts from which all of them go.
void churn_until(ServingPipeline& server, Churn& done, unsigned joins, unsigned switches) {
  for (int bout = 1; !done.reached(joins, switches); ++bout) {
    LoadRun run({"--viewers=" + std::to_string(kViewers), "--join-rate=20", "--duration=5",
                 "--leave-every=0.6", "--switch-every=0.3", "--seed=" + std::to_string(done.joins + 1),
                 "--json=-", load_address(server, "red")});
    come_and_go_at_once(server);
    ASSERT_TRUE(run.wait(90));
    const nlohmann::json& report = run.report();
    ASSERT_TRUE(report.is_object()) << run.text();
    EXPECT_EQ(report["viewers_without_frames"], 0) << report;
    EXPECT_EQ(report["failures"], nlohmann::json::object());
    EXPECT_EQ(report["backward_timestamps"], 0);
    const unsigned came = report["joined"];
    ASSERT_GT(came, 0u) << report;
    done.joins += came;
    done.hasty += kHasty;
    done.switches += unsigned(report["switches"]["done"]);
    done.campaign_switches += unsigned(report["switches"]["of_campaign"]);
    // Sessions are taken down one after another, and the last ones a while after their viewers have gone.
    ASSERT_TRUE(wait_until([&] { return server.viewers() == 0 && session_threads() == 0; }, 20))
        << server.viewers() << " viewers, " << session_threads() << " threads of sessions";
    const Footprint here = Footprint::now();
    std::printf("%5u joins, %5u switches: %ld threads, %ld descriptors, %.0f kB allocated, %ld resident\n",
                done.joins, done.switches, here.threads, here.descriptors, here.allocated, here.resident);
  }
}

TEST(Churn, NobodyIsLeftWithoutFramesAndNothingStaysBehind) {
  const auto server = two_campaigns();
  ASSERT_TRUE(server->play());
  GstBus* bus = gst_element_get_bus(server->pipeline());
  gst_bus_set_flushing(bus, TRUE);  // nobody reads here, and unread messages would be what grows
  gst_object_unref(bus);
  Churn before, after;
  churn_until(*server, before, kFirst, 0);
  if (HasFatalFailure()) return;
  const Footprint first = Footprint::lowest();
  const long first_names = names_so_far();
  churn_until(*server, after, most_joins, most_switches);
  if (HasFatalFailure()) return;
  const long last_names = names_so_far();
  EXPECT_LE(last_names, first_names + kLateNames);

  const double most = first.allocated * (1 + kMostGrowth);
  Footprint last;
  const auto settled = [&] {
    last = Footprint::now();
    return last.descriptors <= first.descriptors && last.threads <= first.threads + kPoolThreads &&
           (kSanitized || last.allocated <= most);
  };
  EXPECT_TRUE(wait_until(settled, 20));
  if (!kSanitized) last.allocated = Footprint::lowest().allocated;
  std::printf(
      "%u joins, %u switches, %u of them of the campaign\nthreads %ld -> %ld, descriptors %ld -> %ld, "
      "allocated %.0f -> %.0f kB (%+.2f %%), resident %ld -> %ld kB, names %ld -> %ld\n",
      after.joins, after.switches, after.campaign_switches, first.threads, last.threads, first.descriptors,
      last.descriptors, first.allocated, last.allocated, 100 * (last.allocated / first.allocated - 1),
      first.resident, last.resident, first_names, last_names);
}

TEST(Churn, RequestsLeaveNothingBehind) {
  const auto server = two_campaigns();
  ASSERT_TRUE(server->play());
  const auto ask = [&](int times) {
    for (int i = 0; i < times; ++i) ASSERT_EQ(http(server->port(), "GET", "/healthz").status, 200u);
  };
  ask(200);
  const Footprint first = Footprint::lowest();
  ask(2000);
  Footprint last;
  EXPECT_TRUE(wait_until(
      [&] {
        last = Footprint::now();
        return last.descriptors <= first.descriptors &&
               (kSanitized || last.allocated <= first.allocated + kOfRequests);
      },
      20));
  std::printf("descriptors %ld -> %ld, allocated %.0f -> %.0f kB\n", first.descriptors, last.descriptors,
              first.allocated, last.allocated);
}

// Threads that end later would do so beside the exit handlers of a program that stops and is done.
TEST(Churn, AServerThatHasStoppedHasNoThreadOfItsViewers) {
  const auto server = two_campaigns();
  ASSERT_TRUE(server->play());
  LoadRun run(
      {"--viewers=" + std::to_string(kViewers), "--duration=60", "--json=-", load_address(*server, "red")});
  ASSERT_TRUE(wait_until([&] { return server->connected() == kViewers; }, 30));
  EXPECT_GE(session_threads(), long(kViewers));
  server->stop();
  EXPECT_EQ(session_threads(), 0);
  EXPECT_EQ(std::ranges::count(threads(), "campaign-idle"), 0);
}

// GStreamer's own (1.22), without harm to others.
constexpr std::array kKnownCriticals = {
    // Once in some hundred joins: rtpsession's RTCP thread, whose table of sources changed under it.
    "g_hash_table_foreach: assertion 'version == hash_table->version' failed",
    // Once in some thousand: srtpdec, whose first RTCP packet comes while its pads end, which have forgotten
    // what stream they are of.
    "gst_pad_create_stream_id_internal: assertion 'parent->numsinkpads <= 1' failed",
    "gst_event_new_stream_start: assertion 'stream_id != NULL' failed",
    "gst_pad_push_event: assertion 'GST_IS_EVENT (event)' failed",
};

// What GLib calls critical is a mistake, and most of all one that shows only when viewers leave.
void end_at_critical(const char* domain, GLogLevelFlags level, const char* message, gpointer) {
  g_log_default_handler(domain, level, message, nullptr);
  const auto is_it = [&](const char* known) { return std::strcmp(message, known) == 0; };
  if ((level & G_LOG_LEVEL_CRITICAL) && std::ranges::none_of(kKnownCriticals, is_it)) std::abort();
}

}  // namespace
}  // namespace campaign::test

int main(int argc, char** argv) {
  // What GLib's slices and the allocator's caches keep for later, each thread for itself, would count as
  // given out.
  if (!std::getenv("G_SLICE")) {
    setenv("G_SLICE", "always-malloc", 1);
    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
    execv("/proc/self/exe", argv);
  }
  testing::InitGoogleTest(&argc, argv);
  gst_init(&argc, &argv);
  g_log_set_default_handler(campaign::test::end_at_critical, nullptr);
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--joins=", 8) == 0)
      campaign::test::most_joins = unsigned(std::atoi(argv[i] + 8));
    if (std::strncmp(argv[i], "--switches=", 11) == 0)
      campaign::test::most_switches = unsigned(std::atoi(argv[i] + 11));
  }
  const int result = RUN_ALL_TESTS();
  gst_deinit();
  return result;
}
