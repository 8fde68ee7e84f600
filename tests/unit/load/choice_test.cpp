// What a viewer of campaign-load picks, from what the server's messages offer.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "pipelines/load/server_message.hpp"

namespace campaign::load::test {
namespace {

using nlohmann::json;

constexpr int kManyPicks = 200;

Choice parsed(const json& message) {
  const auto read = parse_server_message(message.dump());
  return read && std::holds_alternative<Choice>(*read) ? std::get<Choice>(*read) : Choice{};
}

std::set<std::string> picks(const Choice& choice) {
  std::mt19937_64 random(1);
  std::set<std::string> seen;
  for (int i = 0; i < kManyPicks; ++i) {
    const auto pick = choice.pick(random);
    if (!pick) continue;
    EXPECT_TRUE(choice.offers(*pick)) << pick->campaign << " " << pick->quality;
    seen.insert(pick->campaign + " " + pick->quality);
  }
  return seen;
}

TEST(Choice, IsWhatTheWelcomeSaysAndThenWhatTheNextMessageSays) {
  const auto welcome = parse_server_message(
      R"({"type":"welcome","peer":"p","campaign":"a","campaigns":["a"],"qualities":["low"]})");
  ASSERT_TRUE(welcome && std::holds_alternative<Welcome>(*welcome));
  EXPECT_EQ(picks(std::get<Welcome>(*welcome).choice), (std::set<std::string>{"a low"}));
  const Choice later =
      parsed({{"type", "choice"}, {"campaign", "a"}, {"campaigns", {"a"}}, {"qualities", {"low", "high"}}});
  EXPECT_EQ(picks(later), (std::set<std::string>{"a low", "a high"}));
}

TEST(Choice, OfAnotherCampaignIsWhatFitsTheNetworkSinceItsRungsAreNotKnown) {
  const Choice choice = parsed(
      {{"type", "choice"}, {"campaign", "a"}, {"campaigns", {"a", "b"}}, {"qualities", {"low", "high"}}});
  EXPECT_EQ(picks(choice), (std::set<std::string>{"a low", "a high", "b auto"}));
}

TEST(Choice, OffersNoLongerWhatIsGone) {
  const Choice choice =
      parsed({{"type", "choice"}, {"campaign", "a"}, {"campaigns", {"a", "b"}}, {"qualities", {"low"}}});
  EXPECT_TRUE(choice.offers({"a", "low"}));
  EXPECT_TRUE(choice.offers({"a", "auto"}));
  EXPECT_TRUE(choice.offers({"b", "high"}));
  EXPECT_FALSE(choice.offers({"a", "high"}));
  EXPECT_FALSE(choice.offers({"c", "auto"}));
}

TEST(Choice, HasNothingToPickWhereNothingIsOffered) {
  EXPECT_TRUE(picks({}).empty());
  EXPECT_TRUE(picks(parsed({{"type", "choice"}, {"campaign", "a"}})).empty());
  EXPECT_TRUE(picks(parsed({{"type", "choice"}, {"qualities", {"low"}}})).empty());
}

TEST(Choice, HostileNamesAreLeftOutAndLongListsCut) {
  const std::string longest(64, 'x');
  const Choice choice = parsed({{"type", "choice"},
                                {"campaign", "a b"},
                                {"campaigns", {"", longest, longest + "x", "<b>", 7, nullptr, {"a"}}},
                                {"qualities", std::vector<std::string>(5000, "low")}});
  EXPECT_EQ(choice.campaign, "");
  EXPECT_EQ(choice.campaigns, std::vector<std::string>{longest});
  EXPECT_EQ(choice.qualities.size(), 1000u);
  for (const json& wrong : {json("a"), json(1), json::object(), json(nullptr)}) {
    const Choice none =
        parsed({{"type", "choice"}, {"campaign", wrong}, {"campaigns", wrong}, {"qualities", wrong}});
    EXPECT_TRUE(none.campaigns.empty() && none.qualities.empty());
  }
}

}  // namespace
}  // namespace campaign::load::test
