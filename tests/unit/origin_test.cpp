// Which pages may connect, and how much one viewer may ask.
#include "signalling/origin.hpp"

#include <gtest/gtest.h>

#include "signalling/token_bucket.hpp"

namespace campaign::signalling {
namespace {

TEST(Origin, TheServersOwnPageMayConnect) {
  const OriginPolicy policy({}, false);
  EXPECT_TRUE(policy.allows("http://example.org:8080", "example.org:8080"));
  EXPECT_TRUE(policy.allows("https://example.org", "example.org"));  // TLS ended in front of us
  EXPECT_TRUE(policy.allows("http://Example.org", "example.ORG:80"));
  EXPECT_TRUE(policy.allows("http://[::1]:8080", "[::1]:8080"));
}

TEST(Origin, OthersMayNot) {
  const OriginPolicy policy({}, false);
  EXPECT_FALSE(policy.allows("http://evil.org", "example.org"));
  EXPECT_FALSE(policy.allows("http://example.org:8081", "example.org:8080"));
  EXPECT_FALSE(policy.allows("http://example.org.evil.org", "example.org"));
  EXPECT_FALSE(policy.allows("null", "example.org"));
  EXPECT_FALSE(policy.allows("http://example.org", ""));
}

TEST(Origin, WhatIsNoBrowserMayConnect) { EXPECT_TRUE(OriginPolicy({}, true).allows("", "127.0.0.1:8080")); }

TEST(Origin, ListedOriginsMayConnect) {
  const OriginPolicy policy({"https://Friend.org"}, true);
  EXPECT_TRUE(policy.allows("https://friend.org", "127.0.0.1:8080"));
  EXPECT_FALSE(policy.allows("http://friend.org", "127.0.0.1:8080"));
  EXPECT_FALSE(policy.allows("https://friend.org:444", "127.0.0.1:8080"));
  EXPECT_TRUE(OriginPolicy({"*"}, true).allows("http://anyone.org", "127.0.0.1:8080"));
}

TEST(Origin, AForeignNameForLoopbackIsNotTheSameOrigin) {
  const OriginPolicy policy({}, true);
  EXPECT_TRUE(policy.allows("http://localhost:8080", "localhost:8080"));
  EXPECT_TRUE(policy.allows("http://127.0.0.1:8080", "127.0.0.1:8080"));
  EXPECT_TRUE(policy.allows("http://[::1]:8080", "[::1]:8080"));
  EXPECT_FALSE(policy.allows("http://rebound.evil.org:8080", "rebound.evil.org:8080"));
  EXPECT_FALSE(policy.allows("http://127.0.0.1.evil.org:8080", "127.0.0.1.evil.org:8080"));
}

TEST(Origin, WhatBrowsersSendMayBeListed) {
  EXPECT_TRUE(check_origins({}, "it"));
  EXPECT_TRUE(check_origins(
      {"*", "null", "https://example.org", "http://[::1]:8080", "capacitor://localhost"}, "it"));
}

TEST(Origin, WhatWouldMatchNobodysIsRefused) {
  for (const char* wrong :
       {"example.org", "https://example.org/", "https://example.org/page", "https://", "://x",
        "https://*.example.org", "https://me@example.org", "https://a.org https://b.org"}) {
    const auto refused = check_origins({"https://example.org", wrong}, "The property allowed-origins");
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(
        refused.error().for_user(),
        "The property allowed-origins must be a list of origins like https://example.org, without a path, or "
        "*, not \"" +
            std::string(wrong) + "\"");
  }
}

TEST(TokenBucket, AllowsABurstAndThenTheRate) {
  TokenBucket bucket(10, 3);
  std::int64_t now = 1'000'000;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(1, now));
  EXPECT_FALSE(bucket.take(1, now));
  EXPECT_FALSE(bucket.take(1, now + 99'000));
  EXPECT_TRUE(bucket.take(1, now + 101'000));
  EXPECT_FALSE(bucket.take(1, now + 101'000));
}

TEST(TokenBucket, NeverHoldsMoreThanItsBurst) {
  TokenBucket bucket(10, 3);
  EXPECT_TRUE(bucket.take(1, 1));
  const std::int64_t later = 3'600'000'000;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(1, later));
  EXPECT_FALSE(bucket.take(1, later));
}

}  // namespace
}  // namespace campaign::signalling
