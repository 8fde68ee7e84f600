#include "congestion/probe_controller.hpp"

#include <gtest/gtest.h>

namespace campaign::congestion {
namespace {

ProbeController::Network calm(int kbps) {
  return {.estimate = DataRate::kbps(kbps), .most = DataRate::kbps(20'000), .calm = true, .sending = true};
}
// What is due at a time, after earlier probes were given up.
std::optional<DataRate> due(ProbeController& controller, const ProbeController::Network& network, double at) {
  controller.on_time(network, Timestamp::seconds(at));
  const auto plan = controller.take();
  return plan ? std::optional(plan->rate) : std::nullopt;
}

TEST(ProbeController, StartsWithThreeAndSixTimesTheRate) {
  ProbeController controller;
  controller.start(DataRate::kbps(300), DataRate::kbps(20'000), Timestamp::seconds(0));
  const auto first = controller.take(), second = controller.take();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->rate, DataRate::kbps(900));
  EXPECT_EQ(second->rate, DataRate::kbps(1800));
  EXPECT_EQ(second->packets, 5);
  EXPECT_GE(second->size, DataRate::kbps(1800) * TimeDelta::ms(15));
  EXPECT_FALSE(controller.take());
}

TEST(ProbeController, ProbesFurtherWhileMostArrives) {
  ProbeController controller;
  controller.start(DataRate::kbps(300), DataRate::kbps(20'000), Timestamp::seconds(0));
  controller.take();
  const auto second = controller.take();
  EXPECT_EQ(
      controller.on_result({second->id, DataRate::kbps(1700), false}, calm(300), Timestamp::seconds(0.2)),
      DataRate::kbps(1700));
  const auto third = controller.take();
  ASSERT_TRUE(third);
  EXPECT_EQ(third->rate, DataRate::kbps(3400));
  controller.on_result({third->id, DataRate::kbps(2000), true}, calm(1700), Timestamp::seconds(0.4));
  EXPECT_FALSE(controller.take());
}

TEST(ProbeController, ProbesNoFasterThanTheLimit) {
  ProbeController controller;
  controller.start(DataRate::kbps(300), DataRate::kbps(1000), Timestamp::seconds(0));
  controller.take();
  EXPECT_EQ(controller.take()->rate, DataRate::kbps(1000));
}

TEST(ProbeController, LooksNowAndThenWhileTheNetworkIsCalm) {
  ProbeController controller;
  EXPECT_EQ(due(controller, calm(1000), 1), DataRate::kbps(2000));
  EXPECT_FALSE(due(controller, calm(1000), 3.9));
  EXPECT_TRUE(due(controller, calm(1000), 4.1));
  auto busy = calm(1000);
  busy.calm = false;
  EXPECT_FALSE(due(controller, busy, 10));
  auto cut = calm(1000);
  cut.last_decrease = Timestamp::seconds(9);
  EXPECT_FALSE(due(controller, cut, 11));
  EXPECT_TRUE(due(controller, cut, 12.1));
}

TEST(ProbeController, TakesAStepAtATimeBesideOthers) {
  ProbeController controller;
  controller.on_time(calm(1000), Timestamp::seconds(1));
  const auto plan = controller.take();
  EXPECT_EQ(
      controller.on_result({plan->id, DataRate::kbps(2000), false}, calm(1000), Timestamp::seconds(1.2)),
      DataRate::kbps(1500));
  EXPECT_TRUE(due(controller, calm(1500), 1.6));  // it rose, so look again soon
}

TEST(ProbeController, GoesHalfOfTheWayWhereTheLinkWasFull) {
  ProbeController controller;
  controller.on_time(calm(1000), Timestamp::seconds(1));
  const auto plan = controller.take();
  EXPECT_EQ(controller.on_result({plan->id, DataRate::kbps(1400), true}, calm(1000), Timestamp::seconds(1.2)),
            DataRate::kbps(1200));
  EXPECT_EQ(controller.on_result({plan->id, DataRate::kbps(900), true}, calm(1000), Timestamp::seconds(1.2)),
            DataRate::kbps(900));
}

TEST(ProbeController, ProbesWhileTheApplicationSendsLittle) {
  ProbeController controller;
  auto limited = calm(2000);
  limited.application_limited = Timestamp::seconds(0);
  EXPECT_FALSE(due(controller, limited, 4));
  EXPECT_EQ(due(controller, limited, 5.1), DataRate::kbps(4000));
  EXPECT_FALSE(due(controller, limited, 9));
  EXPECT_TRUE(due(controller, limited, 10.2));
  limited.sending = false;
  EXPECT_FALSE(due(controller, limited, 20));
}

TEST(ProbeController, ProbesForAWishOnceTheNetworkIsCalm) {
  ProbeController controller;
  controller.request(DataRate::kbps(5300));
  auto busy = calm(1500);
  busy.calm = false;
  EXPECT_FALSE(due(controller, busy, 1));
  EXPECT_EQ(due(controller, calm(1500), 2), DataRate::kbps(5300));
  EXPECT_FALSE(due(controller, calm(1500), 3.1));  // once
}

TEST(ProbeController, AWishForLessThanIsKnownTakesNothingAway) {
  ProbeController controller;
  controller.request(DataRate::kbps(5600));
  controller.on_time(calm(19'000), Timestamp::seconds(10));
  const auto plan = controller.take();
  ASSERT_TRUE(plan);
  EXPECT_EQ(
      controller.on_result({plan->id, DataRate::kbps(5500), false}, calm(19'000), Timestamp::seconds(11)),
      DataRate::kbps(19'000));
  EXPECT_EQ(
      controller.on_result({plan->id, DataRate::kbps(3000), true}, calm(19'000), Timestamp::seconds(12)),
      DataRate::kbps(3000));
}

}  // namespace
}  // namespace campaign::congestion
