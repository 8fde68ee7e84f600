// The facade: what feedback that cannot be true does to it (nothing), and what silence does.
#include "congestion/bandwidth_estimator.hpp"

#include <gtest/gtest.h>

#include <random>

namespace campaign::congestion {
namespace {

// A sender of packets every 5 ms over a network that carries everything in 40 ms, with feedback every 50 ms.
class Session {
 public:
  explicit Session(int bytes = 1000) : bytes_(bytes) {}

  void send() {
    now_ = now_ + TimeDelta::ms(5);
    estimator.on_packet_sent(now_, std::uint16_t(next_++), DataSize::bytes(bytes_));
    estimator.on_time(now_);
    while (estimator.next_probe()) {
    }
  }
  std::vector<PacketFeedback> message() {
    std::vector<PacketFeedback> packets;
    for (; told_ < next_; ++told_) {
      const Timestamp sent = now_ - TimeDelta::ms(5 * (next_ - 1 - told_));
      packets.push_back({std::uint16_t(told_), sent + TimeDelta::seconds(7777)});
    }
    return packets;
  }
  void play(int messages) {
    for (int i = 0; i < messages; ++i) {
      for (int k = 0; k < 10; ++k) send();
      last_message = message();
      now_ = now_ + TimeDelta::ms(40);
      estimator.on_feedback(now_, last_message);
    }
  }
  Timestamp now() const { return now_; }
  std::int64_t next() const { return next_; }

  BandwidthEstimator estimator{{}};
  std::vector<PacketFeedback> last_message;

