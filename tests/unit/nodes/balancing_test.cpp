#include "campaign/nodes/balancing.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "made_nodes.hpp"

namespace campaign::nodes {
namespace {

using congestion::TimeDelta;
using congestion::Timestamp;
using test::load;
using test::node;

const Timestamp kNow = Timestamp::seconds(1000);

PlacedCampaign idle(const std::string& id, double needs) {
  return {.id = id, .viewers = 0, .idle_for = 60, .needs = load(needs)};
}
PlacedCampaign watched(const std::string& id, double needs, int viewers) {
  return {.id = id, .viewers = viewers, .needs = load(needs)};
}
NodeRecord with(NodeRecord node, std::vector<PlacedCampaign> campaigns) {
  for (const auto& campaign : campaigns) node.forecast += campaign.needs;
  node.campaigns = std::move(campaigns);
  return node;
}

TEST(Balancing, GivesAnIdleCampaignToAMuchLighterNode) {
  Balancer balancer;
  const auto self = with(node("a", 0.1), {watched("w", 0.3, 2), idle("i", 0.3)});
  EXPECT_EQ(balancer.plan(kNow, self, {node("b", 0.1)}, 1), (std::vector<Move>{{"i", "b"}}));
}

TEST(Balancing, LeavesNodesAloneThatAreEvenEnough) {
  Balancer balancer;
  const auto self = with(node("a"), {idle("i", 0.3)});
  EXPECT_TRUE(balancer.plan(kNow, self, {node("b", 0.1)}, 1).empty());
}

TEST(Balancing, NeverMovesTheWholeDifferenceToAndFro) {
  // One campaign is all there is: elsewhere it would be just as alone.
  Balancer balancer;
  EXPECT_TRUE(balancer.plan(kNow, with(node("a"), {idle("i", 0.6)}), {node("b")}, 1).empty());
}

TEST(Balancing, WaitsAfterAMoveAndAfterTheLastViewer) {
  Balancer balancer;
  auto self = with(node("a", 0.1), {idle("i", 0.3), idle("j", 0.3)});
  self.campaigns[0].idle_for = 5;
  EXPECT_EQ(balancer.plan(kNow, self, {node("b")}, 1), (std::vector<Move>{{"j", "b"}}));
  EXPECT_TRUE(balancer.plan(kNow + TimeDelta::seconds(4), self, {node("b")}, 1).empty());
  EXPECT_EQ(balancer.plan(kNow + TimeDelta::seconds(6), self, {node("b")}, 1).size(), 1u);
}

TEST(Balancing, MovesTheIdleOnesFirstWhenDrainingThenTheLeastWatched) {
  Balancer balancer;
  auto self = with(node("a"), {watched("crowd", 0.1, 9), watched("pair", 0.1, 2), idle("i", 0.1),
                               watched("single", 0.1, 1), idle("j", 0.1), watched("ten", 0.1, 10)});
  self.draining = true;
  std::vector<std::string> order;
  for (Timestamp now = kNow; order.size() < 6; now = now + TimeDelta::ms(100)) {
    ASSERT_LT(now, kNow + TimeDelta::seconds(2));
    const auto moves = balancer.plan(now, self, {node("b", 0.5), node("c", 0.5)}, 1);
    EXPECT_LE(moves.size(), 4u);
    for (const auto& move : moves) {
      order.push_back(move.campaign);
      std::erase_if(self.campaigns, [&](const auto& campaign) { return campaign.id == move.campaign; });
    }
  }
  EXPECT_EQ(order, (std::vector<std::string>{"i", "j", "single", "pair", "crowd", "ten"}));
}

TEST(Balancing, PlansAMoveAnewThatDidNotHappen) {
  Balancer balancer;
  auto self = with(node("a"), {idle("i", 0.1)});
  self.draining = true;
  EXPECT_EQ(balancer.plan(kNow, self, {node("b")}, 1).size(), 1u);
  EXPECT_TRUE(balancer.plan(kNow + TimeDelta::seconds(4), self, {node("b")}, 1).empty());
  EXPECT_EQ(balancer.plan(kNow + TimeDelta::seconds(6), self, {node("b")}, 1).size(), 1u);
}

TEST(Balancing, DrainsEvenWhereNobodyHasRoomAndNowhereWhereNobodyIs) {
  auto self = with(node("a"), {watched("w", 0.5, 3)});
  self.draining = true;
  auto draining = node("c");
  draining.draining = true;
  EXPECT_EQ(Balancer().plan(kNow, self, {node("b", 0.8), draining}, 1), (std::vector<Move>{{"w", "b"}}));
  EXPECT_TRUE(Balancer().plan(kNow, self, {draining}, 1).empty());
}

// Random nodes and campaigns, many rounds: a watched campaign never moves, nobody is overfilled by it, and it
// comes to rest.
TEST(Balancing, ComesToRestWithoutTouchingAWatchedCampaign) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned limit) { return random() % limit; };
    std::vector<NodeRecord> nodes;
    std::vector<Balancer> balancers(3 + below(4));
    for (std::size_t i = 0; i < balancers.size(); ++i) nodes.push_back(node("n" + std::to_string(i)));
    std::set<std::string> watched_on;
    for (unsigned i = 0; i < 30; ++i) {
      const std::string id = "c" + std::to_string(i);
      auto& on = nodes[below(2)];
      const double needs = 0.01 + 0.03 * below(3);
      const bool has_viewers = below(2);
      on.campaigns.push_back(has_viewers ? watched(id, needs, 3) : idle(id, needs));
      on.forecast += load(needs);
      if (has_viewers) watched_on.insert(on.id + "/" + id);
    }
    int last_move = 0;
    for (int round = 0; round < 300; ++round) {
      const Timestamp now = kNow + TimeDelta::ms(1000 * round);
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        for (const auto& move : balancers[i].plan(now, nodes[i], nodes, random())) {
          last_move = round;
          auto& from = nodes[i].campaigns;
          const auto it = std::ranges::find(from, move.campaign, &PlacedCampaign::id);
          ASSERT_EQ(it->viewers, 0) << "seed " << seed;
          auto& to = *std::ranges::find(nodes, move.to, &NodeRecord::id);
          to.campaigns.push_back(*it);
          to.forecast += it->needs;
          nodes[i].forecast -= it->needs;
          from.erase(it);
        }
      }
    }
    EXPECT_LT(last_move, 200) << "seed " << seed;
    std::set<std::string> still;
    for (const auto& node : nodes) {
      for (const auto& campaign : node.campaigns) {
        if (campaign.viewers > 0) still.insert(node.id + "/" + campaign.id);
      }
    }
    EXPECT_EQ(still, watched_on) << "seed " << seed;
  }
}

}  // namespace
}  // namespace campaign::nodes
