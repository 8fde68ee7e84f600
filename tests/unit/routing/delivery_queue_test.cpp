// What one viewer gets, and when: joining, switching with the new stream behind and ahead, overflow.
#include "campaign/routing/delivery_queue.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "made_units.hpp"

namespace campaign::routing {
namespace {

using test::make_unit;
using test::picture_in;

constexpr Nanoseconds kFrame = 33ms;
constexpr int kOld = 1, kNew = 2;

class Delivery : public testing::Test {
 protected:
  void old(int tick, bool key = false, Nanoseconds lag = 0ms) {
    queue.offer(make_unit(tick * kFrame, key, kOld, tick, tick), tick * kFrame + lag);
  }
  DeliveryQueue::Next fresh(int tick, bool key = false, Nanoseconds lag = 0ms) {
    return queue.offer_next(make_unit(tick * kFrame, key, kNew, tick, tick), tick * kFrame + lag);
  }
  void watch_old() {
    queue.expect_next();
    queue.offer_next(make_unit(0ns, true, kOld, 0, 0), 0ns);
  }
  // Everything that may be taken at `now`, as "stream:tick".
  std::vector<std::string> take(Nanoseconds now) {
    std::vector<std::string> out;
    while (auto taken = queue.take(now)) {
      EXPECT_GT(taken->unit.pts, last);
      last = taken->unit.pts;
      const auto& picture = picture_in(taken->unit);
      out.push_back((taken->after_gap ? "!" : "") + std::string(picture.stream == kOld ? "old" : "new") +
                    ":" + std::to_string(picture.tick));
    }
    return out;
  }
  using Out = std::vector<std::string>;

