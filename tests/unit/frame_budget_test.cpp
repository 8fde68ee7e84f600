// What a rung is held to when its server cannot keep up, on a simulated server.
#include "campaign/frame_budget.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

namespace campaign {
namespace {

using namespace std::chrono_literals;
using Nanoseconds = FrameBudget::Nanoseconds;
using Work = FrameBudget::Work;
using Cost = std::function<double(double second, const Work& work)>;  // milliseconds a picture

// Pictures come at the rate that is wished, wait in a queue of two that drops its oldest, and take what they
// cost: time in milliseconds, no thread, no clock.
class Server {
 public:
  explicit Server(Cost cost, Work full = {100'000, 30}) : cost_(std::move(cost)), budget(full) {}

  void run(double seconds) {
    for (const double end = now_ + seconds * 1000; now_ < end; now_ += 1000 / budget.work().framerate) {
      while (waiting_ > 0 && free_at_ <= now_) take(std::max(free_at_, came_at_));
      waiting_ = std::min(waiting_ + 1, 2);
      came_at_ = now_;
      if (free_at_ <= now_) take(now_);
      const auto window = times_.came(Nanoseconds(std::int64_t(now_ * 1e6)));
      if (!window) continue;
      if (window->done < window->came) left_out_at_ = now_ / 1000;
      if (budget.update(Nanoseconds(std::int64_t(now_ * 1e6)), *window))
        changes.push_back({now_ / 1000, budget.work()});
    }
  }

  struct Change {
    double at;
    Work work;
  };
  std::vector<Change> changes;
  double second() const { return now_ / 1000; }
  double left_out_at() const { return left_out_at_; }  // pictures, the last time

 private:
  void take(double at) {
    --waiting_;
    const double cost = cost_(at / 1000, budget.work());
    free_at_ = at + cost;
    times_.done(Nanoseconds(std::int64_t(cost * 1e6)));
  }

  Cost cost_;
  FrameTimes times_;
  double now_ = 0, free_at_ = 0, came_at_ = 0, left_out_at_ = 0;
  int waiting_ = 0;

 public:
  FrameBudget budget;
};

// So much at 100,000 particles, most of it for them.
Cost mostly_particles(double ms) {
  return [ms](double, const Work& work) { return ms * (0.2 + 0.8 * work.particles / 100'000.0); };
}

TEST(FrameBudget, LeavesAServerAloneThatKeepsUp) {
  Server server(mostly_particles(25));
  server.run(120);
  EXPECT_TRUE(server.changes.empty());
  EXPECT_NEAR(server.budget.load(), 0.75, 0.05);
  EXPECT_NEAR(double(server.budget.frame_time().count()), 25e6, 1e5);
}

TEST(FrameBudget, LowersParticlesFirstAndWithinSecondsPicturesAreLeftOutNoMore) {
  Server server(mostly_particles(50));
  server.run(10);
  ASSERT_FALSE(server.changes.empty());
  EXPECT_GE(server.changes.front().at, 2.0);
  EXPECT_LE(server.changes.front().at, 3.5);
  EXPECT_LT(server.budget.work().particles, 100'000u);
  EXPECT_EQ(server.budget.work().framerate, 30);
  EXPECT_LT(server.left_out_at(), 6);
}

TEST(FrameBudget, AMomentOfLoadChangesNothing) {
  Server server([](double second, const Work&) { return second > 10 && second < 11.2 ? 60.0 : 15.0; });
  server.run(60);
  EXPECT_TRUE(server.changes.empty());
}

TEST(FrameBudget, LowersThePicturesWhereParticlesAreNotWhatCosts) {
  Server server([](double, const Work&) { return 45.0; });
  server.run(20);
  EXPECT_EQ(server.budget.work().particles, 25'000u);
  EXPECT_EQ(server.budget.work().framerate, 15);
  EXPECT_LT(server.left_out_at(), 12);
}

TEST(FrameBudget, HasOnlyPicturesToLowerOfVideo) {
  Server server([](double, const Work&) { return 40.0; }, {0, 60});
  server.run(20);
  EXPECT_EQ(server.budget.work(), (Work{0, 20}));
}

TEST(FrameBudget, NeverGoesBelowItsLeastHoweverLongItLasts) {
  Server server([](double, const Work&) { return 500.0; });
  server.run(600);
  EXPECT_EQ(server.budget.work(), (Work{25'000, 15}));
  EXPECT_LE(server.changes.size(), 5u);
}

TEST(FrameBudget, ReturnsToAllThatIsWishedWhenTheLoadIsGone) {
  Server server(
      [](double second, const Work& work) { return mostly_particles(second < 20 ? 80 : 12)(second, work); });
  server.run(20);
  ASSERT_TRUE(server.budget.lowered());
  server.run(40);
  EXPECT_FALSE(server.budget.lowered());
  EXPECT_EQ(server.budget.work(), server.budget.full());
}

TEST(FrameBudget, RaisesAlsoWhereParticlesAreNotWhatCosts) {
  // 0.8 of an interval with however many: no single step is sure to fit, and yet all do.
  Server server([](double second, const Work&) { return second < 8 ? 60.0 : 26.0; });
  server.run(8);
  ASSERT_TRUE(server.budget.lowered());
  server.run(150);
  EXPECT_FALSE(server.budget.lowered());
}

TEST(FrameBudget, TriesEverMoreRarelyWhatDoesNotFit) {
  // All of it takes 1.05 of an interval, one step less 0.8.
  Server server(mostly_particles(35));
  server.run(900);
  std::vector<double> raises;
  for (std::size_t i = 1; i < server.changes.size(); ++i)
    if (server.changes[i].work.particles > server.changes[i - 1].work.particles)
      raises.push_back(server.changes[i].at);
  ASSERT_GE(raises.size(), 2u);
  EXPECT_LE(raises.size(), 8u);
  for (std::size_t i = 2; i + 1 < raises.size(); ++i)
    EXPECT_GE(raises[i + 1] - raises[i], std::min(raises[i] - raises[i - 1], 230.0));
}

TEST(FrameBudget, ALoadThatOnlyJustFitsIsLeftAlone) {
  Server server(mostly_particles(29.5));  // 0.885 of an interval
  server.run(600);
  EXPECT_TRUE(server.changes.empty());
}

TEST(FrameBudget, DoesNotSwingWithNoise) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> noise(1, 0.3);
    Server server([&](double second, const Work& work) {
      return mostly_particles(33)(second, work) * std::clamp(noise(random), 0.3, 2.0);
    });
    server.run(600);
    EXPECT_LE(server.changes.size(), 16u) << "seed " << seed;
    EXPECT_GE(server.budget.work().particles, 34'300u) << "seed " << seed;
    EXPECT_EQ(server.budget.work().framerate, 30) << "seed " << seed;
  }
}

TEST(FrameBudget, FollowsALoadThatGrowsAndShrinksSlowly) {
  Server server([](double second, const Work& work) {
    const double part = 1 - std::abs(second - 150) / 150;  // 0, 1 after 150 s, 0 after 300 s
    return mostly_particles(10 + 60 * part)(second, work);
  });
  server.run(150);
  EXPECT_TRUE(server.budget.lowered());
  EXPECT_LE(server.budget.load(), 1.0);
  server.run(250);
  EXPECT_FALSE(server.budget.lowered());
  EXPECT_LE(server.changes.size(), 20u);
}

TEST(FrameBudget, ForgetsWhatItKnewWhileNobodyWatched) {
  FrameBudget budget({100'000, 30});
  const FrameWindow heavy{500ms, 15, 8, 500ms}, light{500ms, 15, 15, 100ms};
  Nanoseconds now{};
  while (!budget.lowered() && now < 10s) budget.update(now += 500ms, heavy);
  ASSERT_TRUE(budget.lowered());
  budget.update(now + 11s, light);
  EXPECT_FALSE(budget.lowered());
}

TEST(FrameBudget, WithoutAShareEverythingIsAsWished) {
  FrameBudget budget({100'000, 30});
  const FrameWindow heavy{500ms, 15, 8, 500ms};
  Nanoseconds now{};
  while (!budget.lowered() && now < 10s) budget.update(now += 500ms, heavy);
  ASSERT_TRUE(budget.lowered());
  budget.set_share(0);
  const auto work = budget.update(now += 500ms, heavy);
  ASSERT_TRUE(work);
  EXPECT_EQ(*work, budget.full());
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(budget.update(now += 500ms, heavy));
}

TEST(FrameBudget, APictureThatLastsForeverIsOverBudget) {
  FrameBudget budget({100'000, 30});
  Nanoseconds now{};
  while (!budget.lowered() && now < 10s) budget.update(now += 500ms, {500ms, 15, 0, 0ms});
  EXPECT_TRUE(budget.lowered());
  EXPECT_LE(now, 3s);
}

}  // namespace
}  // namespace campaign
