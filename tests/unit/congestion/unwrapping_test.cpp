// Sequence numbers of 16 bits and reference times of 24.
#include <gtest/gtest.h>

#include "congestion/reference_time.hpp"
#include "congestion/sequence_unwrapper.hpp"

namespace campaign::congestion {
namespace {

TEST(SequenceUnwrapper, CountsOnAcrossTheWrapAndBackAgain) {
  SequenceUnwrapper unwrapper;
  EXPECT_EQ(unwrapper.unwrap(65'534), 65'534);
  EXPECT_EQ(unwrapper.unwrap(65'535), 65'535);
  EXPECT_EQ(unwrapper.unwrap(0), 65'536);
  EXPECT_EQ(unwrapper.unwrap(65'535), 65'535);
  EXPECT_EQ(unwrapper.unwrap(1), 65'537);
}

TEST(SequenceUnwrapper, GoesBelowZeroRatherThanAWholeRoundAhead) {
  SequenceUnwrapper unwrapper;
  EXPECT_EQ(unwrapper.unwrap(2), 2);
  EXPECT_EQ(unwrapper.peek(65'535), -1);
  EXPECT_EQ(unwrapper.unwrap(3), 3);
}

TEST(SequenceUnwrapper, PeekingDoesNotMoveIt) {
  SequenceUnwrapper unwrapper;
  unwrapper.unwrap(10);
  EXPECT_EQ(unwrapper.peek(30'000), 30'000);
  EXPECT_EQ(unwrapper.peek(40'000), 40'000 - 65'536);
}

TEST(ReferenceTime, CountsOnAcrossTheWrapAndBackAgain) {
  const auto period = ReferenceTimeUnwrapper::kPeriod;
  EXPECT_NEAR(period.seconds() / 86'400, 12.4, 0.1);  // days
  ReferenceTimeUnwrapper unwrapper;
  const Timestamp before = Timestamp() + period - TimeDelta::ms(64);
  EXPECT_EQ(unwrapper.unwrap(before), before);
  EXPECT_EQ(unwrapper.unwrap(Timestamp::ms(64)), Timestamp::ms(64) + period);
  EXPECT_EQ(unwrapper.unwrap(before), before);
  EXPECT_EQ(unwrapper.unwrap(Timestamp::ms(128)), Timestamp::ms(128) + period);
}

TEST(ReferenceTime, TakesAnyNumberForAMomentOfItsPeriod) {
  ReferenceTimeUnwrapper unwrapper;
  EXPECT_EQ(unwrapper.unwrap(Timestamp::ms(5)), Timestamp::ms(5));
  EXPECT_EQ(unwrapper.unwrap(Timestamp::ms(7) + ReferenceTimeUnwrapper::kPeriod), Timestamp::ms(7));
  EXPECT_EQ(unwrapper.unwrap(Timestamp::ms(-1)), Timestamp::ms(-1));
}

}  // namespace
}  // namespace campaign::congestion
