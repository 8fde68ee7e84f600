// campaign-load as a user runs it, against a real campaignsink, judged by its exit status and its JSON.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>

#include "guest.hpp"
#include "load_run.hpp"
#include "serving_pipeline.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

using nlohmann::json;

struct Outcome {
  int status = -1;
  std::string text;  // standard output
  json report;
};

// Runs to the end, or is killed after a minute. The main context is iterated, for the sink's sake.
Outcome run_load(const std::vector<std::string>& arguments) {
  LoadRun run(arguments);
  run.wait(60);
  return {run.status(), run.text(), run.report()};
}

class Load : public ::testing::TestWithParam<const char*> {};

TEST_P(Load, FiveViewersWatchAndDecodeWithoutAFault) {
  ServingPipeline server(ServingPipeline::small(std::string("codec=") + GetParam()));
  ASSERT_TRUE(server.play());
  const Outcome outcome = run_load(
      {"--viewers=5", "--join-rate=20", "--duration=2", "--decode=5", "--json=-", load_address(server)});
  ASSERT_TRUE(outcome.report.is_object()) << outcome.text;
  const json& report = outcome.report;
  EXPECT_EQ(outcome.status, 0) << report;
  EXPECT_EQ(report["joined"], 5);
  EXPECT_EQ(report["viewers_without_frames"], 0);
  EXPECT_EQ(report["failures"], json::object());
  EXPECT_EQ(report["first_frame_ms"]["count"], 5);
  EXPECT_GT(report["first_frame_ms"]["p50"], 0);
  EXPECT_GE(report["first_frame_ms"]["max"], report["join_ms"]["p50"]);
  EXPECT_GE(report["key_frames"], 5);
  EXPECT_GT(report["frames"], 5 * 5);
  EXPECT_EQ(report["decode"]["pictures"], report["frames"]);
  // No duplicates here: probes of the bandwidth are repeats.
  for (const char* fault : {"gaps", "lost", "malformed", "strangers", "backward_timestamps",
                            "incomplete_frames", "undecodable_frames"})
    EXPECT_EQ(report[fault], 0) << fault;
  EXPECT_EQ(report["decode"]["errors"], 0);
  for (const json& each : report["each"]) {
    EXPECT_EQ(each.value("width", 0), 320);
    EXPECT_EQ(each.value("height", 0), 240);
  }
  EXPECT_TRUE(wait_until([&] { return server.viewers() == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Codecs, Load, ::testing::Values("h264", "vp8"),
                         [](const auto& test) { return test.param; });

TEST(LoadComings, ViewersThatLeaveComeBackAndLeaveNothingBehind) {
  ServingPipeline server(ServingPipeline::small());
  ASSERT_TRUE(server.play());
  const Outcome outcome = run_load({"--viewers=4", "--join-rate=20", "--duration=5", "--leave-every=0.5",
                                    "--threads=2", "--seed=3", "--json=-", load_address(server)});
  ASSERT_TRUE(outcome.report.is_object()) << outcome.text;
  EXPECT_EQ(outcome.status, 0) << outcome.report;
  EXPECT_GT(outcome.report["viewings"], 4);
  EXPECT_GT(outcome.report["joined"], 4);
  EXPECT_TRUE(wait_until([&] { return server.viewers() == 0; }, 20));
}

TEST(LoadSwitches, ViewersThatChangeTheirCampaignDecodeOnWithoutAFault) {
  const std::string picture =
      "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1";
  ServingPipeline server("campaignsink name=sink port=0 sink_0::campaign=0 sink_1::campaign=1 " + picture +
                         " ! sink.sink_0 " + picture + " ! sink.sink_1");
  ASSERT_TRUE(server.play());
  const Outcome outcome = run_load({"--viewers=3", "--join-rate=20", "--duration=4", "--switch-every=0.3",
                                    "--decode=3", "--seed=5", "--json=-", load_address(server)});
  ASSERT_TRUE(outcome.report.is_object()) << outcome.text;
  EXPECT_EQ(outcome.status, 0) << outcome.report;
  EXPECT_GT(outcome.report["switches"]["done"], 3);
  EXPECT_EQ(outcome.report["switch_ms"]["count"], outcome.report["switches"]["done"]);
  EXPECT_EQ(outcome.report["decode"]["errors"], 0);
  EXPECT_EQ(outcome.report["decode"]["pictures"], outcome.report["frames"]);
  for (const char* fault : {"gaps", "lost", "backward_timestamps", "incomplete_frames", "undecodable_frames"})
    EXPECT_EQ(outcome.report[fault], 0) << fault;
}

// Three viewers of campaign 0 who change their mind ten times a second.
class LoadChoices : public ::testing::Test {
 protected:
  LoadChoices()
      : server_(
            "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 ! "
            "campaignsink name=sink port=0 sink_0::campaign=0 sink_0::quality=low") {}

  void SetUp() override { ASSERT_TRUE(server_.play()); }

  void come() {
    run_ = std::make_unique<LoadRun>(std::vector<std::string>{"--viewers=3", "--join-rate=20", "--duration=4",
                                                              "--switch-every=0.1", "--json=-",
                                                              load_address(server_)});
    ASSERT_TRUE(wait_until([&] { return server_.connected() == 3; }, 20));
  }
  // What the report says of their switches, where none of them met a fault.
  json switches() {
    EXPECT_TRUE(run_->wait());
    EXPECT_EQ(run_->status(), 0) << run_->text();
    const json& report = run_->report();
    if (!report.is_object()) return {};
    EXPECT_EQ(report["backward_timestamps"], 0);
    return report["switches"];
  }

  ServingPipeline server_;
  std::unique_ptr<LoadRun> run_;
};

TEST_F(LoadChoices, ACampaignThatCameWhileTheyWatchIsWatchedToo) {
  ASSERT_NO_FATAL_FAILURE(come());
  const Guest later(server_, "1");
  EXPECT_GT(switches().value("of_campaign", 0), 3);
}

TEST_F(LoadChoices, AQualityThatWentWhileTheyWatchIsNotAskedForAgain) {
  std::optional<Guest> high;
  high.emplace(server_, "0", GuestQualities{.only = "high"});
  ASSERT_TRUE(server_.play());
  ASSERT_NO_FATAL_FAILURE(come());
  high.reset();
  const json told = switches();
  EXPECT_GT(told.value("done", 0), 10);
  EXPECT_LE(told.value("refused", 99), 3);  // each may just have been asking
}

TEST(LoadFailures, AnUnknownCampaignFailsWithTheServersWords) {
  ServingPipeline server(ServingPipeline::small());
  ASSERT_TRUE(server.play());
  const std::string nowhere = "http://127.0.0.1:" + std::to_string(server.port()) + "/?campaign=nope";
  const Outcome outcome = run_load({"--viewers=2", "--duration=0.5", "--json=-", nowhere});
  ASSERT_TRUE(outcome.report.is_object()) << outcome.text;
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.report["viewers_without_frames"], 2);
  EXPECT_NE(outcome.report["failures"].dump().find("unknown-campaign"), std::string::npos) << outcome.report;
}

TEST(LoadFailures, TheEndOfTheServerIsReported) {
  auto server = std::make_unique<ServingPipeline>(ServingPipeline::small());
  ASSERT_TRUE(server->play());
  const std::string where = load_address(*server);
  server.reset();
  const Outcome waited = run_load({"--wait=0.5", "--json=-", where});
  EXPECT_EQ(waited.status, 1);
  const Outcome refused = run_load({"--duration=0.5", "--json=-", where});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.report["failures"].dump().find("no connection"), std::string::npos) << refused.report;
}

TEST(LoadFailures, WrongOptionsAreTold) {
  EXPECT_EQ(run_load({"--viewers=0", "http://127.0.0.1/"}).status, 2);
  const Outcome help = run_load({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_NE(help.text.find("--join-rate"), std::string::npos);
}

// The bandwidth to a viewer, as adaptivebitrate in its webrtcbin says it.
struct Estimates {
  std::atomic<guint64> highest = 0, feedback = 0, repeat_bytes = 0, dropped = 0;

  explicit Estimates(GstElement* sink) {
    g_signal_connect(sink, "webrtcbin-ready", G_CALLBACK(webrtcbin_ready), this);
  }
  static void webrtcbin_ready(GstElement*, const char*, GstElement* webrtcbin, gpointer self) {
    g_signal_connect(webrtcbin, "deep-element-added", G_CALLBACK(element_added), self);
  }
  static void element_added(GstBin*, GstBin*, GstElement* element, gpointer self) {
    GstElementFactory* factory = gst_element_get_factory(element);
    if (factory && g_str_equal(GST_OBJECT_NAME(factory), "adaptivebitrate"))
      g_signal_connect(element, "notify::estimated-bitrate", G_CALLBACK(estimated), self);
  }
  static void estimated(GstElement* element, GParamSpec*, gpointer data) {
    auto* self = static_cast<Estimates*>(data);
    GstStructure* stats = nullptr;
    g_object_get(element, "stats", &stats, nullptr);
    const auto read = [&](const char* name) {
      guint64 value = 0;
      gst_structure_get_uint64(stats, name, &value);
      return value;
    };
    self->highest = std::max<guint64>(self->highest, read("estimate"));
    self->feedback = read("feedback");
    self->repeat_bytes = read("repeat-bytes");
    self->dropped = read("dropped");
    gst_structure_free(stats);
  }
};

TEST(LoadEstimates, TheBandwidthToAViewerIsEstimatedAndProbesHarmNobody) {
  ServingPipeline server(ServingPipeline::small());
  Estimates estimates(server.sink());
  ASSERT_TRUE(server.play());
  const Outcome outcome =
      run_load({"--viewers=1", "--duration=8", "--decode=1", "--json=-", load_address(server)});
  ASSERT_TRUE(outcome.report.is_object()) << outcome.text;
  EXPECT_EQ(outcome.status, 0) << outcome.report;
  EXPECT_GT(estimates.highest,
            2'300'000u);  // from 2,000, to the 2,500 that are looked for where the best rung needs less
  EXPECT_GT(estimates.feedback, 0u);  // as of the last change of the estimate, which may be the third
  EXPECT_GT(estimates.repeat_bytes, 0u);
  EXPECT_EQ(estimates.dropped, 0u);
  for (const char* fault : {"gaps", "lost", "incomplete_frames", "undecodable_frames"})
    EXPECT_EQ(outcome.report[fault], 0) << fault;
  EXPECT_EQ(outcome.report["decode"]["errors"], 0);
}

}  // namespace
}  // namespace campaign::test
