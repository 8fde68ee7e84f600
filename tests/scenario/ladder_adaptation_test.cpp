// Estimator and quality policy together: one viewer on the default ladder behind a link whose capacity
// changes.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "campaign/quality_policy.hpp"
#include "network/media_flow.hpp"

namespace campaign::network {
namespace {

constexpr std::size_t kLow = 0, kMedium = 1, kHigh = 2, kUltra = 3;

// One viewer. The seed changes the sizes of the pictures.
class Watching {
 protected:
  explicit Watching(std::uint32_t seed) : seed_(seed) {
    flow_.set_source_rate(DataRate::bps(std::int64_t(policy_.ladder()[policy_.rung()].bitrate)));
    flow_.start();
    adapt();
  }

  double now() const { return events_.now().seconds(); }
  void play(double until) { events_.run_until(Timestamp::seconds(until)); }
  void set_capacity(int kbps) { link_.set_capacity(DataRate::kbps(kbps)); }
  // When the rung last became this one, or the last switch of all.
  double since() const { return switches_.empty() ? 0 : switches_.back().at; }
  std::size_t switches_after(double from) const {
    return std::size_t(std::ranges::count_if(switches_, [&](const auto& one) { return one.at > from; }));
  }
  // The longest that nothing of the picture arrived.
  double longest_gap(double from, double to) const {
    double last = from, longest = 0;
    for (const auto& queued : flow_.queueing()) {
      if (queued.at.seconds() < from || queued.at.seconds() > to) continue;
      longest = std::max(longest, queued.at.seconds() - last);
      last = queued.at.seconds();
    }
    return std::max(longest, to - last);
  }
  std::string history() const {
    std::string text = "seed " + std::to_string(seed_) + "\n";
    for (const auto& one : switches_) {
      text += std::to_string(one.at) + " s: " + std::to_string(one.what.from) + " to " +
              std::to_string(one.what.to) + ", " + one.what.text + "\n";
    }
    return text;
  }

  struct Switched {
    double at;
    QualitySwitch what;
  };
  std::vector<Switched> switches_;

 private:
  // As the element will: after feedback and every 50 ms.
  void adapt() {
    const auto now = events_.now();
    if (auto move = policy_.update(estimator_.state(), now)) {
      flow_.set_source_rate(DataRate::bps(std::int64_t(policy_.ladder()[move->to].bitrate)));
      estimator_.on_source_changed(now);
      switches_.push_back({now.seconds(), *move});
    }
    if (auto rate = policy_.take_wanted_probe()) estimator_.request_probe(*rate);
    events_.after(TimeDelta::ms(50), [this] { adapt(); });
  }

  const std::uint32_t seed_;
  EventQueue events_;
  Link link_{events_, {.capacity = DataRate::kbps(12'000), .delay = TimeDelta::ms(30)}};
  MediaFlow flow_{events_,
                  std::make_unique<GccController>(BandwidthEstimator::Config{}),
                  link_,
                  nullptr,
                  TimeDelta::ms(30),
                  {.seed = seed_}};
  BandwidthEstimator& estimator_ = static_cast<GccController&>(flow_.controller()).estimator();

 protected:
  QualityPolicy policy_{{}, DataRate::kbps(300)};
};

class LadderScenario : public Watching, public testing::TestWithParam<std::uint32_t> {
 protected:
  LadderScenario() : Watching(GetParam()) {}
};

INSTANTIATE_TEST_SUITE_P(Seed, LadderScenario, testing::Values(1, 2, 3, 4, 5, 6, 7, 8867));

TEST_P(LadderScenario, FollowsTheNetworkDownWithinTwoSecondsAndUpAgainWithinFifteen) {
  play(30);
  EXPECT_EQ(policy_.rung(), kUltra) << history();
  EXPECT_LE(since(), 15) << history();

  set_capacity(3'000);
  play(32);
  EXPECT_EQ(policy_.rung(), kMedium) << history();
  play(60);
  EXPECT_LT(longest_gap(30, 60), 0.5);
  EXPECT_EQ(policy_.rung(), kMedium) << history();
  EXPECT_LE(switches_after(32), 1u) << history();

  set_capacity(700);
  play(62);
  EXPECT_EQ(policy_.rung(), kLow) << history();
  play(120);
  EXPECT_EQ(policy_.rung(), kLow) << history();
  EXPECT_LE(switches_after(62), 1u) << history();  // a steady minute
  EXPECT_LT(longest_gap(60, 120), 0.5);

  set_capacity(12'000);
  play(135);
  EXPECT_EQ(policy_.rung(), kUltra) << history();
  const double best = since();
  play(195);
  EXPECT_LE(switches_after(best), 1u) << history();
}

TEST_P(LadderScenario, ClimbsFromTheLeastNetworkToWhatFitsWithinFifteenSeconds) {
  for (const auto& [kbps, best] : {std::pair(3'000, kMedium), std::pair(12'000, kUltra)}) {
    const double from = now();
    set_capacity(200);
    play(from + 20);
    EXPECT_EQ(policy_.rung(), kLow) << history();
    set_capacity(kbps);
    play(from + 35);
    EXPECT_EQ(policy_.rung(), best) << history();
  }
}

TEST_P(LadderScenario, DoesNotFlapOnALinkJustBelowTheNextRung) {
  set_capacity(5'100);  // high needs 5,000 and its 4,500 with 15 % to spare, which is 5,175
  play(30);
  EXPECT_EQ(policy_.rung(), kMedium) << history();
  play(150);
  EXPECT_LE(switches_after(30), 2u) << history();  // at most one too many a minute
}

// Capacities below, at and inside each rung's range, in kbit/s.
class SteadyMinute : public Watching, public testing::TestWithParam<std::tuple<std::uint32_t, int>> {
 protected:
  SteadyMinute() : Watching(std::get<0>(GetParam())) {}
  int capacity() const { return std::get<1>(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(SeedAndCapacity, SteadyMinute,
                         testing::Combine(testing::Values(1, 2, 3, 4, 8867),
                                          testing::Values(400, 700, 1'000, 1'200, 3'000, 5'000, 5'500, 8'000,
                                                          10'000, 12'000)));

TEST_P(SteadyMinute, HasAtMostOneSwitchTooManyFromTheStart) {
  set_capacity(capacity());
  play(20);
  const std::size_t rung = policy_.rung();
  play(80);
  EXPECT_LE(switches_after(20), 1u) << "from rung " << rung << " at " << capacity() << "\n" << history();
  play(140);
  EXPECT_LE(switches_after(80), 1u) << capacity() << "\n" << history();
}

TEST_P(SteadyMinute, HasAtMostOneSwitchTooManyAfterTheNetworkHasChanged) {
  play(30);
  set_capacity(capacity() < 5'000 ? 12'000 : 700);
  play(60);
  set_capacity(capacity());
  play(80);
  const std::size_t rung = policy_.rung();
  play(140);
  EXPECT_LE(switches_after(80), 1u) << "from rung " << rung << " at " << capacity() << "\n" << history();
}

}  // namespace
}  // namespace campaign::network
