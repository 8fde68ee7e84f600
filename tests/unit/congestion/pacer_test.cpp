#include "congestion/pacer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace campaign::congestion {
namespace {

struct Sent {
  Timestamp at;
  Pacer::Send what;
};

// Lets the pacer send for a time, woken exactly when it asks.
std::vector<Sent> play(Pacer& pacer, Timestamp from, Timestamp to) {
  std::vector<Sent> sent;
  for (Timestamp now = from; now <= to;) {
    while (auto what = pacer.next(now)) sent.push_back({now, *what});
    now = std::max(pacer.next_time(), now + TimeDelta::us(100));
  }
  return sent;
}

TEST(Pacer, AddsLessThanFiveMillisecondsToAFrameAtARungsOwnRate) {
  // A rung of 4.5 Mbit/s where the estimate is its threshold, 5 Mbit/s: 18,750 bytes a frame.
  Pacer pacer({}, DataRate::kbps(5000));
  Timestamp now = Timestamp::seconds(1);
  for (int frame = 0; frame < 60; ++frame, now = now + TimeDelta::us(33'333)) {
    for (std::uint64_t i = 0; i < 16; ++i) ASSERT_TRUE(pacer.enqueue(i, DataSize::bytes(1172)));
    const auto sent = play(pacer, now, now + TimeDelta::ms(33));
    ASSERT_EQ(sent.size(), 16u);
    EXPECT_LT(sent.back().at - now, TimeDelta::ms(5));
    for (std::uint64_t i = 0; i < 16; ++i) EXPECT_EQ(sent[i].what.token, i);
  }
}

TEST(Pacer, SpreadsAKeyFrameAtTwoAndAHalfTimesTheTarget) {
  Pacer pacer({}, DataRate::kbps(1000));
  for (std::uint64_t i = 0; i < 50; ++i) ASSERT_TRUE(pacer.enqueue(i, DataSize::bytes(1250)));
  const auto sent = play(pacer, Timestamp::seconds(1), Timestamp::seconds(2));
  ASSERT_EQ(sent.size(), 50u);
  EXPECT_NEAR((sent.back().at - sent.front().at).ms(), 50 * 4 - 10, 6);  // 4 ms each, less the first burst
}

TEST(Pacer, RefusesWhatItsQueueCannotHold) {
  Pacer few({.most_packets = 3}, DataRate::kbps(1000));
  for (std::uint64_t i = 0; i < 3; ++i) EXPECT_TRUE(few.enqueue(i, DataSize::bytes(100)));
  EXPECT_FALSE(few.enqueue(3, DataSize::bytes(100)));
  EXPECT_EQ(few.queued_packets(), 3u);

  Pacer quick({.longest_queue = TimeDelta::ms(100)}, DataRate::kbps(400));  // paces at 1 Mbit/s
  int queued = 0;
  while (quick.enqueue(0, DataSize::bytes(1250))) ++queued;
  EXPECT_EQ(queued, 10);
}

TEST(Pacer, SendsAProbeAtItsRateWithWhatIsQueuedAndPaddingForTheRest) {
  Pacer pacer({}, DataRate::kbps(300));
  ASSERT_TRUE(pacer.enqueue(77, DataSize::bytes(1200)));
  pacer.start_probe({4, DataRate::kbps(1200), DataSize::bytes(6000), 5});
  const auto sent = play(pacer, Timestamp::seconds(1), Timestamp::seconds(1.5));
  ASSERT_EQ(sent.size(), 5u);
  EXPECT_EQ(sent[0].what.token, 77u);
  for (const Sent& one : sent) EXPECT_EQ(one.what.probe, 4);
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_FALSE(sent[i].what.token);
    EXPECT_NEAR((sent[i].at - sent[i - 1].at).ms(), 8, 0.2);
  }
}

TEST(Pacer, CatchesUpAProbeAfterALateTimer) {
  Pacer pacer({}, DataRate::kbps(300));
  pacer.start_probe({4, DataRate::kbps(9600), DataSize::bytes(12'000), 5});  // a packet a millisecond
  int sent = 0;
  for (int ms = 0; ms < 30; ms += 5) {
    while (pacer.next(Timestamp::ms(1000 + ms))) ++sent;
    if (ms == 5) {
      EXPECT_EQ(sent, 6);
    }
  }
  EXPECT_EQ(sent, 10);
}

TEST(Pacer, HasNothingToDoWhenItIsEmpty) {
  Pacer pacer({}, DataRate::kbps(300));
  EXPECT_EQ(pacer.next_time(), Timestamp::never());
  EXPECT_FALSE(pacer.next(Timestamp::seconds(1)));
  ASSERT_TRUE(pacer.enqueue(1, DataSize::bytes(100)));
  pacer.start_probe({1, DataRate::kbps(1000), DataSize::bytes(100), 1});
  pacer.clear();
  EXPECT_EQ(pacer.next_time(), Timestamp::never());
}

}  // namespace
}  // namespace campaign::congestion
