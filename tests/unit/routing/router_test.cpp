// Streams, viewers and who watches what, with time passed in.
#include "campaign/routing/router.hpp"

#include <gtest/gtest.h>

#include "made_units.hpp"

namespace campaign::routing {
namespace {

using test::make_unit;
using test::picture_in;

constexpr Nanoseconds kFrame = 33ms;

struct Encoder : StreamUpstream {
  void force_key_frame() override { ++asked; }
  void watched(bool by_anybody) override {
    is_watched = by_anybody;
    ++changes;
  }
  int asked = 0, changes = 0;
  bool is_watched = false;
};

struct Rung {
  std::shared_ptr<Encoder> encoder = std::make_shared<Encoder>();
  std::shared_ptr<Stream> stream;
  int id = 0;
};

class RouterTest : public testing::Test {
 protected:
  Rung add(const std::string& campaign, const std::string& quality, std::uint64_t rank, int format = 1) {
    Rung rung;
    rung.id = ++ids_;
    rung.stream = router.add_stream({campaign, quality, format, rank, 1'000'000}, {}, rung.encoder, now());
    return rung;
  }
  std::shared_ptr<Viewer> view(const Wish& wish, ViewerLimits limits = {}) {
    return router.add_viewer(wish, limits, now());
  }
  // One tick of every rung given; a rung makes a key frame when it was asked for one.
  void tick(std::initializer_list<Rung*> rungs) {
    ++tick_;
    for (Rung* rung : rungs) {
      const bool key = std::exchange(rung->encoder->asked, 0) > 0;
      rung->stream->publish(make_unit(tick_ * kFrame, key, rung->id, tick_, tick_), now());
    }
  }
  // The stream's id and tick of what a viewer takes; {0, 0} if nothing.
  std::pair<int, std::int64_t> take(const std::shared_ptr<Viewer>& viewer) {
    const auto delivery = viewer->take(now() + 1s);
    if (delivery.outcome != Viewer::Outcome::unit) return {};
    return {picture_in(delivery.unit).stream, picture_in(delivery.unit).tick};
  }
  int drain(const std::shared_ptr<Viewer>& viewer) {  // the last one's stream
    int stream = 0;
    for (auto got = take(viewer); got.first != 0; got = take(viewer)) stream = got.first;
    return stream;
  }
  Nanoseconds now() const { return 100s + tick_ * kFrame; }

