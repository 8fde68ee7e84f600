#include "congestion/units.hpp"

#include <gtest/gtest.h>

namespace campaign::congestion {
namespace {

TEST(Units, RateTimeAndSizeGoTogether) {
  EXPECT_EQ(DataRate::kbps(800) * TimeDelta::ms(10), DataSize::bytes(1000));
  EXPECT_EQ(DataSize::bytes(1000) / DataRate::kbps(800), TimeDelta::ms(10));
  EXPECT_EQ(DataSize::bytes(1000) / TimeDelta::ms(10), DataRate::kbps(800));
}

TEST(Units, TimesAreMomentsAndDistances) {
  EXPECT_EQ(Timestamp::seconds(2) - Timestamp::ms(500), TimeDelta::ms(1500));
  EXPECT_EQ(Timestamp::ms(500) + TimeDelta::ms(1500), Timestamp::seconds(2));
  EXPECT_DOUBLE_EQ(TimeDelta::ms(300) / TimeDelta::ms(200), 1.5);
}

TEST(Units, AnInfiniteRateStaysInfinite) {
  EXPECT_EQ(DataRate::infinite() * 2, DataRate::infinite());
  EXPECT_LT(DataRate::infinite() * 0.5, DataRate::infinite());
}

}  // namespace
}  // namespace campaign::congestion
