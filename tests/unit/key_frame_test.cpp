// Which frames a viewer gets, and how often an encoder is asked for a key frame.
#include <gtest/gtest.h>

#include "viewer/key_frame_gate.hpp"
#include "viewer/key_frame_requests.hpp"

namespace campaign::viewer {
namespace {

TEST(KeyFrameGate, StartsOnAKeyFrame) {
  KeyFrameGate gate(4);
  EXPECT_FALSE(gate.admit(false, 0));
  EXPECT_FALSE(gate.admit(false, 0));
  EXPECT_TRUE(gate.admit(true, 0));
  EXPECT_TRUE(gate.admit(false, 1));
  EXPECT_EQ(gate.dropped(), 0u);  // what came before the start was never this viewer's
}

TEST(KeyFrameGate, DropsToTheNextKeyFrameOnOverflow) {
  KeyFrameGate gate(4);
  ASSERT_TRUE(gate.admit(true, 0));
  EXPECT_TRUE(gate.admit(false, 3));
  EXPECT_FALSE(gate.admit(false, 4));
  EXPECT_FALSE(gate.admit(false, 0));  // drained, but its reference is lost
  EXPECT_TRUE(gate.admit(true, 0));
  EXPECT_TRUE(gate.admit(false, 1));
  EXPECT_EQ(gate.dropped(), 2u);
}

TEST(KeyFrameGate, WaitsForTheBacklogToDrain) {
  KeyFrameGate gate(4);
  ASSERT_TRUE(gate.admit(true, 0));
  EXPECT_FALSE(gate.admit(true, 4));
  EXPECT_FALSE(gate.admit(true, 2));
  EXPECT_TRUE(gate.admit(true, 1));
  EXPECT_EQ(gate.dropped(), 2u);
}

TEST(KeyFrameGate, WaitsForTheKeyFrameOfANewStream) {
  KeyFrameGate gate(4);
  ASSERT_TRUE(gate.admit(true, 0));
  gate.close();
  EXPECT_FALSE(gate.admit(false, 0));
  EXPECT_TRUE(gate.admit(true, 0));
  EXPECT_EQ(gate.dropped(), 0u);
}

constexpr std::int64_t kStart = 1'000'000'000;

TEST(KeyFrameRequests, TheFirstIsPassedOnAtOnce) {
  KeyFrameRequests requests;
  EXPECT_TRUE(requests.request(kStart));
}

TEST(KeyFrameRequests, OneKeyFrameServesAllWhoAsked) {
  KeyFrameRequests requests;
  EXPECT_TRUE(requests.request(kStart));
  for (int i = 1; i < 50; ++i) EXPECT_FALSE(requests.request(kStart + i * 1000));
  EXPECT_FALSE(requests.frame(true, kStart + 60'000));
  EXPECT_FALSE(requests.frame(false, kStart + 2 * KeyFrameRequests::kSpacing));  // nobody waits any more
}

TEST(KeyFrameRequests, TheNextWaitsForItsSpacing) {
  KeyFrameRequests requests;
  requests.request(kStart);
  requests.frame(true, kStart);
  EXPECT_FALSE(requests.request(kStart + 1000));
  EXPECT_FALSE(requests.frame(false, kStart + KeyFrameRequests::kSpacing - 1));
  EXPECT_TRUE(requests.frame(false, kStart + KeyFrameRequests::kSpacing));
  EXPECT_FALSE(requests.frame(false, kStart + KeyFrameRequests::kSpacing + 1));
}

TEST(KeyFrameRequests, AnEncoderThatIgnoredOneIsAskedAgain) {
  KeyFrameRequests requests;
  ASSERT_TRUE(requests.request(kStart));
  EXPECT_FALSE(requests.frame(false, kStart + KeyFrameRequests::kPatience - 1));
  EXPECT_TRUE(requests.frame(false, kStart + KeyFrameRequests::kPatience));
}

}  // namespace
}  // namespace campaign::viewer
