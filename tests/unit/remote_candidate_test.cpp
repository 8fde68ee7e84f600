// Names in the place of addresses in candidates of viewers.
#include "viewer/ice/remote_candidate.hpp"

#include <gtest/gtest.h>

namespace campaign::viewer {
namespace {

constexpr const char* kFromChromium =
    "a=candidate:1467250027 1 udp 2122260223 8a12cc5e-3a5d-4b9c-9c0e-3f2a1f3f6d11.local 46243 typ host "
    "generation 0 ufrag EEtu network-id 3";

TEST(RemoteCandidate, ANameIsFoundAndReplaced) {
  EXPECT_EQ(local_name(kFromChromium), "8a12cc5e-3a5d-4b9c-9c0e-3f2a1f3f6d11.local");
  EXPECT_EQ(with_address(kFromChromium, "192.0.2.7"),
            "a=candidate:1467250027 1 udp 2122260223 192.0.2.7 46243 typ host generation 0 ufrag EEtu "
            "network-id 3");
}

TEST(RemoteCandidate, AnAddressIsNoName) {
  EXPECT_FALSE(local_name("a=candidate:1 1 UDP 2 192.0.2.7 9 typ host"));
  EXPECT_FALSE(local_name("a=candidate:1 1 UDP 2 2001:db8::7 9 typ host"));
  EXPECT_FALSE(local_name("a=candidate:1 1 UDP 2 example.org 9 typ host"));
}

// draft-ietf-mmusic-mdns-ice-candidates-03, section 3.2.1: more than one dot is no such name.
TEST(RemoteCandidate, OnlyOneLabelMayBeLookedUp) {
  for (const char* address : {"a.b.local", ".local", "local", "a..local", "a b.local", "a\tb.local",
                              "é.local", "a.local.", "a.LOCAL", "a:b.local", "../../etc.local"})
    EXPECT_FALSE(local_name("a=candidate:1 1 UDP 2 " + std::string(address) + " 9 typ host")) << address;
  const std::string label(63, 'a');
  EXPECT_TRUE(local_name("a=candidate:1 1 UDP 2 " + label + ".local 9 typ host"));
  EXPECT_FALSE(local_name("a=candidate:1 1 UDP 2 a" + label + ".local 9 typ host"));
}

TEST(RemoteCandidate, WhatIsNoCandidateHasNoName) {
  for (const char* text : {"", "a=candidate:", "a=candidate: a.local 9", "candidate:1 1 UDP 2 a.local 9",
                           "a=candidate:1 1 UDP 2 a.local", "a=candidate:1  UDP 2 a.local 9 typ host"})
    EXPECT_FALSE(local_name(text)) << text;
}

}  // namespace
}  // namespace campaign::viewer
