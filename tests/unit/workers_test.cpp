// Fork and join: every part once, and nobody from the round before.
#include "util/workers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace campaign {
namespace {

// More threads than processors, so that some wake up when their round is long over.
TEST(Workers, DoEachPartOnceHoweverLateTheyWake) {
  constexpr unsigned kThreads = 9;
  constexpr uint32_t kMostParts = 40;
  Workers workers(kThreads);
  for (uint32_t round = 0; round < 20'000; ++round) {
    const uint32_t parts = round % kMostParts;
    std::array<std::atomic<uint32_t>, kMostParts> done{};
    std::atomic<uint32_t> strangers = 0;
    workers.run(parts, [&](unsigned worker, uint32_t part) {
      if (worker >= kThreads || part >= parts)
        ++strangers;
      else
        ++done[part];
    });
    ASSERT_EQ(strangers, 0u) << round;
    ASSERT_EQ(std::ranges::count_if(done, [](const auto& times) { return times == 1; }), parts) << round;
  }
}

TEST(Workers, SeeWhatWasWrittenBeforeAndShowWhatTheyWrote) {
  Workers workers(4);
  std::array<uint64_t, 64> numbers{};  // not atomic: the join orders them
  for (uint32_t round = 0; round < 5'000; ++round) {
    workers.run(uint32_t{numbers.size()}, [&](unsigned, uint32_t part) { numbers[part] += part + round; });
    numbers[0] += 1;
  }
  for (uint64_t part = 1; part < numbers.size(); ++part) {
    EXPECT_EQ(numbers[part], 5'000 * part + 5'000ull * 4'999 / 2) << part;
  }
  EXPECT_EQ(numbers[0], 5'000ull * 4'999 / 2 + 5'000);
}

}  // namespace
}  // namespace campaign