 private:
  int bytes_;
  Timestamp now_ = Timestamp::seconds(100);
  std::int64_t next_ = 65'400, told_ = 65'400;  // so that every session wraps
};

TEST(BandwidthEstimator, GrowsOnWhatArrives) {
  Session session;
  session.play(100);
  EXPECT_GT(session.estimator.target(), DataRate::kbps(400));
  EXPECT_EQ(session.estimator.state().round_trip, TimeDelta::ms(40));
  EXPECT_EQ(session.estimator.state().loss, 0);
}

TEST(BandwidthEstimator, DoesNotGrowOnFeedbackThatCannotBeTrue) {
  Session session;
  session.play(20);
  const DataRate before = session.estimator.target();
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    const Timestamp later = session.now() + TimeDelta::ms(10 * i);
    session.estimator.on_feedback(later, session.last_message);  // again
    std::vector<PacketFeedback> garbage;
    for (int k = 0; k < 50; ++k) {
      const auto never_sent = std::uint16_t(session.next() + 1 + std::int64_t(random() % 20'000));
      garbage.push_back({never_sent, Timestamp::ns(std::int64_t(random()) << 32 | random())});
      garbage.push_back({never_sent, std::nullopt});
    }
    session.estimator.on_feedback(later, garbage);
    session.estimator.on_feedback(later, {});
    session.estimator.on_feedback(Timestamp::ns(std::numeric_limits<std::int64_t>::min()), garbage);
    EXPECT_LE(session.estimator.target(), before);
  }
}

TEST(BandwidthEstimator, NeverBelievesMoreThanWasSentHoweverFastItIsSaidToArrive) {
  Session session;
  DataRate highest;
  for (int i = 0; i < 400; ++i) {
    for (int k = 0; k < 10; ++k) session.send();
    auto message = session.message();
    for (std::size_t k = 0; k < message.size(); ++k) {
      message[k].received = Timestamp::ns(std::int64_t(i) * 1'000'000 + std::int64_t(k));
    }
    session.estimator.on_feedback(session.now(), message);
    highest = std::max(highest, session.estimator.target());
  }
  EXPECT_LE(highest, DataRate::kbps(1600) * 1.5 + DataRate::kbps(11));  // 1000 bytes every 5 ms
}

TEST(BandwidthEstimator, SurvivesTheReceiversTimesAtTheirEnds) {
  Session session;
  for (int i = 0; i < 100; ++i) {
    for (int k = 0; k < 10; ++k) session.send();
    auto message = session.message();
    for (std::size_t k = 0; k < message.size(); ++k) {
      constexpr std::int64_t kEnds[] = {std::numeric_limits<std::int64_t>::min(),
                                        -(std::int64_t(1) << 61) + 1, 0, (std::int64_t(1) << 61) - 1,
                                        std::numeric_limits<std::int64_t>::max()};
      message[k].received = Timestamp::ns(kEnds[(k + std::size_t(i)) % 5]);
    }
    session.estimator.on_feedback(session.now(), message);
  }
  EXPECT_GE(session.estimator.target(), DataRate::kbps(50));
  EXPECT_LE(session.estimator.target(), DataRate::kbps(20'000));
}

TEST(BandwidthEstimator, CountsAPacketThatComesLateAsNotLost) {
  Session session;
  session.play(10);
  for (int i = 0; i < 40; ++i) {
    for (int k = 0; k < 10; ++k) session.send();
    auto message = session.message();
    auto half = message;
    for (std::size_t k = 0; k < half.size(); k += 2) half[k].received.reset();
    session.estimator.on_feedback(session.now(), half);
    session.estimator.on_feedback(session.now(), message);
  }
  EXPECT_LT(session.estimator.state().loss, 0.3);
  for (int i = 0; i < 20; ++i) session.play(1);
  EXPECT_LT(session.estimator.state().loss, 0.01);
}

TEST(BandwidthEstimator, CutsOnceASecondWhilePacketsGoOutAndNothingComesBack) {
  Session session;
  session.play(40);
  const DataRate before = session.estimator.target();
  for (int i = 0; i < 190; ++i) session.send();
  EXPECT_EQ(session.estimator.target(), before);
  EXPECT_FALSE(session.estimator.state().silent);
  for (int i = 0; i < 600; ++i) session.send();
  EXPECT_TRUE(session.estimator.state().silent);
  EXPECT_NEAR(session.estimator.target() / before, 0.8 * 0.8 * 0.8, 0.01);
}

TEST(BandwidthEstimator, StartsFromHalfOfWhatItWasWhenAReceiverIsBackThatDidNotRun) {
  Session session;
  session.play(40);
  const DataRate before = session.estimator.target();
  for (int i = 0; i < 1600; ++i) session.send();  // 8 s
  EXPECT_LT(session.estimator.target() / before, 0.3);
  auto away = session.message();  // the socket kept the first ones, which are read now
  for (std::size_t i = 0; i < away.size(); ++i)
    away[i].received = i < 300 ? std::optional(session.now() + TimeDelta::seconds(7777)) : std::nullopt;
  session.estimator.on_feedback(session.now(), away);
  EXPECT_NEAR(session.estimator.target() / before, 0.5, 0.01);
  EXPECT_FALSE(session.estimator.state().silent);
  EXPECT_LT(session.estimator.state().loss, 0.001);
  session.play(40);
  EXPECT_GE(session.estimator.target() / before, 0.5);
  EXPECT_LT(session.estimator.state().loss, 0.001);
}

TEST(BandwidthEstimator, KeepsItsEstimateWhileNothingIsSent) {
  Session session;
  session.play(40);
  const DataRate before = session.estimator.target();
  for (int i = 1; i < 100; ++i) session.estimator.on_time(session.now() + TimeDelta::ms(100 * i));
  EXPECT_EQ(session.estimator.target(), before);
}

// The delay of each packet, over a second, climbs by 30 ms: a step that a trend would take for overuse.
bool cut_by_a_step(bool announced) {
  BandwidthEstimator estimator({});
  Timestamp now = Timestamp::seconds(100);
  double later_ms = 0;
  bool overused = false;
  for (std::uint16_t i = 0; i < 1000; ++i) {
    now = now + TimeDelta::ms(10);
    if (i == 500 && announced) estimator.on_source_changed(now);
    if (i >= 500 && i < 530) later_ms += 1;
    estimator.on_packet_sent(now, i, DataSize::bytes(500));
    const PacketFeedback told{i, now + TimeDelta::us(std::int64_t(later_ms * 1000) + 30'000)};
    estimator.on_feedback(now + TimeDelta::ms(60), std::span(&told, 1));
    overused |= estimator.state().last_decrease.has_value();
  }
  return overused;
}

TEST(BandwidthEstimator, TakesTheStepOfAnotherStreamForNoTrend) {
  EXPECT_TRUE(cut_by_a_step(false));
  EXPECT_FALSE(cut_by_a_step(true));
}

TEST(BandwidthEstimator, StaysWithinItsLimits) {
  Session session;
  session.play(40);
  session.estimator.set_limits(DataRate::kbps(100), DataRate::kbps(200));
  EXPECT_EQ(session.estimator.target(), DataRate::kbps(200));
  session.play(40);
  EXPECT_EQ(session.estimator.target(), DataRate::kbps(200));
}

}  // namespace
}  // namespace campaign::congestion
