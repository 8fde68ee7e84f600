// Trend, threshold and detector.
#include <gtest/gtest.h>

#include "congestion/adaptive_threshold.hpp"
#include "congestion/overuse_detector.hpp"
#include "congestion/trendline.hpp"

namespace campaign::congestion {
namespace {

// Groups sent every 33 ms, each `later_ms` later than the one before was.
class Stream {
 public:
  double add(double later_ms) {
    const auto received = TimeDelta::us(std::int64_t((33 + later_ms) * 1000));
    arrival_ = arrival_ + received;
    slope_ = trend_.add({TimeDelta::ms(33), received, arrival_});
    detector_.detect(slope_, trend_.samples(), TimeDelta::ms(33), arrival_);
    return slope_;
  }
  Usage usage() const { return detector_.usage(); }

 private:
  Trendline trend_;
  OveruseDetector detector_;
  Timestamp arrival_ = Timestamp::seconds(1);
  double slope_ = 0;
};

TEST(Trendline, IsTheSlopeOfTheDelay) {
  Stream stream;
  double slope = 0;
  for (int i = 0; i < 100; ++i) slope = stream.add(3.3);
  EXPECT_NEAR(slope, 3.3 / 36.3, 0.001);
  for (int i = 0; i < 100; ++i) slope = stream.add(0);
  EXPECT_NEAR(slope, 0, 0.001);
}

TEST(Trendline, SaysNothingBeforeItsWindowIsFull) {
  Stream stream;
  for (int i = 0; i < 19; ++i) EXPECT_EQ(stream.add(5), 0);
  EXPECT_GT(stream.add(5), 0);
}

TEST(Trendline, SurvivesTwentyGroupsAtOneMoment) {
  Trendline trend;
  for (int i = 0; i < 40; ++i) EXPECT_EQ(trend.add({TimeDelta(), TimeDelta(), Timestamp::seconds(1)}), 0);
}

TEST(OveruseDetector, SeesTheQueueGrowStandAndShrink) {
  Stream stream;
  for (int i = 0; i < 60; ++i) stream.add(0);
  EXPECT_EQ(stream.usage(), Usage::normal);
  for (int i = 0; i < 15; ++i) stream.add(5);
  EXPECT_EQ(stream.usage(), Usage::overuse);
  for (int i = 0; i < 200; ++i) stream.add(0);
  EXPECT_EQ(stream.usage(), Usage::normal);
  for (int i = 0; i < 15; ++i) stream.add(-5);
  EXPECT_EQ(stream.usage(), Usage::underuse);
}

TEST(OveruseDetector, DoesNotMindJitter) {
  Stream stream;
  for (int i = 0; i < 1000; ++i) {
    stream.add(i % 2 ? 4 : -4);
    EXPECT_EQ(stream.usage(), Usage::normal) << i;
  }
}

TEST(AdaptiveThreshold, FollowsUpSlowlyAndDownQuickly) {
  AdaptiveThreshold threshold;
  EXPECT_DOUBLE_EQ(threshold.value(), 12.5);
  int up = 0, down = 0;
  std::int64_t now = 1000;
  for (threshold.follow(20, Timestamp::ms(now)); threshold.value() < 19; ++up) {
    threshold.follow(20, Timestamp::ms(now += 10));
  }
  for (; threshold.value() > 13; ++down) threshold.follow(12.5, Timestamp::ms(now += 10));
  EXPECT_GT(up, 2 * down);
}

TEST(AdaptiveThreshold, LearnsNothingFromASpikeAndStaysInItsBounds) {
  AdaptiveThreshold threshold;
  threshold.follow(0, Timestamp::ms(0));
  threshold.follow(1000, Timestamp::ms(100));
  EXPECT_DOUBLE_EQ(threshold.value(), 12.5);
  for (int i = 0; i < 100; ++i) threshold.follow(0, Timestamp::ms(200 + 100 * i));
  EXPECT_DOUBLE_EQ(threshold.value(), 6);
}

}  // namespace
}  // namespace campaign::congestion
