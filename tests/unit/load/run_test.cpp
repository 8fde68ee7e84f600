// What campaign-load is asked to do, and how it puts together what came of it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "pipelines/load/options.hpp"
#include "pipelines/load/report.hpp"

namespace campaign::load::test {
namespace {

TEST(Options, AreReadWithTheirUnits) {
  const auto parsed =
      parse_options({"--viewers=20", "--join-rate", "2.5", "--duration=0.5", "--switch-every=3",
                     "--leave-every=4", "--seed=7", "--decode=2", "--threads=2", "--json=out.json",
                     "--wait=5", "--insecure", "--follow", "https://h:1/live/?campaign=a&token=b.c"});
  ASSERT_TRUE(parsed) << parsed.error().for_user();
  ASSERT_TRUE(parsed->options);
  const Options& options = *parsed->options;
  EXPECT_EQ(options.viewers, 20u);
  EXPECT_EQ(options.join_rate, 2.5);
  EXPECT_EQ(options.duration, 500ms);
  EXPECT_EQ(options.switch_every, 3s);
  EXPECT_EQ(options.leave_every, 4s);
  EXPECT_EQ(options.wait, 5s);
  EXPECT_EQ(options.seed, 7u);
  EXPECT_EQ(options.decoding, 2u);
  EXPECT_EQ(options.threads, 2u);
  EXPECT_EQ(options.json, "out.json");
  EXPECT_TRUE(options.insecure);
  EXPECT_TRUE(options.follow);
  EXPECT_EQ(options.url, "wss://h:1/live/ws?campaign=a&token=b.c&context=campaign-load");
}

TEST(Options, LeadToTheSameCampaignOnAnotherServer) {
  const std::string here = "ws://a:1/ws?campaign=c&context=x";
  EXPECT_EQ(*moved_url("http://b:2", here), "ws://b:2/ws?campaign=c&context=x");
  EXPECT_EQ(*moved_url("https://b:2/", here), "wss://b:2/ws?campaign=c&context=x");
  EXPECT_EQ(*moved_url("http://b:2/?campaign=d&context=y", here), "ws://b:2/ws?campaign=d&context=y");
  EXPECT_FALSE(moved_url("javascript:1", here));
}

TEST(Options, AreRefusedWithTheirReason) {
  const struct {
    std::vector<std::string> arguments;
    const char* says;
  } cases[] = {
      {{}, "address"},
      {{"http://h/", "http://h/"}, "address"},
      {{"--viewers=0", "http://h/"}, "--viewers"},
      {{"--viewers=99999", "http://h/"}, "10000"},
      {{"--viewers=x", "http://h/"}, "x"},
      {{"--join-rate=0", "http://h/"}, "--join-rate"},
      {{"--join-rate=nan", "http://h/"}, "--join-rate"},
      {{"--duration=-1", "http://h/"}, "--duration"},
      {{"--seed=-1", "http://h/"}, "--seed"},
      {{"--nonsense", "http://h/"}, "nonsense"},
      {{"ftp://h/"}, "ADDRESS"},
      {{"127.0.0.1:8080"}, "ADDRESS"},
      {{"http://h/?peer=a"}, "peer"},
  };
  for (const auto& refused : cases) {
    const auto parsed = parse_options(refused.arguments);
    ASSERT_FALSE(parsed) << refused.says;
    EXPECT_NE(parsed.error().for_user().find(refused.says), std::string::npos) << parsed.error().for_user();
  }
}

TEST(Options, HelpNamesEveryOne) {
  const auto parsed = parse_options({"--help"});
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->options);
  for (const char* option : {"--viewers", "--join-rate", "--duration", "--switch-every", "--leave-every",
                             "--wait", "--seed", "--decode", "--threads", "--json", "--insecure", "--help"})
    EXPECT_NE(parsed->help.find(option), std::string::npos) << option;
}

TEST(Address, OfAPageOrAWebSocketLeadsToTheWebSocket) {
  EXPECT_EQ(*websocket_url("http://127.0.0.1:8080/?campaign=0"),
            "ws://127.0.0.1:8080/ws?campaign=0&context=campaign-load");
  EXPECT_EQ(*websocket_url("ws://[::1]:8080/ws?context=a%20b"), "ws://[::1]:8080/ws?context=a%20b");
  EXPECT_EQ(*websocket_url("http://h"), "ws://h:80/ws?context=campaign-load");
}

TEST(Spread, IsByNearestRank) {
  EXPECT_EQ(spread_of({}).count, 0u);
  std::vector<Time> values;
  for (int i = 20; i >= 1; --i) values.emplace_back(i);
  const Spread spread = spread_of(values);
  EXPECT_EQ(spread.p50, 10us);
  EXPECT_EQ(spread.p95, 19us);
  EXPECT_EQ(spread.max, 20us);
  EXPECT_EQ(spread_of({7us}).p50, 7us);
}

ViewingResult watched(unsigned viewer, Time join, unsigned frames) {
  ViewingResult result;
  result.viewer = viewer;
  result.joined = join;
  result.lasted = 10s;
  result.media.frames = frames;
  if (frames) {
    result.first_frame = join + 10ms;
    result.media.first_frame = 100s;
    result.media.last_frame = 100s + (frames - 1) * 50ms;
    result.media.bytes = 1000;
    result.media.freezes = 1;
  }
  return result;
}

TEST(Report, PutsViewingsTogether) {
  Options options;
  options.viewers = 2;
  const Report report(options, {watched(0, 100ms, 21), watched(1, 200ms, 41), watched(1, 300ms, 11)},
                      {20s, 3s});
  EXPECT_TRUE(report.good());
  const auto json = nlohmann::json::parse(report.json());
  EXPECT_EQ(json["viewings"], 3);
  EXPECT_EQ(json["frames"], 73);
  EXPECT_EQ(json["freezes"], 3);
  EXPECT_EQ(json["bytes"], 3000);
  EXPECT_EQ(json["join_ms"]["p50"], 200);
  EXPECT_EQ(json["join_ms"]["max"], 300);
  EXPECT_EQ(json["first_frame_ms"]["max"], 310);
  EXPECT_DOUBLE_EQ(json["frame_rate"]["mean"], 20);
  EXPECT_DOUBLE_EQ(json["frame_rate"]["lowest"], 20);
  EXPECT_DOUBLE_EQ(json["cpu"]["percent_of_a_core_each"], 10);
  EXPECT_EQ(json["each"].size(), 3u);
  EXPECT_NE(report.table().find("73"), std::string::npos);
}

TEST(Report, AShortViewingDoesNotBendTheFrameRate) {
  Options options;
  ViewingResult burst = watched(0, 1ms, 10);
  burst.media.last_frame = *burst.media.first_frame + 1ms;  // all at once
  const auto json = nlohmann::json::parse(Report(options, {watched(0, 1ms, 201), burst}, {}).json());
  EXPECT_NEAR(json["frame_rate"]["mean"], 20.9, 0.01);
  EXPECT_DOUBLE_EQ(json["frame_rate"]["lowest"], 20);
}

TEST(Report, IsNoGoodWhenAViewerHadNoFrameOrMetAFailure) {
  Options options;
  options.viewers = 2;
  EXPECT_FALSE(Report(options, {watched(0, 1ms, 5), watched(1, 1ms, 0)}, {}).good());
  EXPECT_FALSE(Report(options, {watched(0, 1ms, 5)}, {}).good());
  ViewingResult failed = watched(1, 1ms, 5);
  failed.failure = "the server says goodbye: stopped";
  const Report report(options, {watched(0, 1ms, 5), failed}, {});
  EXPECT_FALSE(report.good());
  EXPECT_NE(report.table().find("1 times: the server says goodbye: stopped"), std::string::npos);
  // A viewer that once had frames is fine, even when it had just come back at the end.
  EXPECT_TRUE(Report(options, {watched(0, 1ms, 5), watched(1, 1ms, 5), watched(1, 1ms, 0)}, {}).good());
}

}  // namespace
}  // namespace campaign::load::test
