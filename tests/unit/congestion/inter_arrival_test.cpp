#include "congestion/inter_arrival.hpp"

#include <gtest/gtest.h>

namespace campaign::congestion {
namespace {

struct Groups {
  InterArrival groups;
  std::optional<GroupDelta> add(int sent_ms, int received_ms) {
    return groups.add(Timestamp::ms(sent_ms), Timestamp::ms(received_ms), Timestamp::ms(received_ms + 50));
  }
};

TEST(InterArrival, TakesWhatWasSentWithinFiveMillisecondsTogether) {
  Groups g;
  EXPECT_FALSE(g.add(0, 100));
  EXPECT_FALSE(g.add(4, 110));
  EXPECT_FALSE(g.add(33, 135));
  const auto delta = g.add(66, 170);
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->sent, TimeDelta::ms(29));      // 33 − 4, the last of each
  EXPECT_EQ(delta->received, TimeDelta::ms(25));  // 135 − 110
  EXPECT_EQ(delta->arrival, Timestamp::ms(135));
}

TEST(InterArrival, TakesWhatAQueueLetGoAtOnceTogether) {
  Groups g;
  g.add(0, 100);
  EXPECT_FALSE(g.add(20, 200));
  EXPECT_TRUE(!g.add(40, 201));  // 1 ms after the one before, sent 20 ms after it
  const auto delta = g.add(80, 250);
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->sent, TimeDelta::ms(40));
  EXPECT_EQ(delta->received, TimeDelta::ms(101));
}

TEST(InterArrival, IgnoresAPacketFromAnEarlierGroup) {
  Groups g;
  g.add(0, 100);
  g.add(33, 133);
  EXPECT_FALSE(g.add(2, 134));
  ASSERT_TRUE(g.add(66, 166));
}

TEST(InterArrival, StartsAnewWhenTheReceiversClockJumps) {
  Groups g;
  g.add(0, 100);
  EXPECT_FALSE(g.groups.add(Timestamp::ms(33), Timestamp::seconds(1000), Timestamp::ms(180)));
  EXPECT_FALSE(g.groups.add(Timestamp::ms(66), Timestamp::seconds(1000.033), Timestamp::ms(210)));
  EXPECT_FALSE(g.groups.add(Timestamp::ms(99), Timestamp::seconds(1000.066), Timestamp::ms(240)));
  EXPECT_FALSE(g.groups.add(Timestamp::ms(132), Timestamp::seconds(1000.099), Timestamp::ms(270)));
  EXPECT_TRUE(g.groups.add(Timestamp::ms(165), Timestamp::seconds(1000.132), Timestamp::ms(300)));
}

}  // namespace
}  // namespace campaign::congestion
