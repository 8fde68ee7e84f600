// What a viewer of campaign-load makes of the answers to its switches, in whichever order they come.
#include "pipelines/load/switching.hpp"

#include <gtest/gtest.h>

namespace campaign::load::test {
namespace {

const ErrorMessage kGone{"unknown-quality", "campaign \"0\" has no quality \"high\""};
const Choice kOnlyLow{"0", {"0"}, {"low"}};

TEST(Switching, IsDoneWhenTheServerSaysSo) {
  Switching switching;
  switching.ask({"0", "high"}, 1s);
  switching.told({"0", "low"}, false, 2s);  // of before
  EXPECT_TRUE(switching.is_waiting());
  switching.told({"0", "high"}, false, 3s);
  EXPECT_FALSE(switching.is_waiting());
  EXPECT_EQ(switching.took(), std::vector<Time>{2s});
  switching.ask({"1", kAuto}, 4s);
  switching.told({"1", "low"}, true, 5s);
  EXPECT_EQ(switching.of_campaign(), 1u);
  EXPECT_EQ(switching.asked(), 2u);
}

TEST(Switching, ARefusalIsNoFailureOfTheViewer) {
  Switching switching;
  switching.ask({"0", "high"}, 1s);
  EXPECT_TRUE(switching.refused(kGone));
  EXPECT_FALSE(switching.is_waiting());
  EXPECT_EQ(switching.refusals(), 1u);
  EXPECT_FALSE(switching.refused(kGone));  // nothing was asked for
}

TEST(Switching, WhatWentWhileItWasAskedForMayBeRefusedAfterItIsKnownToBeGone) {
  Switching switching;
  switching.ask({"0", "high"}, 1s);
  switching.on_offer(kOnlyLow);
  EXPECT_FALSE(switching.is_waiting());
  EXPECT_FALSE(switching.refused({"rate-limited", ""}));
  EXPECT_TRUE(switching.refused(kGone));
  EXPECT_EQ(switching.refusals(), 1u);
  EXPECT_FALSE(switching.refused(kGone));
}

TEST(Switching, ALateRefusalIsNotTakenForTheNextSwitchs) {
  Switching switching;
  switching.ask({"0", "high"}, 1s);
  switching.on_offer(kOnlyLow);
  switching.ask({"0", "low"}, 2s);
  EXPECT_TRUE(switching.refused(kGone));
  EXPECT_TRUE(switching.is_waiting());
  switching.told({"0", "low"}, false, 3s);
  EXPECT_EQ(switching.took(), std::vector<Time>{1s});
}

TEST(Switching, OnceALaterOneIsAnsweredNoEarlierOneIsWaitedFor) {
  Switching switching;
  switching.ask({"0", "high"}, 1s);
  switching.on_offer(kOnlyLow);
  switching.ask({"0", "low"}, 2s);
  switching.told({"0", "low"}, false, 3s);
  EXPECT_FALSE(switching.refused(kGone));
}

TEST(Switching, IsGivenUpAfterAWhileAndMayBeRefusedEvenThen) {
  Switching switching;
  switching.ask({"0", "high"}, 1s);
  switching.tick(11s);
  EXPECT_TRUE(switching.is_waiting());
  switching.tick(12s);
  EXPECT_FALSE(switching.is_waiting());
  EXPECT_TRUE(switching.refused(kGone));
}

}  // namespace
}  // namespace campaign::load::test
