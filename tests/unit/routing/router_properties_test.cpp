// Random lives: campaigns whose rungs lag, viewers that join, leave, switch, stall and go silent, over
// thousands of steps. Whatever happens, each viewer's output keeps the router's promises.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "campaign/routing/router.hpp"
#include "made_units.hpp"

namespace campaign::routing {
namespace {

using test::make_unit;
using test::Picture;
using test::picture_in;

constexpr Nanoseconds kStep = 1ms, kFrame = 33ms;
constexpr int kSteps = 20'000;  // 20 s of 1 ms
constexpr int kCampaigns = 3, kRungs = 3, kMostViewers = 12;
constexpr std::size_t kQueue = 15;

struct Encoder : StreamUpstream {
  void force_key_frame() override { key_wanted = true; }
  void watched(bool by_anybody) override { is_watched = by_anybody; }
  bool key_wanted = false, is_watched = false;
};

struct Rung {
  std::shared_ptr<Encoder> encoder;
  std::shared_ptr<Stream> stream;
  int id = 0, campaign = 0, rung = 0;
  Nanoseconds lag{};  // from the instant of a picture to its unit
  std::int64_t index = 0, reference = 0, last_key = -1000;
  std::deque<std::pair<Nanoseconds, AccessUnit>> under_way;
  double key_bits_asked = 0;
};

// One viewer and what it has seen.
struct Witness {
  std::shared_ptr<Viewer> viewer;
  Nanoseconds stuck_until{}, silent_until{};
  Nanoseconds last_pts = Nanoseconds::min(), instant{};
  int stream = 0;
  std::int64_t index = 0, reference = 0, tick = 0;
  std::uint64_t seen = 0;
  bool thinned = false;  // it may be
  bool excused = true;   // the next stream's units need not follow the last ones: theirs ended
};

class Lives {
 public:
  explicit Lives(unsigned seed) : random_(seed) {
    for (int campaign = 0; campaign < kCampaigns; ++campaign)
      for (int rung = 0; rung < kRungs; ++rung) add_rung(campaign, rung);
  }

  void run() {
    for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
      now_ += kStep;
      act();
      encode();
      for (auto& witness : witnesses_) watch(witness);
    }
    if (testing::Test::HasFailure()) return;
    for (auto& witness : witnesses_) check_counts(witness);
  }

  std::uint64_t delivered = 0, dropped = 0, switches = 0, late = 0, pauses = 0, joins = 0, thinned = 0;

 private:
  unsigned below(unsigned limit) { return unsigned(random_() % limit); }
  bool once_in(unsigned steps) { return below(steps) == 0; }

  void add_rung(int campaign, int rung) {
    Rung made;
    made.encoder = std::make_shared<Encoder>();
    made.id = ++ids_;
    made.campaign = campaign;
    made.rung = rung;
    made.lag = 1ms * below(80);
    StreamDescription description{"c" + std::to_string(campaign), "q" + std::to_string(rung), 1,
                                  std::uint64_t(rung) * 1'000'000, 0};
    made.stream = router_.add_stream(description, {}, made.encoder, now_);
    rungs_.push_back(std::move(made));
  }

  Wish random_wish() {
    Wish wish{"c" + std::to_string(below(kCampaigns))};
    if (once_in(2)) {
      const unsigned rung = below(kRungs);
      wish.quality = "q" + std::to_string(rung);
      wish.rank = rung * 1'000'000u;
    }
    return wish;
  }

  void act() {
    if (witnesses_.size() < kMostViewers && once_in(100)) {
      Witness witness;
      ViewerLimits limits{kQueue, 800ms, below(3) * 1'000'000u};
      witness.viewer = router_.add_viewer(random_wish(), limits, now_);
      witnesses_.push_back(std::move(witness));
      ++joins;
    }
    if (!witnesses_.empty() && once_in(400)) {
      const auto leaving = witnesses_.begin() + below(unsigned(witnesses_.size()));
      check_counts(*leaving);
      router_.remove_viewer(leaving->viewer);
      EXPECT_EQ(leaving->viewer->take(now_).outcome, Viewer::Outcome::gone);
      witnesses_.erase(leaving);
    }
    for (auto& witness : witnesses_) {
      if (once_in(300)) router_.wish(witness.viewer, random_wish(), now_);
      if (once_in(500)) router_.estimate(witness.viewer, below(3) * 1'000'000u, now_);
      if (once_in(2000)) {
        const bool slow = once_in(2);
        witness.thinned |= slow;
        witness.viewer->thin_to(slow ? 100'000 + below(400'000) : 0);
      }
      if (once_in(1500)) witness.stuck_until = now_ + 1ms * below(1500);
      if (once_in(3000)) witness.silent_until = now_ + 1ms * below(3000);
      if (once_in(1000)) witness.viewer->request_key_frame(now_);
      if (now_ >= witness.silent_until && once_in(50)) router_.heard_from(witness.viewer, now_);
    }
    if (once_in(2000)) {  // a rung goes, and another comes in its place
      const auto gone = rungs_.begin() + below(unsigned(rungs_.size()));
      const int campaign = gone->campaign, rung = gone->rung;
      for (auto& witness : witnesses_)
        if (witness.viewer->current() == gone->stream || witness.stream == gone->id) witness.excused = true;
      router_.remove_stream(gone->stream, now_);
      gone_.insert(gone->id);
      rungs_.erase(gone);
      add_rung(campaign, rung);
    }
  }

