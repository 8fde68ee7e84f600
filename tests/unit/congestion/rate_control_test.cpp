#include "congestion/rate_control.hpp"

#include <gtest/gtest.h>

namespace campaign::congestion {
namespace {

RateControl::Input input(Usage usage, int kbps) {
  return {.usage = usage,
          .acknowledged = AcknowledgedRate::Rates{DataRate::kbps(kbps), DataRate::kbps(kbps)},
          .round_trip = TimeDelta::ms(100)};
}

// Feedback every 100 ms for a time; what arrives is what the control wants.
void run(RateControl& control, Usage usage, double from, double to) {
  for (double t = from; t < to; t += 0.1)
    control.update(input(usage, int(control.rate().kbps())), Timestamp::seconds(t));
}

TEST(RateControl, GrowsEightPercentASecondFarFromAnyKnownCapacity) {
  RateControl control(DataRate::kbps(1000));
  run(control, Usage::normal, 0, 10.05);
  EXPECT_NEAR(control.rate().kbps(), 1000 * std::pow(1.08, 10), 30);
}

TEST(RateControl, FallsBelowWhatArrivesAndGrowsCarefullyFromThere) {
  RateControl control(DataRate::kbps(1200));
  control.update(input(Usage::overuse, 1000), Timestamp::seconds(1));
  EXPECT_EQ(control.rate(), DataRate::kbps(850));
  run(control, Usage::normal, 1.1, 6.15);
  EXPECT_LT(control.rate().kbps(), 1000);
  EXPECT_GT(control.rate().kbps(), 900);
}

TEST(RateControl, DoesNotCutAgainBeforeTheCutCanBeSeen) {
  RateControl control(DataRate::kbps(1200));
  control.update(input(Usage::overuse, 1000), Timestamp::seconds(1));
  control.update(input(Usage::overuse, 800), Timestamp::seconds(1.15));
  EXPECT_EQ(control.rate(), DataRate::kbps(850));
  control.update(input(Usage::overuse, 800), Timestamp::seconds(1.3));
  EXPECT_EQ(control.rate(), DataRate::kbps(680));
}

TEST(RateControl, CutsAtOnceWhenHalfOfItArrives) {
  RateControl control(DataRate::kbps(2400));
  control.update(input(Usage::overuse, 2000), Timestamp::seconds(1));
  control.update(input(Usage::overuse, 600), Timestamp::seconds(1.05));
  EXPECT_EQ(control.rate(), DataRate::kbps(510));
}

TEST(RateControl, NeverGrowsByOveruseHoweverMuchArrives) {
  RateControl control(DataRate::kbps(500));
  control.update(input(Usage::overuse, 9000), Timestamp::seconds(1));
  EXPECT_LE(control.rate(), DataRate::kbps(500));
}

TEST(RateControl, DoesNotGrowOnWhatTheApplicationDidNotSend) {
  RateControl control(DataRate::kbps(1000));
  for (int i = 0; i < 100; ++i) {
    auto limited = input(Usage::normal, 300);
    limited.application_limited = true;
    control.update(limited, Timestamp::seconds(0.1 * i));
  }
  EXPECT_EQ(control.rate(), DataRate::kbps(1000));
}

TEST(RateControl, GrowsNoFurtherThanHalfAboveWhatArrives) {
  RateControl control(DataRate::kbps(1000));
  for (int i = 0; i < 300; ++i) control.update(input(Usage::normal, 800), Timestamp::seconds(0.1 * i));
  EXPECT_LE(control.rate(), DataRate::kbps(1210));
}

TEST(RateControl, WaitsWhileTheQueueEmpties) {
  RateControl control(DataRate::kbps(1000));
  run(control, Usage::underuse, 0, 5);
  EXPECT_EQ(control.rate(), DataRate::kbps(1000));
}

}  // namespace
}  // namespace campaign::congestion
