// The estimator on a simulated link, in the cases of RFC 8867, with the RFC's capacities and times. Each runs
// with several seeds of the encoder's noise; the seed is in the failure.
#include "network/rfc8867.hpp"

#include <gtest/gtest.h>

namespace campaign::network {
namespace {

class AdaptationScenario : public testing::TestWithParam<std::uint32_t> {
 protected:
  Outcome play(const char* name) const { return run(rfc8867(name), gcc(), GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Seed, AdaptationScenario, testing::Values(1, 2, 3, 4, 5, 6, 7, 8867));

TEST_P(AdaptationScenario, OneFlowUsesAVariableCapacityWithoutAQueue) {
  const Outcome result = play("5.1");
  EXPECT_GE(result.utilization(), 0.85);
  EXPECT_LT(result.queueing_ms(0.95), 100);
}

TEST_P(AdaptationScenario, OneFlowIsBackWithinFiveSecondsAfterEachRise) {
  const Outcome result = play("5.1");
  EXPECT_LE(result.seconds_until_received(0, 40, 0.85 * 2500), 5);
  EXPECT_LE(result.seconds_until_received(0, 80, 0.85 * 1000), 5);
}

TEST_P(AdaptationScenario, OneFlowIsBelowTheCapacityWithinASecondAfterItFell) {
  EXPECT_LE(play("5.1").seconds_until_below(0, 60, 600), 1);
}

TEST_P(AdaptationScenario, TwoFlowsShareAVariableCapacityFairly) {
  const Outcome result = play("5.2");
  EXPECT_GE(result.jain(0, result.of.length), 0.9);
  EXPECT_GE(result.utilization(), 0.85);
}

TEST_P(AdaptationScenario, ACongestedFeedbackLinkStarvesNeitherWay) {
  const Outcome result = play("5.3");
  EXPECT_GE(result.utilization(), 0.85);
  EXPECT_LT(result.queueing_ms(0.95), 100);
  // Backward: 2.0 Mbit/s, 0.8 from second 35 to 70.
  EXPECT_GE(result.received_kbps(1, 0, 35), 0.7 * 2000);
  EXPECT_GE(result.received_kbps(1, 40, 70), 0.7 * 800);
}

TEST_P(AdaptationScenario, ThreeFlowsShareFairlyOnceTheLastHasCome) {
  const Outcome result = play("5.4");
  EXPECT_GE(result.jain(40, result.of.length), 0.9);
  EXPECT_GE(result.utilization(), 0.85);
}

TEST_P(AdaptationScenario, FiveFlowsOfUnlikeRoundTripsShareFairly) {
  const Outcome result = play("5.5");
  EXPECT_GE(result.jain(40, result.of.length), 0.9);
  EXPECT_GE(result.utilization(), 0.85);
}

// A delay-based sender yields to one that fills the queue; it must not be starved (RFC 8867, 5.6).
TEST_P(AdaptationScenario, ALongTcpFlowDoesNotStarveTheMedia) {
  for (const char* name : {"5.6", "5.6+"}) {
    const Outcome result = play(name);
    EXPECT_GE(result.received_kbps(0, 20, result.of.length), 250) << name;
    EXPECT_GE(result.tcp_kbps[0], 500) << name;
  }
}

TEST_P(AdaptationScenario, TwoFlowsShareWhatShortTcpFlowsLeaveThem) {
  const Outcome result = play("5.7");
  EXPECT_GE(result.jain(0, result.of.length), 0.9);
  EXPECT_GT(result.received_kbps(0, 20, result.of.length), 40);
}

TEST_P(AdaptationScenario, APausedFlowIsBackWithinTwoSecondsAndTheOthersUseItsShareMeanwhile) {
  const Outcome result = play("5.8");
  const double before = result.received_kbps(0, 30, 40);
  EXPECT_EQ(result.received_kbps(0, 41, 60), 0);
  EXPECT_LE(result.seconds_until_received(0, 60, 0.8 * before, 0.5), 2);
  const double others = result.received_kbps(1, 45, 60) + result.received_kbps(2, 45, 60);
  EXPECT_GE(others, 0.85 * 3500);
  EXPECT_GE(result.jain(0, 40), 0.9);
  EXPECT_GE(result.jain(60, result.of.length), 0.9);
}

// Not of the RFC: a radio link loses some packets whatever is sent.
TEST_P(AdaptationScenario, RandomLossOfSixPercentDoesNotKeepTheRateDown) {
  Case lossy = rfc8867("5.1");
  lossy.random_loss = 0.06;
  EXPECT_GE(run(lossy, gcc(), GetParam()).utilization(), 0.6);
}

// What the table of congestion-bench compares with: without the delay the queue is full all the time.
TEST_P(AdaptationScenario, APlainLossBasedControllerFillsTheQueueWhereTheEstimatorDoesNot) {
  const Outcome plain = run(rfc8867("5.1"), loss_based(), GetParam());
  EXPECT_GT(plain.queueing_ms(0.5), 200);
  EXPECT_LT(play("5.1").queueing_ms(0.5), 50);
}

TEST(SimulatedNetwork, IsTheSameForTheSameSeed) {
  const Outcome once = run(rfc8867("5.2"), gcc(), 1), again = run(rfc8867("5.2"), gcc(), 1);
  EXPECT_EQ(once.received_kbps(0, 0, 125), again.received_kbps(0, 0, 125));
  EXPECT_EQ(once.queueing_ms(0.9), again.queueing_ms(0.9));
}

}  // namespace
}  // namespace campaign::network
