#include "congestion/sent_packets.hpp"

#include <gtest/gtest.h>

namespace campaign::congestion {
namespace {

using Told = SentPackets::Told;

TEST(SentPackets, RemembersWhatWasSent) {
  SentPackets packets;
  packets.add(65'535, Timestamp::ms(1), DataSize::bytes(100), kNoProbe);
  packets.add(0, Timestamp::ms(2), DataSize::bytes(200), 7);
  const auto answer = packets.take(0, Told::received);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->packet.sequence, 65'536);
  EXPECT_EQ(answer->packet.sent, Timestamp::ms(2));
  EXPECT_EQ(answer->packet.size, DataSize::bytes(200));
  EXPECT_EQ(answer->packet.probe, 7);
  EXPECT_FALSE(answer->was_lost);
}

TEST(SentPackets, BelievesEachThingOnce) {
  SentPackets packets;
  packets.add(5, Timestamp::ms(1), DataSize::bytes(100), kNoProbe);
  EXPECT_TRUE(packets.take(5, Told::lost));
  EXPECT_FALSE(packets.take(5, Told::lost));
  const auto late = packets.take(5, Told::received);
  ASSERT_TRUE(late);
  EXPECT_TRUE(late->was_lost);
  EXPECT_FALSE(packets.take(5, Told::received));
  EXPECT_FALSE(packets.take(5, Told::lost));
}

TEST(SentPackets, KnowsNothingOfWhatWasNeverSentOrIsLongGone) {
  SentPackets packets;
  EXPECT_FALSE(packets.take(0, Told::received));
  for (int i = 0; i < int(SentPackets::kCapacity) + 10; ++i) {
    packets.add(std::uint16_t(i), Timestamp::ms(i), DataSize::bytes(100), kNoProbe);
  }
  EXPECT_FALSE(packets.take(9, Told::received));
  EXPECT_TRUE(packets.take(10, Told::received));
  EXPECT_FALSE(packets.take(std::uint16_t(SentPackets::kCapacity + 10), Told::received));
}

TEST(SentPackets, CountsWhatIsUnanswered) {
  SentPackets packets;
  for (std::uint16_t i = 0; i < 3; ++i) packets.add(i, Timestamp::ms(i), DataSize::bytes(100), kNoProbe);
  packets.take(0, Told::received);
  packets.take(1, Told::lost);
  packets.take(1, Told::received);
  EXPECT_EQ(packets.unanswered(), 1);
}

}  // namespace
}  // namespace campaign::congestion
