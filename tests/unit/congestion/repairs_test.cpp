// Which retransmissions go out, and that a capacity that collapsed is seen before the queue is full.
#include "congestion/repairs.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "congestion/surge.hpp"

namespace campaign::congestion {
namespace {

constexpr DataSize kPacket = DataSize::bytes(1200);
const DataRate kTarget = DataRate::kbps(2'000);
const TimeDelta kRoundTrip = TimeDelta::ms(100);

Timestamp at(double ms) { return Timestamp::seconds(10 + ms / 1000); }

class RepairsOf : public testing::Test {
 protected:
  // Media of these numbers, the first so many of them a key frame.
  void send(std::uint16_t from, int count, int of_key_frame = 0) {
    for (int i = 0; i < count; ++i) repairs_.on_media(std::uint16_t(from + i), i < of_key_frame);
  }
  bool admits(std::uint16_t number, double ms) {
    return repairs_.admit(number, kPacket, kTarget, kRoundTrip, at(ms));
  }
  Repairs repairs_;
};

TEST_F(RepairsOf, SendsALostPacketAgain) {
  send(100, 50, 5);
  EXPECT_TRUE(admits(120, 0));
  EXPECT_TRUE(admits(121, 0));
}

TEST_F(RepairsOf, SendsNothingOlderThanTheNewestKeyFrame) {
  send(100, 50, 5);
  send(150, 10, 4);
  EXPECT_FALSE(admits(149, 0));
  EXPECT_TRUE(admits(150, 0));
  EXPECT_TRUE(admits(159, 0));
}

TEST_F(RepairsOf, KnowsWhatIsOlderAcrossTheWrapOfNumbers) {
  send(65'500, 20, 5);
  send(65'520, 30, 5);
  EXPECT_FALSE(admits(65'519, 0));
  EXPECT_TRUE(admits(65'530, 0));
  EXPECT_TRUE(admits(10, 0));
}

TEST_F(RepairsOf, RepairsAStreamWithoutKeyFramesForAsLongAsItRuns) {
  send(0, 3, 3);
  for (int i = 0; i < 20; ++i) send(std::uint16_t(3 + i * 10'000), 10'000);
  EXPECT_TRUE(admits(std::uint16_t(3 + 20 * 10'000 - 100), 0));
}

TEST_F(RepairsOf, SendsAPacketOnceInARoundTrip) {
  send(100, 50, 5);
  EXPECT_TRUE(admits(120, 0));
  EXPECT_FALSE(admits(120, 50));
  EXPECT_TRUE(admits(120, 100));
}

TEST_F(RepairsOf, TakesAtMostThreeTenthsOfWhatTheNetworkCarries) {
  send(0, 2000, 5);
  int sent = 0;
  for (int ms = 0; ms < 2'000; ++ms) sent += admits(std::uint16_t(ms), ms);
  // 600 kbit/s for two seconds, and a quarter of a second in advance: 140 packets.
  EXPECT_GE(sent, 125);
  EXPECT_LE(sent, 145);
}

TEST_F(RepairsOf, LetsPaddingPassWhateverItIsAndAsOftenAsItWasAskedFor) {
  send(100, 50, 5);
  send(150, 10, 4);
  repairs_.expect(120);
  repairs_.expect(120);
  EXPECT_TRUE(admits(120, 0));
  EXPECT_TRUE(admits(120, 1));
  EXPECT_FALSE(admits(120, 2));
}

// Feedback every 50 ms of a stream of 8 Mbit/s through what carries `kbps` from 1 s on.
std::optional<double> seen_after(int kbps, int messages) {
  Surge surge;
  double free = 0, next = 0;
  for (int message = 0; message < messages; ++message) {
    std::vector<PacketResult> packets;
    while (true) {
      const double sent = next, capacity = sent < 1'000 ? 12'000 : kbps;
      const double arrives = std::max(free, sent) + double(kPacket.bits()) / capacity;
      if (arrives > 50.0 * (message + 1)) break;
      free = arrives;
      next += double(kPacket.bits()) / 8'000;
      packets.push_back({{0, at(sent), kPacket, kNoProbe}, at(arrives)});
    }
    if (packets.empty()) continue;
    const auto queueing = packets.back().received - packets.back().packet.sent;
    if (const auto rate = surge.add(packets, queueing)) {
      EXPECT_NEAR(rate->kbps(), kbps, 0.1 * kbps);
      return 50.0 * (message + 1) - 1'000;
    }
  }
  return std::nullopt;
}

TEST(Surge, SeesACapacityThatCollapsedWithinAFifthOfASecond) {
  const auto after = seen_after(3'000, 40);
  ASSERT_TRUE(after);
  EXPECT_LE(*after, 200);
}

TEST(Surge, LeavesASmallerChangeToTheTrendline) { EXPECT_FALSE(seen_after(6'000, 40)); }

TEST(Surge, SeesNothingInASteadyStream) { EXPECT_FALSE(seen_after(12'000, 100)); }

}  // namespace
}  // namespace campaign::congestion
