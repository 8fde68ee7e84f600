// Estimator and policy as one: what it tells, when, and what a viewer's wish and another ladder change.
#include "campaign/adaptation.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace campaign {
namespace {

using congestion::DataRate;
using congestion::DataSize;
using congestion::PacketFeedback;
using congestion::TimeDelta;
using congestion::Timestamp;

Timestamp at(double seconds) { return Timestamp::seconds(50 + seconds); }

Adaptation::Settings starting_at(int kbps) {
  Adaptation::Settings settings;
  settings.network.start = DataRate::kbps(kbps);
  return settings;
}
Adaptation::Settings by_hand(int kbps) {
  Adaptation::Settings settings = starting_at(1'000);
  settings.by_hand = DataRate::kbps(kbps);
  return settings;
}
Ladder two_rungs(const char* below, const char* above) {
  return Ladder::of(
      {{.name = below, .bitrate = 400'000}, {.name = above, .threshold = 2'000'000, .bitrate = 1'800'000}});
}

// Sends at a rate over a link of that capacity and 20 ms, with feedback every 50 ms; probes go out as they
// are wanted.
class Link {
 public:
  explicit Link(Adaptation& adaptation) : adaptation_(adaptation) {}

  void play(double from, double until, int send_kbps, int capacity_kbps) {
    for (double now = from; now < until; now += 0.001) {
      adaptation_.on_time(at(now));
      while (const auto probe = adaptation_.next_probe()) {
        double when = now;
        for (DataSize sent; sent < probe->size; sent += kPacket) {
          send(when, probe->id, capacity_kbps);
          when += (kPacket / probe->rate).seconds();
        }
      }
      owed_ += send_kbps / 8.0;
      for (; owed_ >= 1200; owed_ -= 1200) send(now, congestion::kNoProbe, capacity_kbps);
      if (std::int64_t(now * 1000) % 50 == 0) report(now);
    }
  }

 private:
  static constexpr DataSize kPacket = DataSize::bytes(1200);

  void send(double now, congestion::ProbeId probe, int capacity_kbps) {
    adaptation_.on_packet_sent(at(now), next_, kPacket, probe);
    free_ = std::max(free_, now) + double(kPacket.bits()) / 1000 / capacity_kbps;
    under_way_.push_back({next_++, free_ + 0.02});
  }
  void report(double now) {
    std::vector<PacketFeedback> arrived;
    std::erase_if(under_way_, [&](const auto& packet) {
      if (packet.arrives > now) return false;
      arrived.push_back({packet.number, Timestamp::seconds(packet.arrives)});
      return true;
    });
    adaptation_.on_feedback(at(now), arrived);
  }

  struct UnderWay {
    std::uint16_t number;
    double arrives;
  };
  Adaptation& adaptation_;
  double owed_ = 0, free_ = 0;
  std::uint16_t next_ = 0;
  std::vector<UnderWay> under_way_;
};

TEST(Adaptation, TellsFromTheStartWhatFitsItsStart) {
  Adaptation adaptation(starting_at(2'000));
  const auto choice = adaptation.take_choice();
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->quality, "medium");
  EXPECT_EQ(choice->bitrate, 900'000u);
  EXPECT_EQ(choice->particles, 250'000u);
  EXPECT_TRUE(choice->other_quality);
  EXPECT_FALSE(adaptation.take_choice());
}

TEST(Adaptation, StaysAndHoldsNothingBackWhereNoFeedbackEverComes) {
  Adaptation adaptation(starting_at(2'000));
  for (int i = 0; i < 100; ++i) {
    adaptation.on_packet_sent(at(0.05 * i), std::uint16_t(i), DataSize::bytes(1200), congestion::kNoProbe);
    adaptation.on_time(at(0.05 * i));
  }
  EXPECT_EQ(adaptation.rung().name, "medium");
  EXPECT_EQ(adaptation.switches(), 0u);
  EXPECT_FALSE(adaptation.network().silent);
  EXPECT_EQ(adaptation.pace(), DataRate::kbps(20'000));
}

TEST(Adaptation, ClimbsByProbesAndSaysWhatTheyShowed) {
  Adaptation adaptation(starting_at(2'000));
  adaptation.take_choice();
  Link(adaptation).play(0, 4, 900, 30'000);
  EXPECT_EQ(adaptation.rung().name, "ultra");
  const auto choice = adaptation.take_choice();
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->quality, "ultra");
  EXPECT_EQ(choice->reason.find("a probe showed room for"), 0u) << choice->reason;
}

TEST(Adaptation, GoesDownWhereTheNetworkCarriesLessThanItStartedWith) {
  Adaptation adaptation(starting_at(2'000));
  Link(adaptation).play(0, 3, 900, 600);
  EXPECT_EQ(adaptation.rung().name, "low");
  EXPECT_LT(adaptation.estimate(), DataRate::kbps(700));
}

TEST(Adaptation, FitsTheLowestRungsBitrateDownTo150KilobitsASecondAndBack) {
  Adaptation adaptation(by_hand(5'000));
  adaptation.on_time(at(0));
  adaptation.take_choice();
  adaptation.set_by_hand(DataRate::kbps(300));
  adaptation.on_time(at(2));
  auto choice = adaptation.take_choice();
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->quality, "low");
  EXPECT_EQ(choice->bitrate, 270'000u);
  adaptation.set_by_hand(DataRate::kbps(100));
  adaptation.on_time(at(4));
  choice = adaptation.take_choice();
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->bitrate, 150'000u);
  EXPECT_FALSE(choice->other_quality);
  adaptation.set_by_hand(DataRate::kbps(800));
  adaptation.on_time(at(6));
  choice = adaptation.take_choice();
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->bitrate, 450'000u);
}

TEST(Adaptation, SaysToWhatIsToBeThinnedWhereTheNetworkCarriesLessThanTheLowestQuality) {
  Adaptation adaptation(by_hand(300));
  adaptation.on_time(at(0));
  auto choice = adaptation.take_choice();
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->bitrate, 270'000u);
  EXPECT_TRUE(choice->too_slow);
  EXPECT_EQ(adaptation.thin_to(), 270'000u);
  adaptation.set_by_hand(DataRate::kbps(600));
  adaptation.on_time(at(1));
  choice = adaptation.take_choice();
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->bitrate, 450'000u);
  EXPECT_FALSE(choice->too_slow);
  EXPECT_EQ(adaptation.thin_to(), 0u);
}

TEST(Adaptation, ThinsNothingForAReceiverOfWhichItHasHeardNothing) {
  Adaptation adaptation(starting_at(300));
  adaptation.on_time(at(0));
  const auto choice = adaptation.take_choice();
  ASSERT_TRUE(choice);
  EXPECT_FALSE(choice->too_slow);
  EXPECT_EQ(adaptation.thin_to(), 0u);
}

TEST(Adaptation, ABitrateIsNotToldTwiceWithinHalfASecond) {
  Adaptation adaptation(by_hand(400));
  adaptation.on_time(at(0));
  adaptation.set_by_hand(DataRate::kbps(300));
  adaptation.on_time(at(1));
  adaptation.take_choice();
  adaptation.set_by_hand(DataRate::kbps(200));
  adaptation.on_time(at(1.4));
  EXPECT_FALSE(adaptation.take_choice());
  adaptation.on_time(at(1.6));
  EXPECT_TRUE(adaptation.take_choice());
}

TEST(Adaptation, SaysThatTheNetworkIsTooSlowOnlyOnceItHasHeardOfIt) {
  Adaptation adaptation(starting_at(300));
  adaptation.on_time(at(0));
  EXPECT_FALSE(adaptation.network_too_slow());
  Link(adaptation).play(0, 4, 300, 260);
  EXPECT_TRUE(adaptation.network_too_slow());
}

TEST(Adaptation, KeepsWhatTheViewerWishesWhateverTheNetwork) {
  Adaptation adaptation(starting_at(2'000));
  adaptation.wish("high");
  Link link(adaptation);
  link.play(0, 6, 900, 1'000);
  EXPECT_EQ(adaptation.rung().name, "high");
  EXPECT_EQ(adaptation.reason(), "chosen by the viewer");
  adaptation.wish("");
  link.play(6, 12, 900, 1'200);
  EXPECT_NE(adaptation.rung().name, "high");
}

TEST(Adaptation, WishesWinOverABandwidthSetByHandAndTheLimitOverBoth) {
  Adaptation adaptation(by_hand(12'000));
  adaptation.wish("medium");
  adaptation.on_time(at(0));
  EXPECT_EQ(adaptation.rung().name, "medium");
  adaptation.wish("auto");
  adaptation.limit("high");
  adaptation.on_time(at(2));
  EXPECT_EQ(adaptation.rung().name, "high");
  adaptation.limit("");
  adaptation.on_time(at(4));
  EXPECT_EQ(adaptation.rung().name, "ultra");
}

TEST(Adaptation, GoesOnUnderTheSameNameInAnotherLadderAndElseWithWhatFits) {
  Adaptation adaptation(starting_at(2'000));
  adaptation.take_choice();
  adaptation.set_ladder(two_rungs("low", "medium"));
  EXPECT_EQ(adaptation.rung().name, "medium");
  auto choice = adaptation.take_choice();
  ASSERT_TRUE(choice);
  EXPECT_FALSE(choice->other_quality);
  EXPECT_EQ(choice->bitrate, 1'800'000u);
  adaptation.set_ladder(two_rungs("dim", "bright"));
  EXPECT_EQ(adaptation.rung().name, "bright");
  choice = adaptation.take_choice();
  ASSERT_TRUE(choice);
  EXPECT_TRUE(choice->other_quality);
  adaptation.set_ladder(two_rungs("dim", "bright"));
  EXPECT_FALSE(adaptation.take_choice());
}

TEST(Adaptation, LooksTheWishUpAgainInAnotherLadder) {
  Adaptation adaptation(starting_at(2'000));
  adaptation.wish("dim");  // not there yet
  Link link(adaptation);
  link.play(0, 1.5, 900, 2'000);
  EXPECT_EQ(adaptation.rung().name, "medium");
  adaptation.set_ladder(two_rungs("dim", "bright"));
  link.play(1.5, 3, 400, 2'000);
  EXPECT_EQ(adaptation.rung().name, "dim");
}

}  // namespace
}  // namespace campaign