  DeliveryQueue queue{6};
  Nanoseconds last = Nanoseconds::min();
};

TEST_F(Delivery, StartsOnAKeyFrame) {
  queue.expect_next();
  fresh(0);
  fresh(1);
  EXPECT_EQ(take(33ms), Out{});
  fresh(2, true);
  queue.offer(make_unit(3 * kFrame, false, kNew, 3, 3), 3 * kFrame);
  EXPECT_EQ(take(99ms), (Out{"new:2", "new:3"}));
  EXPECT_EQ(queue.counts().dropped, 0u);  // what came before the start was never this viewer's
  EXPECT_EQ(queue.counts().switches, 0u);
}

TEST_F(Delivery, KeepsTheOldStreamUntilTheNewOneHasAKeyFrame) {
  watch_old();
  queue.expect_next();
  Out out;
  for (int tick = 1; tick < 10; ++tick) {
    old(tick);
    fresh(tick, tick == 8, 5ms);
    if (tick == 8) queue.offer(make_unit(9 * kFrame, false, kNew, 9, 9), 9 * kFrame);
    for (auto& one : take(tick * kFrame + 5ms)) out.push_back(one);
    if (tick == 8) break;
  }
  EXPECT_EQ(out,
            (Out{"old:0", "old:1", "old:2", "old:3", "old:4", "old:5", "old:6", "old:7", "new:8", "new:9"}));
  EXPECT_EQ(queue.counts().switches, 1u);
  EXPECT_EQ(queue.counts().superseded, 1u);
}

// 1000 bytes each 33 ms are 242 kbit/s. A queue with room for all of them, so that nothing overflows.
class Thinned : public Delivery {
 protected:
  void watch(std::uint64_t rate) {
    queue.thin_to(rate);
    watch_old();
    take(0ns);
  }
  // One unit; whether it came through.
  bool passes(int tick, bool key = false, bool droppable = false) {
    AccessUnit unit = make_unit(tick * kFrame, key, kOld, tick, tick);
    unit.droppable = droppable;
    queue.offer(unit, unit.pts);
    return !take(unit.pts).empty();
  }
};

TEST_F(Thinned, LeavesOutOnlyWhatNobodyNeedsWhereThatIsEnough) {
  watch(180'000);
  int needed = 0, droppable = 0;
  for (int tick = 1; tick < 300; ++tick) {
    const bool is_droppable = tick % 2 == 0;
    const bool passed = passes(tick, false, is_droppable);
    (is_droppable ? droppable : needed) += passed;
  }
  EXPECT_EQ(needed, 150);
  EXPECT_NEAR(droppable, 75, 8);  // 180 of 242, of which the others need 121
  EXPECT_FALSE(queue.take_key_frame_wish());
}

TEST_F(Thinned, GoesOnAtAKeyFrameThatTheRateHasRoomFor) {
  watch(120'000);
  Out out;
  bool whole = true;  // what the next unit needs has come
  int passed = 0;
  for (int tick = 1; tick < 300; ++tick) {
    const bool key = tick % 15 == 0;
    const bool came = passes(tick, key);
    EXPECT_TRUE(!came || whole || key) << tick;
    whole = came;
    passed += came;
  }
  EXPECT_NEAR(passed, 150, 15);
  EXPECT_GT(queue.counts().thinned, 100u);
  EXPECT_EQ(queue.counts().overflows, 0u);
}

TEST_F(Thinned, WishesForAKeyFrameOnceASecondWhereNoneComes) {
  watch(60'000);
  int wishes = 0;
  for (int tick = 1; tick <= 300; ++tick) {
    passes(tick);
    wishes += queue.take_key_frame_wish();
  }
  EXPECT_NEAR(wishes, 9, 1);  // of ten seconds, the first without a need
}

TEST_F(Thinned, EverythingPassesAgainFromTheNextKeyFrame) {
  watch(60'000);
  for (int tick = 1; tick < 100; ++tick) passes(tick);
  ASSERT_FALSE(passes(100));
  queue.thin_to(0);
  EXPECT_FALSE(passes(101));
  EXPECT_TRUE(passes(102, true));
  for (int tick = 103; tick < 200; ++tick) EXPECT_TRUE(passes(tick)) << tick;
}

TEST_F(Delivery, HoldsAUnitUntilTheNewStreamHasPassedIt) {
  watch_old();
  take(0ns);
  queue.expect_next();
  old(1);
  EXPECT_EQ(take(1 * kFrame + 20ms), Out{});
  ASSERT_TRUE(queue.due());
  fresh(1, false, 25ms);
  EXPECT_EQ(take(1 * kFrame + 25ms), Out{"old:1"});
}

TEST_F(Delivery, HoldsNoLongerThanAMomentForAStreamThatHasNotBegun) {
  watch_old();
  take(0ns);
  queue.expect_next();
  old(1);
  EXPECT_EQ(take(*queue.due() - 1ns), Out{});
  EXPECT_LE(*queue.due() - 1 * kFrame, 100ms);
  EXPECT_EQ(take(*queue.due()), Out{"old:1"});
}

TEST_F(Delivery, AKeyFrameThatIsLateIsNotRepeatedAndTheNextOneIsWaitedFor) {
  watch_old();
  queue.expect_next();
  for (int tick = 1; tick < 6; ++tick) {
    old(tick);
    take(tick * kFrame + 90ms);  // they are gone
  }
  EXPECT_EQ(fresh(3, true, 150ms), DeliveryQueue::Next::too_late);
  EXPECT_TRUE(queue.is_watching());
  EXPECT_EQ(queue.counts().late_switches, 1u);
  // It lags by 150 ms: held for that long now.
  Out out;
  for (int tick = 6; tick < 16; ++tick) {
    old(tick);
    EXPECT_EQ(fresh(tick - 4, tick == 14, 4 * kFrame + 15ms), DeliveryQueue::Next::waiting);
    for (auto& one : take(tick * kFrame + 15ms)) out.push_back(one);
    if (tick == 14) break;
  }
  EXPECT_EQ(out, (Out{"old:6", "old:7", "old:8", "old:9", "new:10"}));
}

TEST_F(Delivery, AStreamThatIsAlwaysLateIsStillReached) {
  watch_old();
  queue.expect_next();
  int too_late = 0;
  for (int tick = 1; tick < 400 && queue.generation() == 1; ++tick) {
    old(tick);
    take(tick * kFrame);
    if (tick > 100 && fresh(tick - 100, tick % 30 == 0, 100 * kFrame) == DeliveryQueue::Next::too_late)
      ++too_late;
  }
  EXPECT_EQ(too_late, 3);
  EXPECT_EQ(queue.generation(), 2u);
  EXPECT_EQ(queue.counts().switches, 1u);
}

TEST_F(Delivery, AKeyFrameThatIsAheadWaitsForTheOldStream) {
  watch_old();
  old(1);
  queue.expect_next();
  fresh(3, true, -66ms);
  queue.offer_next(make_unit(4 * kFrame, false, kNew, 4, 4), 1 * kFrame + 1ms);
  EXPECT_EQ(take(1 * kFrame + 1ms), (Out{"old:0", "old:1"}));
  EXPECT_EQ(queue.generation(), 1u);
  old(2);
  EXPECT_EQ(take(2 * kFrame), Out{"old:2"});
  old(3);
  EXPECT_EQ(queue.generation(), 2u);
  EXPECT_EQ(take(3 * kFrame), (Out{"new:3", "new:4"}));
}

TEST_F(Delivery, AnOldStreamThatStopsIsNotWaitedForLong) {
  watch_old();
  take(0ns);
  queue.expect_next();
  fresh(3, true, -66ms);
  EXPECT_EQ(take(kFrame), Out{});
  ASSERT_TRUE(queue.due());
  EXPECT_LE(*queue.due(), kFrame + 250ms);
  EXPECT_EQ(take(*queue.due()), Out{"new:3"});
}

TEST_F(Delivery, ALostStreamIsDeliveredToItsEnd) {
  watch_old();
  old(1);
  queue.lose_current();
  old(2);
  EXPECT_EQ(take(kFrame), (Out{"old:0", "old:1"}));
}

TEST_F(Delivery, AForgottenSwitchLeavesTheOldStreamAlone) {
  watch_old();
  queue.expect_next();
  old(1);
  fresh(3, true, -66ms);
  queue.forget_next();
  old(2);
  old(3);
  EXPECT_EQ(take(3 * kFrame), (Out{"old:0", "old:1", "old:2", "old:3"}));
}

TEST_F(Delivery, DropsToTheNextKeyFrameWhenItOverflows) {
  watch_old();
  take(0ns);
  for (int tick = 1; tick <= 6; ++tick) old(tick);
  EXPECT_EQ(queue.counts().dropped, 0u);
  old(7);
  EXPECT_EQ(queue.counts().dropped, 7u);
  EXPECT_EQ(queue.counts().overflows, 1u);
  old(8);
  EXPECT_EQ(take(8 * kFrame), Out{});
  EXPECT_TRUE(queue.take_key_frame_wish());
  EXPECT_FALSE(queue.take_key_frame_wish());
  old(9, true);
  old(10);
  EXPECT_EQ(take(10 * kFrame), (Out{"!old:9", "old:10"}));
  EXPECT_EQ(queue.counts().dropped, 8u);
}

TEST_F(Delivery, GoesOnAtAKeyFrameThatWaitsAlready) {
  watch_old();
  take(0ns);
  for (int tick = 1; tick <= 7; ++tick) old(tick, tick == 4);
  EXPECT_EQ(take(7 * kFrame), (Out{"!old:4", "old:5", "old:6", "old:7"}));
  EXPECT_EQ(queue.counts().dropped, 3u);
}

TEST_F(Delivery, AStuckViewerHoldsNoMoreThanItsCapacity) {
  watch_old();
  for (int tick = 1; tick < 1000; ++tick) {
    old(tick, tick % 90 == 0);
    ASSERT_LE(queue.waiting(), 6u);
  }
  const auto& counts = queue.counts();
  EXPECT_EQ(counts.admitted,
            counts.delivered + counts.dropped - counts.refused + counts.superseded + queue.waiting());
}

TEST_F(Delivery, AStreamThatGoesBackStartsAgainOnAKeyFrame) {
  watch_old();
  for (int tick = 1; tick < 4; ++tick) old(tick);
  old(2);
  old(3);
  EXPECT_EQ(take(4 * kFrame), (Out{"old:0", "old:1", "old:2", "old:3"}));
  EXPECT_TRUE(queue.take_key_frame_wish());
  old(5);
  old(6, true);
  EXPECT_EQ(take(6 * kFrame), Out{"!old:6"});
}

TEST_F(Delivery, ACachedGroupIsSentAtOnceWithItsTimesMovedTogether) {
  std::vector<AccessUnit> group;
  for (int tick = 0; tick < 60; ++tick)
    group.push_back(make_unit(tick * kFrame, tick == 0, kOld, tick, tick));
  queue.expect_next();
  ASSERT_TRUE(queue.start_from(group));
  // More than the capacity, and no overflow: it is not the viewer who is late.
  queue.offer(make_unit(60 * kFrame, false, kOld, 60, 60), 60 * kFrame);
  EXPECT_EQ(queue.counts().overflows, 0u);
  Nanoseconds first{}, before = Nanoseconds::min();
  for (int tick = 0; tick <= 60; ++tick) {
    const auto taken = queue.take(60 * kFrame);
    ASSERT_TRUE(taken);
    EXPECT_EQ(picture_in(taken->unit).tick, tick);
    EXPECT_GT(taken->unit.pts, before);
    before = taken->unit.pts;
    if (tick == 0) first = taken->unit.pts;
    if (tick >= 59) {
      EXPECT_EQ(taken->unit.pts, tick * kFrame);
    }
  }
  EXPECT_EQ(59 * kFrame - first, 59ms);
}

TEST_F(Delivery, ACachedGroupNeverLeadsBack) {
  watch_old();
  for (int tick = 1; tick < 4; ++tick) old(tick);
  take(4 * kFrame);
  queue.close();
  queue.expect_next();
  const std::vector<AccessUnit> seen = {make_unit(3 * kFrame, true, kNew, 3, 3),
                                        make_unit(4 * kFrame, false, kNew, 4, 4)};
  EXPECT_FALSE(queue.start_from(seen));
  const std::vector<AccessUnit> later = {make_unit(4 * kFrame, true, kNew, 4, 4),
                                         make_unit(5 * kFrame, false, kNew, 5, 5)};
  EXPECT_TRUE(queue.start_from(later));
  EXPECT_EQ(take(5 * kFrame), (Out{"!new:4", "new:5"}));
}

TEST_F(Delivery, AfterAFlushTimeBeginsAnew) {
  watch_old();
  for (int tick = 1; tick < 4; ++tick) old(tick);
  take(4 * kFrame);
  queue.restart_time();
  last = Nanoseconds::min();
  queue.expect_next();
  fresh(0, true);
  EXPECT_EQ(take(0ns), Out{"!new:0"});
}

}  // namespace
}  // namespace campaign::routing
