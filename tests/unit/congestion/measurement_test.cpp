// What is measured: acknowledged rate, round trip, queueing delay, probes, the application's limit.
#include <gtest/gtest.h>

#include "congestion/acknowledged_rate.hpp"
#include "congestion/application_limit.hpp"
#include "congestion/probe_measurement.hpp"
#include "congestion/queueing_delay.hpp"
#include "congestion/round_trip.hpp"

namespace campaign::congestion {
namespace {

PacketResult packet(double sent_ms, double received_ms, int bytes = 1000, ProbeId probe = kNoProbe) {
  return {{0, Timestamp::ns(std::int64_t(sent_ms * 1e6)), DataSize::bytes(bytes), probe},
          Timestamp::ns(std::int64_t(received_ms * 1e6))};
}

TEST(AcknowledgedRate, IsTheRateAtWhichPacketsArrive) {
  AcknowledgedRate rate;
  for (int i = 0; i < 9; ++i) rate.add(packet(10 * i, 500 + 10 * i));
  EXPECT_FALSE(rate.value());
  for (int i = 9; i < 100; ++i) rate.add(packet(10 * i, 500 + 10 * i));
  ASSERT_TRUE(rate.value());
  EXPECT_NEAR(rate.value()->received.kbps(), 800, 1);
  EXPECT_NEAR(rate.value()->bounded.kbps(), 800, 1);
}

TEST(AcknowledgedRate, DoesNotTakeAReleasedQueueForCapacity) {
  AcknowledgedRate rate;
  for (int i = 0; i < 100; ++i) rate.add(packet(10 * i, 2000 + i));
  EXPECT_NEAR(rate.value()->bounded.kbps(), 800, 1);
  EXPECT_GT(rate.value()->received.kbps(), 5000);
}

TEST(AcknowledgedRate, DoesNotTakeOneStallForASlowNetwork) {
  AcknowledgedRate rate;
  for (int i = 0; i < 100; ++i) rate.add(packet(10 * i, 10 * i + (i > 90 ? 150 : 0)));
  EXPECT_NEAR(rate.value()->received.kbps(), 800, 40);
}

TEST(AcknowledgedRate, FollowsAFallWithinAThirdOfASecond) {
  AcknowledgedRate rate;
  for (int i = 0; i < 100; ++i) rate.add(packet(10 * i, 10 * i));
  for (int i = 0; i < 22; ++i) rate.add(packet(1000 + 10 * i, 1000 + 20 * i));
  EXPECT_NEAR(rate.value()->received.kbps(), 400, 20);
}

TEST(AcknowledgedRate, StartsAnewWhenTheReceiversClockGoesBack) {
  AcknowledgedRate rate;
  for (int i = 0; i < 50; ++i) rate.add(packet(10 * i, 1e6 + 10 * i));
  rate.add(packet(510, 5));
  EXPECT_FALSE(rate.value());
}

TEST(RoundTrip, IsTheLeastOfTheLastSecond) {
  RoundTrip round_trip;
  EXPECT_FALSE(round_trip.value(Timestamp::ms(0)));
  round_trip.add(TimeDelta::ms(80), Timestamp::ms(100));
  round_trip.add(TimeDelta::ms(120), Timestamp::ms(900));
  EXPECT_EQ(round_trip.value(Timestamp::ms(1000)), TimeDelta::ms(80));
  EXPECT_EQ(round_trip.value(Timestamp::ms(1200)), TimeDelta::ms(120));
  EXPECT_EQ(round_trip.value(Timestamp::ms(9000)), TimeDelta::ms(120));  // the last known
}

TEST(RoundTrip, IgnoresWhatNoNetworkDoes) {
  RoundTrip round_trip;
  round_trip.add(TimeDelta::ms(-5), Timestamp::ms(0));
  round_trip.add(TimeDelta::seconds(100), Timestamp::ms(0));
  EXPECT_FALSE(round_trip.value(Timestamp::ms(0)));
}

TEST(QueueingDelay, IsWhatAPacketTookLongerThanTheQuickest) {
  QueueingDelay delay;
  for (int i = 0; i < 200; ++i) {
    const Timestamp sent = Timestamp::ms(10 * i);
    delay.add(sent, sent + TimeDelta::ms(7'000'000 + (i < 20 ? 0 : 120)), sent + TimeDelta::ms(100));
  }
  EXPECT_EQ(delay.value(), TimeDelta::ms(120));
  EXPECT_EQ(delay.standing(), TimeDelta::ms(120));
  delay.add(Timestamp::ms(2000), Timestamp::ms(7'002'000), Timestamp::ms(2100));
  EXPECT_EQ(delay.standing(), TimeDelta::ms(0));
}

std::optional<ProbeResult> probe(double sent_every_ms, double received_every_ms, int lost = 0) {
  ProbeMeasurement measurement;
  measurement.expect({3, DataRate::kbps(4000), DataSize::bytes(10'000), 10});
  for (int i = 0; i < 10 - lost; ++i)
    measurement.add(packet(sent_every_ms * i, 100 + received_every_ms * i, 1000, 3));
  return measurement.take();
}

TEST(ProbeMeasurement, BelievesARateThatArrivedAsItWasSent) {
  const auto result = probe(2, 2);
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->rate.kbps(), 4000, 1);
  EXPECT_FALSE(result->saturated);
}

TEST(ProbeMeasurement, StaysBelowACapacityThatItMet) {
  const auto result = probe(2, 4);
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->rate.kbps(), 0.95 * 2000, 1);
  EXPECT_TRUE(result->saturated);
}

TEST(ProbeMeasurement, SaysNothingWhenTooLittleArrivedOrTooFast) {
  EXPECT_TRUE(probe(2, 2, 2));
  EXPECT_FALSE(probe(2, 2, 3));
  EXPECT_FALSE(probe(2, 0.9));
  EXPECT_FALSE(probe(0, 2));
}

TEST(ProbeMeasurement, IgnoresPacketsOfProbesItDoesNotExpect) {
  ProbeMeasurement measurement;
  for (int i = 0; i < 10; ++i) measurement.add(packet(2 * i, 2 * i, 1000, 5));
  EXPECT_FALSE(measurement.take());
}

TEST(ApplicationLimit, NoticesASenderThatUsesLessThanItMay) {
  ApplicationLimit limit;
  const DataRate estimate = DataRate::kbps(1000);
  for (int i = 0; i < 200; ++i)
    limit.on_sent(DataSize::bytes(1250), estimate, Timestamp::ms(10 * i));  // 1000 kbit/s
  EXPECT_FALSE(limit.limited());
  for (int i = 0; i < 200; ++i) limit.on_sent(DataSize::bytes(300), estimate, Timestamp::ms(2000 + 10 * i));
  ASSERT_TRUE(limit.limited());
  EXPECT_GT(*limit.since(), Timestamp::ms(2000));
  for (int i = 0; i < 200; ++i) limit.on_sent(DataSize::bytes(1250), estimate, Timestamp::ms(4000 + 10 * i));
  EXPECT_FALSE(limit.limited());
}

TEST(ApplicationLimit, NoticesASenderThatSendsNothing) {
  ApplicationLimit limit;
  limit.on_sent(DataSize::bytes(1250), DataRate::kbps(1000), Timestamp::ms(0));
  limit.on_time(DataRate::kbps(1000), Timestamp::seconds(2));
  EXPECT_TRUE(limit.limited());
}

}  // namespace
}  // namespace campaign::congestion
