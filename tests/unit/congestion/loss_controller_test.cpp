#include "congestion/loss_controller.hpp"

#include <gtest/gtest.h>

namespace campaign::congestion {
namespace {

// 100 packets a second, of which `percent` are lost, for a time.
void run(LossController& control, int percent, double from, double to) {
  for (int i = int(from * 10); i < int(to * 10); ++i) {
    const int lost = (i * percent / 10) - ((i - 1) * percent / 10);
    control.on_feedback(10 - lost, lost, std::min(DataRate::kbps(1000), control.limit()), TimeDelta::ms(100),
                        Timestamp::seconds(0.1 * i));
  }
}

TEST(LossController, LimitsNothingWhileLittleIsLost) {
  LossController control;
  run(control, 1, 0, 20);
  EXPECT_EQ(control.limit(), DataRate::infinite());
}

TEST(LossController, HoldsWhileSomeIsLost) {
  LossController control;
  run(control, 5, 0, 20);
  EXPECT_EQ(control.limit(), DataRate::kbps(1000));
  EXPECT_FALSE(control.last_cut());
}

TEST(LossController, CutsWhileMuchIsLostAndGrowsAgainAfterwards) {
  LossController control;
  run(control, 30, 0, 5);
  EXPECT_LT(control.limit(), DataRate::kbps(500));
  EXPECT_TRUE(control.lossy());
  const DataRate lowest = control.limit();
  run(control, 0, 5, 12);
  EXPECT_GT(control.limit(), 1.3 * lowest);
}

TEST(LossController, DoesNotTakeOneLostBurstForALossyNetwork) {
  LossController control;
  run(control, 0, 0, 5);
  control.on_feedback(5, 5, DataRate::kbps(1000), TimeDelta::ms(100), Timestamp::seconds(5));
  run(control, 0, 5.1, 10);
  EXPECT_FALSE(control.last_cut());
}

TEST(LossController, WaitsARoundTripAfterAnotherPartCut) {
  LossController control;
  run(control, 0, 0, 2);
  control.on_decrease(Timestamp::seconds(2.9));
  run(control, 60, 2, 3.2);
  EXPECT_FALSE(control.last_cut() && *control.last_cut() > Timestamp::seconds(2.9));
  run(control, 60, 3.2, 4);
  EXPECT_TRUE(control.last_cut());
}

TEST(LossController, ForgivesPacketsThatWereOnlyLate) {
  LossController control;
  for (int i = 0; i < 100; ++i) {
    control.on_feedback(10, i % 2 ? -5 : 5, DataRate::kbps(1000), TimeDelta::ms(100),
                        Timestamp::seconds(0.15 * i));
  }
  EXPECT_LT(control.loss(), 0.25);
}

}  // namespace
}  // namespace campaign::congestion
