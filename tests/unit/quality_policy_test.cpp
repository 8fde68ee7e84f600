// Which rung a viewer gets: down at once, up only when shown, never flapping.
#include "campaign/quality_policy.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace campaign {
namespace {

using congestion::DataRate;
using congestion::NetworkState;
using congestion::ProbeResult;
using congestion::TimeDelta;
using congestion::Timestamp;
using congestion::Usage;

constexpr std::size_t kLow = 0, kMedium = 1, kHigh = 2, kUltra = 3;

Timestamp at(double seconds) { return Timestamp::seconds(100 + seconds); }
NetworkState steady(int kbps) { return {.target = DataRate::kbps(kbps)}; }
NetworkState cut(int kbps, double when) {
  return {.target = DataRate::kbps(kbps), .usage = Usage::overuse, .last_decrease = at(when)};
}
NetworkState probed(int kbps, int probe_kbps, double when) {
  NetworkState state = steady(kbps);
  state.last_probe = ProbeResult{1, DataRate::kbps(probe_kbps), false};
  state.last_probe_at = at(when);
  return state;
}
QualityPolicy on(std::size_t rung) {
  return {Ladder(), DataRate::bps(std::int64_t(Ladder()[rung].threshold))};
}

TEST(QualityPolicy, StartsOnTheRungThatTheEstimateAdmits) {
  EXPECT_EQ(QualityPolicy({}, DataRate::kbps(300)).rung(), kLow);
  EXPECT_EQ(QualityPolicy({}, DataRate::kbps(12'000)).rung(), kUltra);
}

TEST(QualityPolicy, GoesDownAtOnceAndAsFarAsNeededOnOveruse) {
  auto policy = on(kUltra);
  const auto move = policy.update(cut(1'500, 0), at(0));
  ASSERT_TRUE(move);
  EXPECT_EQ(move->from, kUltra);
  EXPECT_EQ(move->to, kMedium);
  EXPECT_EQ(move->reason, SwitchReason::overuse);
  EXPECT_EQ(move->text, "the delay grew; the network carries 1500 kbit/s");
}

TEST(QualityPolicy, GoesDownAtOnceOnLossAndOnSilenceAndSaysSo) {
  auto lossy = steady(4'000);
  lossy.loss = 0.12;
  auto move = on(kHigh).update(lossy, at(0));
  ASSERT_TRUE(move);
  EXPECT_EQ(move->text, "12 % of the packets were lost; the network carries 4000 kbit/s");
  auto silent = steady(4'000);
  silent.silent = true;
  move = on(kHigh).update(silent, at(0));
  ASSERT_TRUE(move);
  EXPECT_EQ(move->reason, SwitchReason::silence);
}

TEST(QualityPolicy, WaitsBeforeItGoesDownForNoCauseThatItSaw) {
  auto policy = on(kHigh);
  EXPECT_FALSE(policy.update(steady(4'900), at(0)));
  EXPECT_FALSE(policy.update(steady(5'000), at(1)));  // back again
  EXPECT_FALSE(policy.update(steady(4'900), at(1.5)));
  EXPECT_FALSE(policy.update(steady(4'900), at(3.4)));
  const auto move = policy.update(steady(4'900), at(3.5));
  ASSERT_TRUE(move);
  EXPECT_EQ(move->reason, SwitchReason::slow_network);
}

TEST(QualityPolicy, NeverGoesUpOnAnEstimateThatNoProbeHasShown) {
  auto policy = on(kMedium);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(policy.update(steady(9'000), at(i)));
  EXPECT_FALSE(policy.update(probed(9'000, 9'000, 90), at(100)));  // a probe of long ago
}

TEST(QualityPolicy, GoesUpWhenAProbeShowedTheNextRungWithFifteenPercentToSpare) {
  auto policy = on(kMedium);
  EXPECT_EQ(policy.needed(kHigh), DataRate::kbps(5175));  // 1.15 × 4,500; the threshold is 5,000
  EXPECT_FALSE(policy.update(probed(5'174, 5'174, 0), at(0)));
  const auto move = policy.update(probed(5'175, 5'175, 1), at(1));
  ASSERT_TRUE(move);
  EXPECT_EQ(move->to, kHigh);
  EXPECT_EQ(move->text, "a probe showed room for 5175 kbit/s");
}

TEST(QualityPolicy, SkipsRungsWhenAProbeShowedThatMuch) {
  auto policy = on(kLow);
  const auto move = policy.update(probed(11'000, 11'000, 0), at(0));
  ASSERT_TRUE(move);
  EXPECT_EQ(move->to, kUltra);
}

TEST(QualityPolicy, DoesNotGoUpBeforeTheNetworkHasBeenStable) {
  auto policy = on(kMedium);
  auto state = probed(6'000, 6'000, 1);
  state.last_decrease = at(0);
  EXPECT_FALSE(policy.update(state, at(1.9)));
  EXPECT_TRUE(policy.update(state, at(2)));
  auto lossy = probed(6'000, 6'000, 0);
  lossy.loss = 0.03;
  EXPECT_FALSE(on(kMedium).update(lossy, at(0)));
}

TEST(QualityPolicy, AsksForTheProbeThatWouldShowTheNextRung) {
  auto policy = on(kMedium);
  policy.update(steady(1'200), at(0));
  EXPECT_FALSE(policy.take_wanted_probe());  // too far from what is known
  policy.update(steady(2'000), at(1));
  const auto rate = policy.take_wanted_probe();
  ASSERT_TRUE(rate);
  EXPECT_GT(*rate, policy.needed(kHigh));
  EXPECT_LT(*rate, 1.1 * policy.needed(kHigh));
  EXPECT_FALSE(policy.take_wanted_probe());
}

TEST(QualityPolicy, AsksLessAndLessOftenUntilTheEstimateHasGrown) {
  auto policy = on(kMedium);
  std::vector<double> asked;
  double now = 0;
  for (; now < 60; now += 0.1) {
    policy.update(steady(2'000), at(now));
    if (policy.take_wanted_probe()) asked.push_back(now);
  }
  ASSERT_EQ(asked.size(), 5u);  // at 0, 3, 9, 21 and 45 s
  EXPECT_NEAR(asked[4] - asked[3], 24, 0.2);
  policy.update(steady(2'700), at(now));
  EXPECT_TRUE(policy.take_wanted_probe());
}

TEST(QualityPolicy, AsksForNothingOnTheHighestRungThatIsAllowed) {
  auto policy = on(kHigh);
  policy.limit(kHigh);
  EXPECT_FALSE(policy.update(probed(20'000, 20'000, 0), at(0)));
  EXPECT_FALSE(policy.take_wanted_probe());
}

TEST(QualityPolicy, NeverSwitchesTwiceWithinASecond) {
  auto policy = on(kMedium);
  ASSERT_TRUE(policy.update(probed(6'000, 6'000, 0), at(0)));
  EXPECT_FALSE(policy.update(cut(500, 0.1), at(0.1)));
  policy.choose(kUltra);
  EXPECT_FALSE(policy.update(steady(500), at(0.9)));
  EXPECT_TRUE(policy.update(steady(500), at(1)));
}

TEST(QualityPolicy, WaitsLongerEachTimeAnUpSwitchFailed) {
  auto policy = on(kMedium);
  double now = 0, last_wait = 0;
  for (int failure = 0; failure < 3; ++failure) {
    ASSERT_TRUE(policy.update(probed(6'000, 6'000, now), at(now)));
    now += 3;
    ASSERT_TRUE(policy.update(cut(2'000, now), at(now)));
    const double failed = now;
    while (!policy.update(probed(6'000, 6'000, now), at(now))) {
      now += 0.1;
      ASSERT_LT(now, failed + 100);
    }
    EXPECT_GT(now - failed, 1.5 * last_wait);
    last_wait = now - failed;
    // That was the next try; it fails, too, and its wait is measured in the next round from a fresh one.
    now += 3;
    ASSERT_TRUE(policy.update(cut(2'000, now), at(now)));
    now += 61;
  }
  EXPECT_GT(last_wait, 15);
}

TEST(QualityPolicy, WaitsNoLongerOnceTheNetworkIsAnother) {
  auto policy = on(kLow);
  ASSERT_TRUE(policy.update(probed(1'200, 1'200, 0), at(0)));
  ASSERT_TRUE(policy.update(cut(200, 2), at(2)));
  EXPECT_FALSE(policy.update(probed(1'700, 1'700, 4.1), at(4.1)));
  const auto move = policy.update(probed(1'900, 1'900, 4.2), at(4.2));
  ASSERT_TRUE(move);
  EXPECT_EQ(move->to, kMedium);
}

TEST(QualityPolicy, ForgetsFailuresOnceAnUpSwitchHeld) {
  auto policy = on(kMedium);
  ASSERT_TRUE(policy.update(probed(6'000, 6'000, 0), at(0)));
  ASSERT_TRUE(policy.update(cut(2'000, 3), at(3)));
  ASSERT_TRUE(policy.update(probed(6'000, 6'000, 9), at(9)));
  EXPECT_FALSE(policy.update(steady(6'000), at(20)));
  ASSERT_TRUE(policy.update(cut(2'000, 30), at(30)));  // long after: no failure
  EXPECT_TRUE(policy.update(probed(6'000, 6'000, 33), at(33)));
}

TEST(QualityPolicy, KeepsWhatTheViewerChoseWhateverTheNetwork) {
  auto policy = on(kMedium);
  policy.choose(kUltra);
  const auto move = policy.update(steady(1'200), at(0));
  ASSERT_TRUE(move);
  EXPECT_EQ(move->to, kUltra);
  EXPECT_EQ(move->text, "chosen by the viewer");
  EXPECT_FALSE(policy.update(cut(300, 5), at(5)));
  policy.choose(std::nullopt);
  EXPECT_EQ(policy.update(cut(300, 5), at(5.5))->to, kLow);
}

TEST(QualityPolicy, ObeysMaxQualityForTheViewerAndForItself) {
  auto policy = on(kUltra);
  policy.limit(kMedium);
  const auto move = policy.update(steady(20'000), at(0));
  ASSERT_TRUE(move);
  EXPECT_EQ(move->to, kMedium);
  EXPECT_EQ(move->text, "limited by max-quality");
  policy.choose(kUltra);
  EXPECT_FALSE(policy.update(steady(20'000), at(2)));
  policy.choose(kLow);
  EXPECT_EQ(policy.update(steady(20'000), at(3))->to, kLow);
}

TEST(QualityPolicy, SaysWhenTheNetworkIsTooSlowForTheLowestRung) {
  auto policy = on(kLow);
  policy.update(steady(450), at(0));
  EXPECT_FALSE(policy.network_too_slow());
  policy.update(steady(150), at(1));
  EXPECT_TRUE(policy.network_too_slow());
  EXPECT_EQ(policy.rung(), kLow);
}

}  // namespace
}  // namespace campaign
