#include "campaign/nodes/placement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "made_nodes.hpp"

namespace campaign::nodes {
namespace {

using test::load;
using test::node;

TEST(Placement, TakesTheLessLoadedOfTwo) {
  for (std::uint64_t random = 0; random < 50; ++random) {
    EXPECT_EQ(*place({node("a", 0.5), node("b", 0.2)}, load(0.1), random), "b");
  }
}

TEST(Placement, NeverTakesTheMostLoadedOfThreeAndAlwaysTheSameForTheSameNumber) {
  std::map<std::string, int> taken;
  const std::vector nodes = {node("a", 0.5), node("b", 0.2), node("c", 0.3)};
  auto shuffled = nodes;
  std::ranges::reverse(shuffled);
  for (std::uint64_t random = 0; random < 3000; ++random) {
    const auto to = *place(nodes, load(0.1), random);
    EXPECT_EQ(*place(shuffled, load(0.1), random), to);
    ++taken[to];
  }
  EXPECT_EQ(taken.count("a"), 0u);
  EXPECT_NEAR(taken["b"], 2000, 150);  // in two pairs of three
  EXPECT_NEAR(taken["c"], 1000, 150);
}

TEST(Placement, CountsWhatIsForecastAsIfItWereThere) {
  auto busy_soon = node("a", 0.1);
  busy_soon.forecast = load(0.6);
  EXPECT_EQ(*place({busy_soon, node("b", 0.5)}, load(0.1), 1), "b");
}

TEST(Placement, LooksAtTheResourceThatIsNearestToItsLimit) {
  auto a = node("a", 0.1, load(1, 8)), b = node("b", 0.4, load(1, 8));
  a.used[Resource::encoder_slots] = 4;
  EXPECT_EQ(*place({a, b}, load(0.1, 3), 7), "b");
}

TEST(Placement, SaysWhatEachNodeLacks) {
  auto a = node("a", 0.85), b = node("b", 0, load(1, 3)), c = node("c");
  b.used[Resource::encoder_slots] = 2;
  c.draining = true;
  const auto to = place({a, b, c}, load(0.1, 4), 1);
  ASSERT_FALSE(to);
  EXPECT_EQ(to.error().for_user(), "No node has room for another campaign.");
  EXPECT_EQ(
      to.error().detail(),
      "a lacks frame time: 0.85 of 0.9 taken, 0.1 needed; b lacks encoder slots: 2 of 3 taken, 4 needed; "
      "c is draining");
  EXPECT_EQ(place({}, load(0.1), 1).error().detail(), "there is no node");
}

TEST(Placement, HasWhatMustRunTriedByAllInOneOrder) {
  auto draining = node("d");
  draining.draining = true;
  const std::vector nodes = {node("a", 0.95), node("b", 0.3), node("c", 0.2), draining};
  for (std::uint64_t random = 0; random < 20; ++random) {
    EXPECT_EQ(takers(nodes, load(0.1), random), (std::vector<std::string>{"c", "b", "a"}));
  }
}

TEST(Placement, SpreadsTheCampaignsOfADeadNodeEvenly) {
  // A hundred orphans, four equal nodes that each decide alone, seeing the same records.
  std::map<std::string, int> taken;
  const std::vector nodes = {node("a"), node("b"), node("c"), node("d")};
  for (int i = 0; i < 1000; ++i) {
    ++taken[takers(nodes, load(0.01), shared_random("campaign-" + std::to_string(i), 7))[0]];
  }
  for (const auto& [id, count] : taken) EXPECT_NEAR(count, 250, 60) << id;
  EXPECT_EQ(taken.size(), 4u);
}

TEST(Placement, KeepsNodesEvenWhenItPlacesManyOneAfterAnother) {
  std::vector<NodeRecord> nodes;
  for (int i = 0; i < 10; ++i) nodes.push_back(node("n" + std::to_string(i)));
  Forecasts forecasts;
  const auto now = congestion::Timestamp::seconds(1);
  for (int i = 0; i < 80; ++i) {
    const auto to = place(forecasts.with(now, nodes), load(0.05), shared_random("c", i));
    ASSERT_TRUE(to) << i;
    forecasts.placed(now, *to, "c" + std::to_string(i), load(0.05));
  }
  for (const auto& with : forecasts.with(now, nodes)) EXPECT_NEAR(with.forecast.amounts[0], 0.4, 0.11);
}

TEST(Forecasts, AreOverOnceTheNodeSaysItselfOrAfterAWhile) {
  Forecasts forecasts;
  const auto now = congestion::Timestamp::seconds(1);
  forecasts.placed(now, "a", "red", load(0.3));
  forecasts.placed(now, "a", "blue", load(0.2));
  auto a = node("a");
  EXPECT_DOUBLE_EQ(forecasts.with(now, {a})[0].forecast.amounts[0], 0.5);
  a.campaigns = {{.id = "red"}};
  EXPECT_DOUBLE_EQ(forecasts.with(now, {a})[0].forecast.amounts[0], 0.2);
  EXPECT_DOUBLE_EQ(forecasts.with(now + congestion::TimeDelta::seconds(6), {a})[0].forecast.amounts[0], 0);
}

}  // namespace
}  // namespace campaign::nodes
