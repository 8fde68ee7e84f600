#include "campaign/nodes/registry.hpp"

#include <gtest/gtest.h>

#include "made_nodes.hpp"

namespace campaign::nodes {
namespace {

using congestion::TimeDelta;
using congestion::Timestamp;
using Ids = std::vector<std::string>;

class TheRegistry : public testing::Test {
 protected:
  NodeRecord beating(const std::string& id, std::uint64_t beat, const std::string& incarnation = "first") {
    auto record = test::node(id);
    record.beat = beat;
    record.incarnation = incarnation;
    return record;
  }
  Registry::Changes read(double seconds, std::vector<NodeRecord> records) {
    return registry.on_read(Timestamp::seconds(seconds), std::move(records));
  }
  Registry registry;
};

TEST_F(TheRegistry, BelievesInANodeOnceItsBeatGoesOn) {
  EXPECT_EQ(read(0, {beating("a", 5)}).came, Ids{});
  EXPECT_EQ(registry.find("a"), nullptr);
  EXPECT_EQ(read(1, {beating("a", 6)}).came, Ids{"a"});
  ASSERT_NE(registry.find("a"), nullptr);
  EXPECT_EQ(registry.nodes().size(), 1u);
}

TEST_F(TheRegistry, NeverBelievesInWhatADeadNodeLeftBehind) {
  for (int second = 0; second < 30; ++second) {
    EXPECT_EQ(read(second, {beating("a", 5)}).came, Ids{});
    EXPECT_EQ(registry.nodes().size(), 0u);
  }
}

TEST_F(TheRegistry, SaysThatANodeIsGoneWhenItsBeatStops) {
  read(0, {beating("a", 1), beating("b", 1)});
  read(1, {beating("a", 2), beating("b", 2)});
  for (int second = 2; second <= 3; ++second) {
    EXPECT_EQ(read(second, {beating("a", second + 1u), beating("b", 2)}).went, Ids{});
    EXPECT_NE(registry.find_fresh("a"), nullptr);
    EXPECT_EQ(registry.find_fresh("b") != nullptr, second == 2);
  }
  EXPECT_EQ(read(4, {beating("a", 7), beating("b", 2)}).went, Ids{"b"});
  EXPECT_EQ(registry.find("b"), nullptr);
  EXPECT_EQ(registry.nodes().size(), 1u);
}

TEST_F(TheRegistry, TreatsAMissingRecordLikeABeatThatStopped) {
  read(0, {beating("a", 1)});
  read(1, {beating("a", 2)});
  EXPECT_EQ(read(2, {}).went, Ids{});
  EXPECT_EQ(read(3, {}).went, Ids{});
  EXPECT_EQ(read(4, {}).went, Ids{"a"});
}

TEST_F(TheRegistry, LosesNobodyWhileTheStoreCannotBeRead) {
  read(0, {beating("a", 1)});
  read(1, {beating("a", 2)});
  EXPECT_EQ(read(61, {beating("a", 2)}).went, Ids{});
  EXPECT_EQ(read(62, {beating("a", 2)}).went, Ids{});
  EXPECT_EQ(read(63, {beating("a", 3)}).went, Ids{});
  EXPECT_NE(registry.find("a"), nullptr);
  // One that died meanwhile is found out in its time.
  for (int second = 64; second <= 65; ++second) EXPECT_EQ(read(second, {beating("a", 3)}).went, Ids{});
  EXPECT_EQ(read(66, {beating("a", 3)}).went, Ids{"a"});
}

TEST_F(TheRegistry, SeesARestartAsGoingAndComing) {
  read(0, {beating("a", 1)});
  read(1, {beating("a", 2)});
  const auto changes = read(2, {beating("a", 1, "second")});
  EXPECT_EQ(changes.went, Ids{"a"});
  EXPECT_EQ(changes.came, Ids{"a"});
  EXPECT_EQ(registry.find("a")->incarnation, "second");
}

TEST_F(TheRegistry, KeepsNoMoreNodesThanItsBound) {
  for (int second = 0; second < 2; ++second) {
    std::vector<NodeRecord> records;
    for (int i = 0; i < 400; ++i) records.push_back(beating("n" + std::to_string(i), second + 1u));
    read(second, records);
  }
  EXPECT_EQ(registry.nodes().size(), 256u);
}

}  // namespace
}  // namespace campaign::nodes
