// The router as it is used: every stream and every viewer on a thread of its own, and viewers that come, go
// and change their minds on others. ThreadSanitizer watches; what can be said without knowing the order is
// checked.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "campaign/routing/router.hpp"
#include "made_units.hpp"

namespace campaign::routing {
namespace {

using test::make_unit;
using test::Picture;
using test::picture_in;

Nanoseconds clock_now() { return std::chrono::steady_clock::now().time_since_epoch(); }

struct Encoder : StreamUpstream {
  void force_key_frame() override { key_wanted = true; }
  void watched(bool by_anybody) override {
    EXPECT_NE(told.exchange(by_anybody), int(by_anybody)) << "told twice, or out of order";
    is_watched = by_anybody;
  }
  std::atomic<bool> key_wanted = false, is_watched = false;
  std::atomic<int> told = -1;
};

struct Source {
  std::shared_ptr<Encoder> encoder = std::make_shared<Encoder>();
  std::shared_ptr<Stream> stream;
  int id = 0;
};

Wish random_wish(std::mt19937& random) {
  Wish wish;
  wish.campaign = "c" + std::to_string(random() % 2);
  return wish;
}

TEST(RouterThreads, StreamsAndViewersShareNothingThatIsNotGuarded) {
  constexpr int kSources = 4, kViewers = 6, kTicks = 600;
  const int before = Picture::alive;
  {
    Router router;
    std::vector<Source> sources(kSources);
    for (int i = 0; i < kSources; ++i) {
      sources[i].id = i + 1;
      sources[i].stream = router.add_stream({"c" + std::to_string(i / 2), "q" + std::to_string(i % 2), 1,
                                             std::uint64_t(i % 2) * 1'000'000, 500'000},
                                            {}, sources[i].encoder, clock_now());
    }
    std::atomic<bool> over = false;
    std::atomic<std::uint64_t> seen = 0, joins = 0, wishes = 0;

    std::vector<std::thread> threads;
    for (Source& source : sources)
      threads.emplace_back([&] {
        for (int tick = 1; tick <= kTicks; ++tick) {
          const bool key = source.encoder->key_wanted.exchange(false) || tick % 50 == 1;
          source.stream->publish(make_unit(tick * 1ms, key, source.id, tick, tick), clock_now());
          std::this_thread::sleep_for(1ms);
        }
      });
    for (int i = 0; i < kViewers; ++i)
      threads.emplace_back([&, i] {
        std::mt19937 random{unsigned(i)};
        while (!over) {
          auto viewer = router.add_viewer(random_wish(random), {8, 30ms, random() % 2'000'000}, clock_now());
          ++joins;
          Nanoseconds last = Nanoseconds::min();
          int stream = 0;
          std::int64_t index = 0;
          for (int units = 0; units < 100 && !over;) {
            const auto delivery = viewer->take(clock_now());
            if (delivery.outcome != Viewer::Outcome::unit) {
              viewer->await(clock_now(), 5ms);
              continue;
            }
            const Picture& picture = picture_in(delivery.unit);
            EXPECT_GT(delivery.unit.pts, last);
            EXPECT_TRUE(picture.key_frame || (picture.stream == stream && picture.index == index + 1));
            last = delivery.unit.pts;
            stream = picture.stream;
            index = picture.index;
            ++units;
            ++seen;
            if (random() % 20 == 0) std::this_thread::sleep_for(15ms);  // long enough to overflow
          }
          router.remove_viewer(viewer);
        }
      });
    threads.emplace_back([&] {  // the one who changes everybody's mind
      std::mt19937 random{99};
      while (!over) {
        for (const auto& viewer : router.viewers()) {
          switch (random() % 4) {
            case 0:
              router.wish(viewer, random_wish(random), clock_now());
              ++wishes;
              break;
            case 1:
              router.estimate(viewer, random() % 2'000'000, clock_now());
              break;
            case 2:
              viewer->request_key_frame(clock_now());
              break;
            case 3:
              viewer->wake();
              break;
          }
          (void)viewer->stats();
        }
        for (const auto& stream : router.streams()) (void)stream->stats();
        std::this_thread::sleep_for(1ms);
      }
    });

    for (int i = 0; i < kSources; ++i) threads[i].join();
    over = true;
    for (std::size_t i = kSources; i < threads.size(); ++i) threads[i].join();
    for (const Source& source : sources) {
      EXPECT_FALSE(source.encoder->is_watched);
      EXPECT_FALSE(source.stream->is_watched());
    }
    EXPECT_GT(seen, 200u);
    EXPECT_GT(joins, 5u);
    EXPECT_GT(wishes, 50u);
  }
  EXPECT_EQ(Picture::alive, before);
}

// Seen as a viewer that stayed on a rung for good: it came back to the one it had left before the thread that
// had seen it leave came to take it off the list there.
TEST(RouterThreads, AViewerThatGoesBackAtOnceIsNotForgotten) {
  constexpr int kSwitches = 1'000;
  Router router;
  std::vector<Source> sources(2);
  for (int i = 0; i < 2; ++i) {
    sources[i].id = i + 1;
    sources[i].stream = router.add_stream({"c", "q" + std::to_string(i), 1, 500'000, 500'000}, {},
                                          sources[i].encoder, clock_now());
  }
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  const auto start = clock_now();
  for (Source& source : sources)
    threads.emplace_back([&] {
      for (std::int64_t index = 1; !over; ++index) {
        // A sleeping encoder gives nothing, one that is awake whatever is asked for, as fast as it can.
        if (source.encoder->is_watched) {
          const auto now = clock_now();
          source.stream->publish(make_unit(now - start, true, source.id, index, index), now);
        }
        std::this_thread::yield();
      }
    });
  Wish wish;
  wish.campaign = "c";
  wish.quality = "q0";
  const auto viewer = router.add_viewer(wish, {}, clock_now());
  int switches = 0;
  for (; switches < kSwitches; ++switches) {
    const int wanted = switches % 2 + 1;
    const auto deadline = clock_now() + 5s;
    bool shown = false;
    while (!shown && clock_now() < deadline) {
      const auto delivery = viewer->take(clock_now());
      shown = delivery.outcome == Viewer::Outcome::unit && picture_in(delivery.unit).stream == wanted;
    }
    if (!shown) break;
    wish.quality = "q" + std::to_string((switches + 1) % 2);
    router.wish(viewer, wish, clock_now());
  }
  over = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(switches, kSwitches);
  router.remove_viewer(viewer);
}

TEST(RouterThreads, OneOfThoseWhoAddAStreamOfOneNameAtOnceIsTaken) {
  constexpr int kRounds = 300, kAdding = 4;
  for (int round = 0; round < kRounds; ++round) {
    Router router;
    std::atomic<int> ready = 0, taken = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < kAdding; ++i)
      threads.emplace_back([&] {
        for (++ready; ready < kAdding;) std::this_thread::yield();
        taken += router.add_only_stream({"c", "q", 1, 0, 500'000}, {}, std::make_shared<Encoder>(),
                                        clock_now()) != nullptr;
      });
    for (auto& thread : threads) thread.join();
    ASSERT_EQ(taken, 1);
    ASSERT_EQ(router.streams().size(), 1u);
  }
}

}  // namespace
}  // namespace campaign::routing