  Router router;
  std::int64_t tick_ = 0;
  int ids_ = 0;
};

TEST_F(RouterTest, EverybodyGetsTheSameUnitAndNobodyACopy) {
  auto rung = add("a", "high", 5);
  auto one = view({"a", "high"}), other = view({"a", "high"});
  tick({&rung});
  const auto first = one->take(now()), second = other->take(now());
  ASSERT_EQ(first.outcome, Viewer::Outcome::unit);
  EXPECT_EQ(first.unit.payload.get(), second.unit.payload.get());
  EXPECT_TRUE(first.changed);
  EXPECT_EQ(first.from->quality, "high");
}

TEST_F(RouterTest, TheFirstViewerWakesARungAndTheLastOneLetsItSleep) {
  auto rung = add("a", "high", 5);
  EXPECT_EQ(rung.encoder->changes, 1);
  auto one = view({"a", "high"});
  EXPECT_TRUE(rung.encoder->is_watched);
  EXPECT_EQ(rung.encoder->asked, 1);
  auto other = view({"a", "high"});
  router.remove_viewer(one);
  EXPECT_EQ(rung.encoder->changes, 2);
  router.remove_viewer(other);
  EXPECT_FALSE(rung.encoder->is_watched);
  EXPECT_EQ(rung.encoder->changes, 3);
}

TEST_F(RouterTest, AutoTakesTheBestRungThatTheBandwidthAdmits) {
  auto low = add("a", "low", 0), high = add("a", "high", 5'000'000), medium = add("a", "medium", 1'000'000);
  ViewerLimits limits;
  limits.start_admits = 2'000'000;
  auto viewer = view({"a"}, limits);
  EXPECT_EQ(viewer->next(), medium.stream);
  tick({&low, &medium, &high});
  EXPECT_EQ(viewer->current(), medium.stream);
  router.estimate(viewer, 20'000'000, now());
  EXPECT_EQ(viewer->next(), high.stream);
  EXPECT_EQ(viewer->current(), medium.stream);  // until its key frame is there
  EXPECT_TRUE(medium.encoder->is_watched);
  tick({&low, &medium, &high});
  EXPECT_EQ(viewer->current(), high.stream);
  EXPECT_FALSE(medium.encoder->is_watched);
  router.estimate(viewer, 3, now());
  tick({&low, &medium, &high});
  EXPECT_EQ(viewer->current(), low.stream);
}

TEST_F(RouterTest, TheMostAQualityMayBeIsObeyed) {
  auto low = add("a", "low", 0), high = add("a", "high", 5'000'000);
  Wish wish{"a"};
  wish.most = 4'000'000;
  ViewerLimits limits;
  limits.start_admits = Wish::kAny;
  EXPECT_EQ(view(wish, limits)->next(), low.stream);
  wish.quality = "high";
  wish.rank = 5'000'000;
  EXPECT_EQ(view(wish)->next(), low.stream);
}

TEST_F(RouterTest, AQualityThatACampaignLacksGivesTheNextLower) {
  auto low = add("a", "low", 0), high = add("a", "high", 5'000'000);
  EXPECT_EQ(view({"a", "medium", 1'000'000})->next(), low.stream);
  EXPECT_EQ(view({"a", "ultra", 10'000'000})->next(), high.stream);
}

TEST_F(RouterTest, ACampaignThatIsNotThereYetIsWaitedFor) {
  auto viewer = view({"a", "high"});
  EXPECT_EQ(viewer->take(now()).outcome, Viewer::Outcome::nothing);
  auto rung = add("a", "high", 5);
  tick({&rung});
  EXPECT_EQ(take(viewer), std::pair(1, std::int64_t(1)));
}

TEST_F(RouterTest, AViewerChangesTheCampaignWithoutAGapInItsOutput) {
  auto a = add("a", "high", 5), b = add("b", "high", 5);
  auto viewer = view({"a", "high"});
  for (int i = 0; i < 5; ++i) {
    tick({&a, &b});
    EXPECT_EQ(take(viewer), std::pair(a.id, tick_));
  }
  router.wish(viewer, {"b", "high"}, now());
  b.encoder->asked = 0;  // it takes its time
  tick({&a, &b});
  EXPECT_EQ(take(viewer), std::pair(a.id, tick_));
  b.encoder->asked = 1;
  tick({&a, &b});
  const auto delivery = viewer->take(now());
  ASSERT_EQ(delivery.outcome, Viewer::Outcome::unit);
  EXPECT_EQ(delivery.from->campaign, "b");
  EXPECT_TRUE(delivery.changed);
  EXPECT_FALSE(delivery.after_gap);
  EXPECT_FALSE(a.encoder->is_watched);
}

TEST_F(RouterTest, AWishThatIsTakenBackChangesNothing) {
  auto a = add("a", "high", 5), b = add("b", "high", 5);
  auto viewer = view({"a", "high"});
  tick({&a, &b});
  router.wish(viewer, {"b", "high"}, now());
  EXPECT_TRUE(b.encoder->is_watched);
  router.wish(viewer, {"a", "high"}, now());
  EXPECT_FALSE(b.encoder->is_watched);
  tick({&a, &b});
  EXPECT_EQ(drain(viewer), a.id);
}

TEST_F(RouterTest, AStreamOfAnotherFormatIsNotForThisViewer) {
  auto a = add("a", "high", 5, 1), b = add("b", "high", 5, 2);
  auto viewer = view({"a", "high"});
  tick({&a, &b});
  router.wish(viewer, {"b", "high"}, now());
  EXPECT_EQ(viewer->next(), nullptr);
  EXPECT_EQ(viewer->current(), a.stream);
}

TEST_F(RouterTest, TheEndOfACampaignEndsItsViewersAndNoOthers) {
  auto a = add("a", "high", 5), b = add("b", "high", 5);
  auto of_a = view({"a", "high"}), of_b = view({"b", "high"});
  tick({&a, &b});
  router.end_stream(a.stream, now());
  EXPECT_EQ(drain(of_a), a.id);
  EXPECT_EQ(of_a->take(now()).outcome, Viewer::Outcome::ended);
  tick({&b});
  EXPECT_EQ(drain(of_b), b.id);
  EXPECT_EQ(of_b->take(now()).outcome, Viewer::Outcome::nothing);
}

TEST_F(RouterTest, TheEndOfARungLeavesTheOthersOfItsCampaign) {
  auto low = add("a", "low", 0), high = add("a", "high", 5);
  auto viewer = view({"a", "high", 5});
  tick({&low, &high});
  router.end_stream(high.stream, now());
  EXPECT_EQ(viewer->next(), low.stream);
  tick({&low});
  EXPECT_EQ(drain(viewer), low.id);
}

TEST_F(RouterTest, ACampaignThatIsRemovedMayComeBack) {
  auto rung = add("a", "high", 5);
  auto viewer = view({"a", "high"});
  tick({&rung});
  drain(viewer);
  router.remove_stream(rung.stream, now());
  EXPECT_FALSE(rung.encoder->is_watched);
  EXPECT_EQ(viewer->take(now()).outcome, Viewer::Outcome::nothing);
  auto again = add("a", "high", 5);
  tick({&again});
  EXPECT_EQ(drain(viewer), again.id);
}

TEST_F(RouterTest, AJoinerStartsFromTheCacheWhileTheGroupIsShort) {
  auto rung = add("a", "high", 5);
  auto first = view({"a", "high"});
  for (int i = 0; i < 5; ++i) tick({&rung});
  auto second = view({"a", "high"});
  EXPECT_EQ(rung.encoder->asked, 0);
  for (std::int64_t i = 1; i <= 5; ++i) EXPECT_EQ(take(second), std::pair(rung.id, i));
}

TEST_F(RouterTest, AJoinerToALongGroupGetsAKeyFrameWhereTheShareAllowsOne) {
  auto rung = add("a", "high", 5);
  auto first = view({"a", "high"});
  for (int i = 0; i < 40; ++i) tick({&rung});
  auto second = view({"a", "high"});
  EXPECT_EQ(rung.encoder->asked, 1);
  EXPECT_EQ(second->stats().waiting, 0u);
}

TEST_F(RouterTest, FiftyJoinersInASecondAreServedWithinTheShare) {
  auto rung = add("a", "high", 5);
  auto first = view({"a", "high"});
  std::int64_t most = 0;
  std::vector<std::pair<std::shared_ptr<Viewer>, std::int64_t>> joiners;
  for (int i = 0; i < 300; ++i) {
    ++tick_;
    const bool key = std::exchange(rung.encoder->asked, 0) > 0;
    // 25,000 bytes, and 4,000 a picture: about a second of the share
    rung.stream->publish(make_unit(tick_ * kFrame, key, rung.id, tick_, tick_, key ? 25'000 : 4'000), now());
    if (i >= 200 && i < 250) joiners.emplace_back(view({"a", "high"}), tick_);
    for (auto& [viewer, since] : joiners)
      if (since != 0 && take(viewer).first != 0) most = std::max(most, tick_ - std::exchange(since, 0));
    for (auto& [viewer, since] : joiners)
      if (since == 0) drain(viewer);
    drain(first);
  }
  for (auto& [viewer, since] : joiners) EXPECT_EQ(since, 0);
  EXPECT_LE(most, 3);  // pictures, 100 ms
  EXPECT_LE(rung.stream->stats().key_frames_asked, 4u);
}

TEST_F(RouterTest, AStuckViewerDisturbsNobodyAndIsLiveAgainAtOnce) {
  auto rung = add("a", "high", 5);
  auto stuck = view({"a", "high"}), fine = view({"a", "high"});
  for (int i = 0; i < 900; ++i) {
    tick({&rung});
    EXPECT_EQ(take(fine), std::pair(rung.id, tick_));
  }
  EXPECT_LE(stuck->stats().waiting, 15u);
  EXPECT_GT(stuck->stats().counts.dropped, 800u);
  EXPECT_EQ(rung.stream->stats().key_frames_asked, 1u);  // it asks for none while it is stuck
  drain(stuck);
  take(stuck);
  EXPECT_EQ(rung.encoder->asked, 1);
  tick({&rung});
  EXPECT_EQ(take(stuck), std::pair(rung.id, tick_));
}

TEST_F(RouterTest, AViewerWhoseFeedbackStopsIsPausedAndResumedOnItsReturn) {
  auto rung = add("a", "high", 5);
  ViewerLimits limits;
  limits.feedback_timeout = 1s;
  auto viewer = view({"a", "high"}, limits);
  for (int i = 0; i < 60; ++i) {
    tick({&rung});
    take(viewer);
  }
  EXPECT_FALSE(viewer->stats().paused);  // silence counts from the first sign only
  router.heard_from(viewer, now());
  for (int i = 0; i < 60; ++i) {
    tick({&rung});
    drain(viewer);
  }
  EXPECT_TRUE(viewer->stats().paused);
  EXPECT_FALSE(rung.encoder->is_watched);
  EXPECT_EQ(viewer->current(), nullptr);
  router.heard_from(viewer, now());
  EXPECT_TRUE(rung.encoder->is_watched);
  tick({&rung});
  const auto delivery = viewer->take(now());
  ASSERT_EQ(delivery.outcome, Viewer::Outcome::unit);
  EXPECT_TRUE(delivery.after_gap);
  EXPECT_EQ(viewer->stats().pauses, 1u);
}

TEST_F(RouterTest, AFlushRestartsTheTimeOfThoseWhoWatch) {
  auto a = add("a", "high", 5), b = add("b", "high", 5);
  auto viewer = view({"a", "high"}), other = view({"b", "high"});
  tick({&a, &b});
  EXPECT_EQ(drain(viewer), a.id);
  EXPECT_EQ(router.flush_stream(a.stream), std::vector{viewer});
  router.resume_after_flush(viewer, now());
  a.stream->publish(make_unit(0ns, true, a.id), now());
  EXPECT_EQ(drain(viewer), a.id);
  EXPECT_EQ(drain(other), b.id);
}

TEST_F(RouterTest, ARemovedViewerIsGone) {
  auto rung = add("a", "high", 5);
  auto viewer = view({"a", "high"});
  tick({&rung});
  router.remove_viewer(viewer);
  EXPECT_EQ(viewer->take(now()).outcome, Viewer::Outcome::gone);
}

}  // namespace
}  // namespace campaign::routing
