// Fork and join: every part once, and nobody from the round before; with many callers at once, too.
#include "util/workers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace campaign {
namespace {

constexpr uint32_t kMostParts = 40;

// What went wrong in a piece of work of so many parts: parts that were not done once, places that are not
// there, places that two had at once.
template <class Run>
uint32_t faults_of(Run&& run, unsigned places, uint32_t parts) {
  std::array<std::atomic<uint32_t>, kMostParts> done{};
  std::array<std::atomic<bool>, Workers::kMost> busy{};
  std::atomic<uint32_t> faults = 0;
  run(parts, [&](unsigned place, uint32_t part) {
    if (place >= places || part >= parts || busy[place].exchange(true)) {
      ++faults;
      return;
    }
    ++done[part];
    busy[place] = false;
  });
  for (uint32_t part = 0; part < kMostParts; ++part) faults += done[part] != (part < parts ? 1 : 0);
  return faults;
}

// More threads than processors, so that some wake up when their round is long over.
TEST(Workers, DoEachPartOnceHoweverLateTheyWake) {
  constexpr unsigned kThreads = 9;
  Workers workers(kThreads);
  const auto run = [&](uint32_t parts, auto&& f) { workers.run(parts, f); };
  for (uint32_t round = 0; round < 20'000; ++round) {
    ASSERT_EQ(faults_of(run, kThreads, round % kMostParts), 0u) << round;
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

// More callers than the crew counts, some of them with fewer places than others had in the same round before.
TEST(Workers, ServeManyCallersAtOnce) {
  constexpr unsigned kCount = 4, kCallers = 7;
  Workers workers(kCount);
  std::atomic<uint32_t> faults = 0;
  {
    std::vector<std::jthread> callers;
    for (unsigned i = 0; i < kCallers; ++i) {
      callers.emplace_back([&, i] {
        for (uint32_t frame = 0; frame < 2'000; ++frame) {
          const unsigned places = 1 + (i + frame) % kCount;
          Workers::Caller caller(workers, places);
          const auto run = [&](uint32_t parts, auto&& f) { caller.run(parts, f); };
          for (uint32_t round = 0; round < 3; ++round)
            faults += faults_of(run, places, (frame + round) % kMostParts);
        }
      });
    }
  }
  EXPECT_EQ(faults, 0u);
}

// What a place keeps for itself needs no other order than that nobody else has the place.
TEST(Workers, ShowWhatWasWrittenAtAPlaceToWhoeverHasItNext) {
  Workers workers(4);
  std::atomic<bool> over = false;
  std::jthread other([&] {  // comes and goes, so that those who help are sent away and come back
    while (!over) Workers::Caller(workers).run(4, [](unsigned, uint32_t) { std::this_thread::yield(); });
  });
  std::array<uint64_t, 4> done{};  // by place, not atomic
  constexpr uint32_t kRounds = 2'000, kParts = 200;
  for (uint32_t round = 0; round < kRounds; ++round) {
    workers.run(kParts, [&](unsigned place, uint32_t) { ++done[place]; });
  }
  over = true;
  EXPECT_EQ(done[0] + done[1] + done[2] + done[3], uint64_t{kRounds} * kParts);
}

// A caller alone is helped: its parts wait for one another, which one thread could not do.
TEST(Workers, HelpACallerWhoIsAlone) {
  Workers workers(2);
  std::atomic<uint32_t> there = 0;
  workers.run(2, [&](unsigned, uint32_t) {
    ++there;
    for (uint32_t seen = 1; seen < 2; seen = there) std::this_thread::yield();
  });
  EXPECT_EQ(there, 2u);
}

// Nobody helps while as many callers are there as can be at work, and help comes when one of them goes.
TEST(Workers, HelpNobodyUntilThereIsRoom) {
  Workers workers(2);
  Workers::Caller first(workers);
  std::atomic<unsigned> highest = 0;
  const auto note = [&](unsigned place, uint32_t) {
    if (place > highest) highest = place;
    std::this_thread::yield();
  };
  {
    Workers::Caller second(workers);
    for (int round = 0; round < 1'000; ++round) first.run(kMostParts, note);
    EXPECT_EQ(highest, 0u);
  }
  std::atomic<uint32_t> there = 0;
  first.run(2, [&](unsigned, uint32_t) {
    ++there;
    for (uint32_t seen = 1; seen < 2; seen = there) std::this_thread::yield();
  });
  EXPECT_EQ(there, 2u);
}

// Who came when there were callers enough is helped as soon as they are gone, in the midst of its work.
TEST(Workers, HelpWhoHasGoneOnAlone) {
  Workers workers(2);
  std::optional<Workers::Caller> first(std::in_place, workers), second(std::in_place, workers);
  Workers::Caller third(workers);
  std::atomic<uint32_t> there = 0;
  third.run(4, [&](unsigned, uint32_t part) {
    if (part == 0) return;
    if (part == 1) return first.reset(), second.reset();
    ++there;
    for (uint32_t seen = 1; seen < 2; seen = there) std::this_thread::yield();
  });
  EXPECT_EQ(there, 2u);
}

}  // namespace
}  // namespace campaign
