// What the server says, as the page will read it.
#include "signalling/server_message.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace campaign::signalling {
namespace {

using nlohmann::json;

TEST(ServerMessage, WelcomeNamesEverythingAPageNeeds) {
  const auto said = json::parse(to_json(
      Welcome{"me", "0", {"0", "1"}, {"high"}, {{{"stun:s:1"}, "", ""}, {{"turn:t:2"}, "user", "secret"}}}));
  EXPECT_EQ(said,
            json::parse(R"({"type":"welcome","version":1,"peer":"me","campaign":"0","campaigns":["0","1"],
      "qualities":["high"],"iceServers":[{"urls":["stun:s:1"]},
      {"urls":["turn:t:2"],"username":"user","credential":"secret"}]})"));
}

TEST(ServerMessage, ErrorsCarryTheStableCode) {
  const auto said = json::parse(to_json(Refusal{RefusalCode::unknown_campaign, "there is: 0"}));
  EXPECT_EQ(said, json::parse(R"({"type":"error","code":"unknown-campaign","message":"there is: 0"})"));
}

TEST(ServerMessage, BrokenTextFromOutsideIsRepairedNotThrown) {
  const auto said = json::parse(to_json(Refusal{RefusalCode::bad_message, "\xff\xfe \"quoted\""}));
  EXPECT_NE(said["message"].get<std::string>().find("\"quoted\""), std::string::npos);
}

TEST(ServerMessage, TheOthersHaveTheirTypes) {
  EXPECT_EQ(json::parse(to_json(Choice{"0", {"0", "1"}, {"low"}})),
            json::parse(R"({"type":"choice","campaign":"0","campaigns":["0","1"],"qualities":["low"]})"));
  EXPECT_EQ(json::parse(to_json(Offer{"v=0"})), json::parse(R"({"type":"offer","sdp":"v=0"})"));
  EXPECT_EQ(json::parse(to_json(IceCandidate{"c", 0})),
            json::parse(R"({"type":"ice","candidate":"c","sdpMLineIndex":0})"));
  EXPECT_EQ(
      json::parse(to_json(QualityChange{"0", "high", "start", 7})),
      json::parse(R"({"type":"quality","campaign":"0","quality":"high","reason":"start","estimate":7})"));
  EXPECT_EQ(json::parse(to_json(Bye{"replaced"})), json::parse(R"({"type":"bye","reason":"replaced"})"));
  EXPECT_EQ(json::parse(to_json(Servers{{"http://a:1"}})),
            json::parse(R"({"type":"servers","urls":["http://a:1"]})"));
  EXPECT_EQ(json::parse(to_json(Pong{})), json::parse(R"({"type":"pong"})"));
  ServerStats stats;
  stats.bitrate = 5'000'000'000;
  EXPECT_EQ(json::parse(to_json(stats))["bitrate"], 5'000'000'000);
}

TEST(ServerMessage, StatisticsSayWhatABusyServerShowsLessOf) {
  ServerStats stats;
  EXPECT_TRUE(json::parse(to_json(stats))["busy"].is_null());
  stats.busy = true;
  stats.framerate_limit = 20;
  stats.full_framerate = 30;
  EXPECT_EQ(json::parse(to_json(stats))["busy"], json::parse(R"({"framerate":20.0,"fullFramerate":30.0})"));
  stats.particles = 70'000;
  stats.all_particles = 100'000;
  EXPECT_EQ(
      json::parse(to_json(stats))["busy"],
      json::parse(R"({"framerate":20.0,"fullFramerate":30.0,"particles":70000,"allParticles":100000})"));
}

}  // namespace
}  // namespace campaign::signalling
