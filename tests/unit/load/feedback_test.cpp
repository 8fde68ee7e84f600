// Arrival times as campaign-load tells them, read back by a decoder of the test's own.
#include "pipelines/load/media/transport_feedback.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace campaign::load::test {
namespace {

struct Told {
  std::uint16_t base = 0;
  unsigned statuses = 0, count = 0;
  std::map<std::uint16_t, Time> arrived;
};

Told read(Bytes body) {
  Told told;
  told.base = read_u16(body, 0);
  told.statuses = read_u16(body, 2);
  Time at = read_u24(body, 4) * 64ms;
  told.count = body[7];
  std::size_t cursor = 8;
  std::vector<unsigned> symbols;
  while (symbols.size() < told.statuses) {
    const unsigned chunk = read_u16(body, cursor);
    cursor += 2;
    if (!(chunk & 0x8000)) {
      symbols.insert(symbols.end(), chunk & 0x1fff, chunk >> 13);
    } else if (chunk & 0x4000) {
      for (int i = 6; i >= 0; --i) symbols.push_back(chunk >> (2 * i) & 3);
    } else {
      for (int i = 13; i >= 0; --i) symbols.push_back(chunk >> i & 1);
    }
  }
  symbols.resize(told.statuses);
  auto number = told.base;
  for (const unsigned symbol : symbols) {
    if (symbol == 1) at += body[cursor++] * 250us;
    if (symbol == 2) {
      at += static_cast<std::int16_t>(read_u16(body, cursor)) * 250us;
      cursor += 2;
    }
    if (symbol) told.arrived[number] = at;
    ++number;
  }
  EXPECT_EQ(cursor, body.size());
  return told;
}

TEST(TransportFeedback, HasNothingToTellAboutNothing) {
  TransportFeedback feedback;
  EXPECT_FALSE(feedback.next());
}

TEST(TransportFeedback, TellsEveryArrivalToAQuarterOfAMillisecond) {
  const unsigned seed = 20261125;
  std::mt19937 random(seed);
  TransportFeedback feedback;
  std::map<std::uint16_t, Time> truth, told;
  std::uint16_t sequence = 65000;
  Time now = 1'000'000s;
  unsigned messages = 0;
  for (int i = 0; i < 5000; ++i) {
    sequence = static_cast<std::uint16_t>(sequence + 1 + (random() % 10 == 0 ? random() % 20 : 0));
    now += Time(random() % 20 == 0 ? random() % 300'000 : random() % 2'000);
    feedback.arrived(sequence, now);
    truth[sequence] = now;
    if (random() % 40 == 0)
      while (const auto body = feedback.next()) {
        ASSERT_LE(body->size(), 1188u);
        const Told part = read(*body);
        EXPECT_EQ(part.count, messages++ & 0xff);
        told.insert(part.arrived.begin(), part.arrived.end());
      }
  }
  while (const auto body = feedback.next()) {
    const auto part = read(*body);
    told.insert(part.arrived.begin(), part.arrived.end());
  }
  ASSERT_EQ(told.size(), truth.size()) << "seed " << seed;
  for (const auto& [number, at] : truth) {
    // The reference time has 24 bits of 64 ms: about twelve days, and around again.
    const Time wrapped = at % (64ms * (1 << 24));
    ASSERT_LT(std::abs((told[number] - wrapped).count()), 250) << number;
  }
}

TEST(TransportFeedback, TellsWhatCameOutOfOrderAndNothingTwice) {
  TransportFeedback feedback;
  feedback.arrived(10, 64ms);
  feedback.arrived(12, 65ms);
  feedback.arrived(11, 70ms);
  feedback.arrived(11, 90ms);
  const auto body = feedback.next();
  ASSERT_TRUE(body);
  const Told told = read(*body);
  EXPECT_EQ(told.statuses, 3u);
  EXPECT_EQ(told.arrived.at(11), 70ms);
  EXPECT_EQ(told.arrived.at(12), 65ms);
  feedback.arrived(12, 95ms);
  EXPECT_FALSE(feedback.next());
}

TEST(TransportFeedback, SurvivesJumpsOfTheSenderAndOfTheClock) {
  TransportFeedback feedback;
  feedback.arrived(0, 0s);
  feedback.arrived(30'000, 1s);
  feedback.arrived(60'000, 100s);
  std::map<std::uint16_t, Time> told;
  unsigned messages = 0;
  while (const auto body = feedback.next()) {
    const Told part = read(*body);
    told.insert(part.arrived.begin(), part.arrived.end());
    ASSERT_LT(++messages, 10u);
  }
  EXPECT_EQ(told.size(), 3u);
  EXPECT_EQ(told[60'000], 100s);
}

}  // namespace
}  // namespace campaign::load::test
