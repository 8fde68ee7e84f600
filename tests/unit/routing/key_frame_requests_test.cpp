// How often an encoder is asked for a key frame, and what is kept for those who join.
#include "campaign/routing/key_frame_requests.hpp"

#include <gtest/gtest.h>

#include "campaign/routing/gop_cache.hpp"
#include "made_units.hpp"

namespace campaign::routing {
namespace {

using test::make_unit;

constexpr std::uint64_t kRate = 900'000;     // bit/s
constexpr std::uint32_t kKeyBytes = 27'000;  // 216 kbit: 2.4 s of a tenth of the rate
constexpr Nanoseconds kStart = 1000s, kFrame = 33ms;

AccessUnit key() { return make_unit(0ns, true, 0, 0, 0, kKeyBytes); }
AccessUnit delta() { return make_unit(0ns, false, 0, 0, 0, 3000); }

class Requests : public testing::Test {
 protected:
  Requests() { requests.set_rate(kRate, kStart); }
  KeyFrameRequests requests{0.1};
};

TEST_F(Requests, TheFirstIsPassedOnAtOnce) { EXPECT_TRUE(requests.request(kStart)); }

TEST_F(Requests, OneKeyFrameServesAllWhoAsked) {
  EXPECT_TRUE(requests.request(kStart));
  for (int i = 1; i < 50; ++i) EXPECT_FALSE(requests.request(kStart + i * 1ms));
  EXPECT_FALSE(requests.passed(key(), kStart + 60ms));
  for (int i = 0; i < 300; ++i) EXPECT_FALSE(requests.passed(delta(), kStart + 60ms + i * kFrame));
  EXPECT_EQ(requests.asked(), 1u);
  EXPECT_EQ(requests.merged(), 49u);
}

TEST_F(Requests, OneThatHasToWaitIsPassedOnWhenItsCostIsEarned) {
  requests.request(kStart);
  requests.passed(key(), kStart);
  EXPECT_FALSE(requests.request(kStart + 10ms));
  EXPECT_FALSE(requests.can_be_soon(kStart + 10ms));
  Nanoseconds now = kStart;
  while (!requests.passed(delta(), now)) now += kFrame;
  // What was saved up at the start, 180 kbit, paid for most of the first; the second is 216 kbit.
  EXPECT_GT(now - kStart, 2s);
  EXPECT_LT(now - kStart, 3s);
}

TEST_F(Requests, StayWithinTheirShareOverAMinute) {
  Nanoseconds now = kStart;
  double asked_bits = 0;
  bool under_way = false;
  for (; now < kStart + 60s; now += kFrame) {
    under_way |= requests.request(now);
    if (under_way) {
      asked_bits += 8.0 * kKeyBytes;
      under_way = requests.passed(key(), now);
    } else {
      under_way = requests.passed(delta(), now);
    }
  }
  EXPECT_LE(asked_bits, 0.1 * kRate * 60 + 2 * 8.0 * kKeyBytes);
  EXPECT_GE(asked_bits, 0.08 * kRate * 60);
}

TEST_F(Requests, AKeyFrameThatCameByItselfServesToo) {
  requests.request(kStart);
  requests.passed(key(), kStart);
  requests.request(kStart + 1s);
  requests.passed(key(), kStart + 2s);
  for (int i = 0; i < 300; ++i) EXPECT_FALSE(requests.passed(delta(), kStart + 2s + i * kFrame));
}

TEST_F(Requests, AnEncoderThatIgnoredOneIsAskedAgain) {
  ASSERT_TRUE(requests.request(kStart));
  EXPECT_FALSE(requests.passed(delta(), kStart + KeyFrameRequests::kPatience - 1ms));
  EXPECT_TRUE(requests.passed(delta(), kStart + KeyFrameRequests::kPatience));
}

TEST_F(Requests, ARungThatNobodyWatchedOwesNothing) {
  requests.request(kStart);
  requests.passed(key(), kStart);
  EXPECT_FALSE(requests.can_be_soon(kStart + 10ms));
  requests.restart(kStart + 10ms);
  EXPECT_TRUE(requests.request(kStart + 10ms));
}

TEST(KeyFrameRequests, WithoutAShareOnlyTheFirstIsAskedFor) {
  KeyFrameRequests requests(0);
  requests.set_rate(kRate, kStart);
  EXPECT_TRUE(requests.request(kStart));
  requests.passed(key(), kStart);
  requests.request(kStart + 1s);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(requests.passed(delta(), kStart + 1s + i * kFrame));
}

TEST(GopCache, HoldsEverythingSinceTheKeyFrame) {
  GopCache cache({});
  cache.add(make_unit(0ns, false), 0ns);
  EXPECT_TRUE(cache.units().empty());
  for (int i = 1; i < 5; ++i) cache.add(make_unit(i * kFrame, i == 1), i * kFrame);
  ASSERT_EQ(cache.units().size(), 4u);
  EXPECT_TRUE(cache.units().front().key_frame);
  EXPECT_EQ(cache.length(), 3 * kFrame);
  EXPECT_EQ(cache.age(200ms), 200ms - 4 * kFrame);
  cache.add(make_unit(5 * kFrame, true), 5 * kFrame);
  EXPECT_EQ(cache.units().size(), 1u);
}

TEST(GopCache, ForgetsAGroupThatGrowsTooLong) {
  for (const GopCacheLimits limits : {GopCacheLimits{10, 1'000'000}, GopCacheLimits{1000, 10'000}}) {
    GopCache cache(limits);
    for (int i = 0; i < 10; ++i) cache.add(make_unit(i * kFrame, i == 0), i * kFrame);
    EXPECT_EQ(cache.units().size(), 10u);
    cache.add(make_unit(10 * kFrame, false), 10 * kFrame);
    EXPECT_TRUE(cache.units().empty());
    cache.add(make_unit(11 * kFrame, false), 11 * kFrame);
    EXPECT_TRUE(cache.units().empty());
    cache.add(make_unit(12 * kFrame, true), 12 * kFrame);
    EXPECT_EQ(cache.units().size(), 1u);
  }
}

TEST(GopCache, LetsGoOfWhatItForgets) {
  const int before = test::Picture::alive;
  {
    GopCache cache({});
    for (int i = 0; i < 100; ++i) cache.add(make_unit(i * kFrame, i % 30 == 0), i * kFrame);
    EXPECT_LE(test::Picture::alive - before, 30);
  }
  EXPECT_EQ(test::Picture::alive, before);
}

}  // namespace
}  // namespace campaign::routing
