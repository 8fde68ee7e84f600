// One lease, step by step, on a store that answers at once or when told to.
#include "campaign/nodes/lease.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "campaign/nodes/ownership.hpp"
#include "support/leases/lease_records.hpp"

namespace campaign::nodes {
namespace {

using Kind = LeaseChange::Kind;

// Answers in the order of asking when let(), unless it is cut off.
class Store : public LeaseStore {
 public:
  void ask(const LeaseRequest& request, Answer answer) override {
    ++asked;
    if (cut) return;
    waiting_.push_back({request, std::move(answer)});
  }
  void let(Timestamp now) {
    for (auto& [request, answer] : std::exchange(waiting_, {})) {
      answer(now, records.answer(request, 1'000'000 + now.ns() / 1'000'000));
    }
  }

  test::LeaseRecords records;
  bool cut = false;
  int asked = 0;

 private:
  std::vector<std::pair<LeaseRequest, Answer>> waiting_;
};

struct Seen {
  Kind kind;
  std::string holder;
  Timestamp at;
};

// A node that takes what is vacant at once, unless told not to.
struct Node {
  Node(const std::string& id, Store& to, Timestamp now)
      : store(to),
        ownership(
            {id, "first"}, {}, to, now,
            [this](const std::string&, const LeaseChange&, Timestamp) -> std::optional<TimeDelta> {
              if (!wants) return {};
              return TimeDelta::ms(0);
            },
            [this](const std::string&, const LeaseChange& change, Timestamp) {
              seen.push_back({change.kind, change.holder.node, clock});
            }) {
    ownership.watch("red", now);
  }
  void tick(Timestamp now) {
    clock = now;
    ownership.tick(now);
    store.let(now);
  }
  bool owns() const { return ownership.owned("red", clock).has_value(); }
  std::vector<Kind> kinds() {
    std::vector<Kind> kinds;
    for (const auto& what : std::exchange(seen, {})) kinds.push_back(what.kind);
    return kinds;
  }

  Store& store;
  bool wants = true;
  Timestamp clock;
  std::vector<Seen> seen;
  Ownership ownership;
};

class LeaseOfACampaign : public testing::Test {
 protected:
  // Both nodes, every 10 ms.
  void play(double seconds) {
    for (const Timestamp end = now + TimeDelta::seconds(seconds); now < end; now = now + TimeDelta::ms(10)) {
      if (a_runs) a.tick(now);
      if (b_runs) b.tick(now);
    }
  }

  Store store;
  Timestamp now = Timestamp::seconds(100);
  Node a{"a", store, now}, b{"b", store, now};
  bool a_runs = true, b_runs = true;
};

TEST_F(LeaseOfACampaign, GoesToTheFirstThatAsksOnceTheStoreIsOldEnoughToKnow) {
  play(1.9);
  EXPECT_FALSE(a.owns() || b.owns());
  play(0.3);
  EXPECT_TRUE(a.owns());
  EXPECT_FALSE(b.owns());
  EXPECT_EQ(b.ownership.holder("red")->node, "a");
}

TEST_F(LeaseOfACampaign, IsRenewedAtAThirdOfItsTime) {
  play(4);
  ASSERT_TRUE(a.owns());
  b_runs = false;
  const int before = store.asked;
  play(30);
  EXPECT_NEAR(store.asked - before, 45, 2);
  EXPECT_TRUE(a.owns());
}

TEST_F(LeaseOfACampaign, IsTakenOverWithinItsTimeWhenItsHolderDies) {
  play(6);
  ASSERT_TRUE(a.owns());
  b.seen.clear();
  a_runs = false;
  const Timestamp died = now;
  play(5);
  ASSERT_TRUE(b.owns());
  for (const auto& what : b.seen) {
    if (what.kind == Kind::owned) {
      EXPECT_LE((what.at - died).ms(), 2030);
    }
  }
}

TEST_F(LeaseOfACampaign, LapsesWithoutItsStoreAndIsTheSameAfterwards) {
  play(6);
  const auto epoch = a.ownership.owned("red", now);
  ASSERT_TRUE(epoch);
  a.kinds();
  b.kinds();
  store.cut = true;
  play(60);
  EXPECT_FALSE(a.owns());
  EXPECT_EQ(a.kinds(), std::vector{Kind::lapsed});
  EXPECT_EQ(b.kinds(), std::vector<Kind>{});
  store.cut = false;
  const Timestamp back = now;
  play(5);
  EXPECT_EQ(a.ownership.owned("red", now), epoch);
  ASSERT_EQ(a.seen.size(), 1u);
  EXPECT_EQ(a.seen[0].kind, Kind::owned);
  EXPECT_LE((a.seen[0].at - back).ms(), 1000);
  EXPECT_EQ(b.kinds(), std::vector<Kind>{});  // it never wanted it
}

TEST_F(LeaseOfACampaign, GoesToWhomItIsOfferedTo) {
  Node c("c", store, now);
  play(6);
  ASSERT_TRUE(a.owns());
  a.wants = b.wants = false;
  a.ownership.release("red", now, "c");
  EXPECT_FALSE(a.owns());
  for (int i = 0; i < 200 && !c.owns(); ++i, now = now + TimeDelta::ms(10)) {
    a.tick(now);
    b.tick(now);
    c.tick(now);
    c.ownership.look("red", now);
  }
  EXPECT_TRUE(c.owns());
  EXPECT_FALSE(a.owns() || b.owns());
}

TEST_F(LeaseOfACampaign, ReleasedToNobodyIsForWhoWantsItAtOnce) {
  play(6);
  a.wants = false;
  a.ownership.release("red", now, {});
  b.ownership.look("red", now + TimeDelta::ms(20));
  play(0.1);
  EXPECT_TRUE(b.owns());
}

TEST_F(LeaseOfACampaign, LostWhileAsleepIsNoticedBeforeAnythingIsWritten) {
  play(6);
  ASSERT_TRUE(a.owns());
  a_runs = false;
  play(10);
  ASSERT_TRUE(b.owns());
  a.clock = now;
  EXPECT_FALSE(a.owns());
  a.kinds();
  a_runs = true;
  play(0.1);
  EXPECT_EQ(a.kinds(), (std::vector{Kind::lapsed, Kind::lost}));
  EXPECT_EQ(a.ownership.holder("red")->node, "b");
}

TEST_F(LeaseOfACampaign, IsLetGoOfWhenItsCampaignIsForgotten) {
  play(6);
  ASSERT_TRUE(a.owns());
  a.ownership.forget("red", now);
  EXPECT_FALSE(a.owns());
  b.ownership.look("red", now);
  play(0.1);
  EXPECT_TRUE(b.owns());
}

}  // namespace
}  // namespace campaign::nodes