  void encode() {
    for (auto& rung : rungs_) {
      // Campaigns do not tick together.
      const Nanoseconds phase = 11ms * rung.campaign;
      const auto tick = (now_ - phase) / kFrame;
      if ((now_ - phase) % kFrame == 0ns && (rung.encoder->is_watched || rung.campaign != 0)) {
        const bool asked = std::exchange(rung.encoder->key_wanted, false);
        const bool key = asked || tick - rung.last_key >= 90;
        if (key) rung.last_key = tick;
        const std::uint32_t bytes = key ? 8'000 : 1'500 + below(500);
        if (asked) rung.key_bits_asked += 8.0 * bytes;
        AccessUnit unit = make_unit(tick * kFrame + phase, key, rung.id, ++rung.index, tick, bytes);
        auto* picture = static_cast<Picture*>(unit.payload.get());
        picture->needs = rung.reference;
        unit.droppable = !key && rung.rung == 0 && rung.index % 2 == 0;
        if (!unit.droppable) rung.reference = rung.index;
        rung.under_way.emplace_back(now_ + rung.lag, std::move(unit));
      }
      while (!rung.under_way.empty() && rung.under_way.front().first <= now_) {
        rung.stream->publish(rung.under_way.front().second, now_);
        rung.under_way.pop_front();
      }
    }
  }

  void watch(Witness& witness) {
    if (now_ < witness.stuck_until) return;
    for (;;) {
      const bool was_paused = witness.viewer->stats().paused;
      const auto delivery = witness.viewer->take(now_);
      if (!was_paused && witness.viewer->stats().paused) witness.excused = true;
      if (delivery.outcome != Viewer::Outcome::unit) return;
      check(witness, delivery);
      if (testing::Test::HasFailure()) return;
    }
  }

  void check(Witness& witness, const Viewer::Delivery& delivery) {
    const Picture& picture = picture_in(delivery.unit);
    ++witness.seen;
    ASSERT_GT(delivery.unit.pts, witness.last_pts) << "timestamps strictly increase";
    ASSERT_EQ(delivery.changed, picture.stream != witness.stream);
    const bool follows = picture.stream == witness.stream && picture.index == witness.index + 1;
    const bool is_decodable =
        picture.key_frame || (picture.stream == witness.stream && picture.needs == witness.reference);
    ASSERT_TRUE(is_decodable) << "a unit that cannot be decoded";
    ASSERT_TRUE(follows || picture.key_frame || witness.thinned) << "lost without a need";
    // Nothing is lost: the next unit is the stream's next, or the next instant's of another rung, or a loss
    // is told. Campaigns do not share their instants; a change between them leaves out no more than a
    // picture.
    const auto before = campaign_of_[witness.stream], now = delivery.from->campaign;
    if (!delivery.after_gap && !witness.excused && !witness.thinned && !gone_.contains(witness.stream)) {
      if (picture.stream == witness.stream) {
        ASSERT_TRUE(follows) << "lost without a word";
      } else if (before == now) {
        ASSERT_EQ(picture.tick, witness.tick + 1) << "lost without a word";
      } else {
        ASSERT_LE(picture.instant - witness.instant, 2 * kFrame) << "lost between two campaigns";
      }
    }
    campaign_of_[picture.stream] = now;
    if (!follows && !gone_.contains(picture.stream)) witness.excused = false;
    witness.last_pts = delivery.unit.pts;
    witness.instant = picture.instant;
    witness.stream = picture.stream;
    witness.index = picture.index;
    if (!delivery.unit.droppable) witness.reference = picture.index;
    witness.tick = picture.tick;
  }

  void check_counts(const Witness& witness) {
    const ViewerStats stats = witness.viewer->stats();
    const DeliveryCounts& counts = stats.counts;
    EXPECT_EQ(counts.delivered, witness.seen);
    EXPECT_EQ(counts.admitted,
              counts.delivered + counts.dropped - counts.refused + counts.superseded + stats.waiting);
    EXPECT_TRUE(counts.overflows > 0 || stats.pauses > 0 || counts.dropped == counts.thinned);
    EXPECT_TRUE(witness.thinned || counts.thinned == 0);
    thinned += counts.thinned;
    delivered += counts.delivered;
    dropped += counts.dropped;
    switches += counts.switches;
    late += counts.late_switches;
    pauses += stats.pauses;
  }

  std::mt19937 random_;
  Nanoseconds now_ = 1000s;
  Router router_;
  std::vector<Rung> rungs_;
  std::vector<Witness> witnesses_;
  std::map<int, std::string> campaign_of_;
  std::set<int> gone_;  // streams that were removed
  int ids_ = 0;
};

TEST(RouterProperties, HoldForManyRandomLives) {
  const char* given = std::getenv("CAMPAIGN_ROUTER_SEED");
  const unsigned first = given ? unsigned(std::strtoul(given, nullptr, 10)) : 20261124u;
  const unsigned count = given ? 1 : 8;
  for (unsigned seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("CAMPAIGN_ROUTER_SEED=" + std::to_string(seed));
    const int before = Picture::alive;
    {
      Lives lives(seed);
      lives.run();
      std::printf(
          "seed %u: %llu joins, %llu units delivered, %llu dropped, %llu switches (%llu late), %llu pauses\n",
          seed, (unsigned long long)lives.joins, (unsigned long long)lives.delivered,
          (unsigned long long)lives.dropped, (unsigned long long)lives.switches,
          (unsigned long long)lives.late, (unsigned long long)lives.pauses);
      if (HasFailure()) return;
      // What was tried is what was meant to be tried.
      EXPECT_GT(lives.delivered, 1000u);
      EXPECT_GT(lives.dropped, 100u);
      EXPECT_GT(lives.switches, 50u);
      EXPECT_GT(lives.pauses, 3u);
      EXPECT_GT(lives.thinned, 100u);
    }
    EXPECT_EQ(Picture::alive, before) << "every unit has been let go of";
  }
}

}  // namespace
}  // namespace campaign::routing
