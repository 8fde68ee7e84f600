// The fuzzer's promises on seeded events, so that every test run exercises them.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "seeded.hpp"

namespace {

// Packets go out, and an event speaks of them, more or less.
std::vector<std::uint8_t> session(std::mt19937& random) {
  std::vector<std::uint8_t> bytes{std::uint8_t(random()), std::uint8_t(random())};
  std::uint16_t number = std::uint16_t(bytes[0] << 8 | bytes[1]);
  for (auto events = 1 + random() % 40; events > 0; --events) {
    const auto sent = 1 + random() % 20;
    bytes.insert(bytes.end(), {std::uint8_t(sent), std::uint8_t(random() % 60), std::uint8_t(random() % 3),
                               std::uint8_t(sent)});
    for (unsigned i = 0; i < sent; ++i) {
      const auto kinds = random() % 8 == 0 ? random() : 0;
      bytes.insert(bytes.end(), {std::uint8_t(kinds >> 8), std::uint8_t(kinds), std::uint8_t(number >> 8),
                                 std::uint8_t(number)});
      ++number;
      for (int times = 0; times < 2; ++times) {
        const std::uint64_t time = random() % 4 == 0
                                       ? (std::uint64_t(random()) << 32 | random()) >> random() % 32
                                       : 1'000'000'000ull + random() % 100'000'000;
        for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(std::uint8_t(time >> shift));
      }
    }
  }
  return bytes;
}

TEST(TransportFeedbackMutations, NeverBreakAPromise) {
  campaign::test::seeded(2'000, [&](std::mt19937& random) {
    auto bytes = session(random);
    for (auto changes = random() % 30; changes > 0; --changes)
      bytes[random() % bytes.size()] = std::uint8_t(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  });
}

// A receiver's clock that always jumps by half of its period, which would leave 64 bits after 17,000 packets.
TEST(TransportFeedbackMutations, AClockThatNeverStopsJumpingStaysInBounds) {
  std::vector<std::uint8_t> bytes{0, 0};
  std::uint64_t time = 0;
  for (int event = 0; event < 200; ++event) {
    bytes.insert(bytes.end(), {0, 50, 1, 255});
    for (int i = 0; i < 255; ++i) {
      time += 536'870'911'000'000ull;  // just below half of 2^24 times 64 ms
      bytes.insert(bytes.end(), {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0});
      const std::uint64_t within = time % (std::uint64_t(64'000'000) << 24);
      for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(std::uint8_t(within >> shift));
    }
  }
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace
