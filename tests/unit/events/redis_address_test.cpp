// The URL by which a user says where Redis is.
#include "events/redis/address.hpp"

#include <gtest/gtest.h>

namespace {

using namespace campaign::events::redis;

Address parsed(std::string_view url) {
  auto address = parse_url(url);
  EXPECT_TRUE(address) << address.error().for_user();
  return *address;
}

TEST(RedisAddress, HasTheUsualPortAndDatabaseUnlessItSaysOtherwise) {
  EXPECT_EQ(parsed("redis://cache.example").host, "cache.example");
  EXPECT_EQ(parsed("redis://cache.example").port, 6379);
  EXPECT_EQ(parsed("redis://cache.example/").database, 0u);
  EXPECT_EQ(parsed("redis://10.0.0.1:7000/3").port, 7000);
  EXPECT_EQ(parsed("redis://10.0.0.1:7000/3").database, 3u);
  EXPECT_EQ(parsed("redis://[::1]:7000").host, "::1");
  EXPECT_EQ(parsed("redis://[::1]:7000").port, 7000);
}

TEST(RedisAddress, TakesALoginAndNeverShowsIt) {
  const Address address = parsed("redis://us%65r:p%40ss%3aword@host");
  EXPECT_EQ(address.user, "user");
  EXPECT_EQ(address.password, "p@ss:word");
  EXPECT_EQ(address.host, "host");
  EXPECT_EQ(address.shown(), "redis://host:6379");
  EXPECT_EQ(parsed("redis://:secret@host").user, "");
  EXPECT_EQ(parsed("redis://:secret@host").password, "secret");
}

TEST(RedisAddress, IsASocketToo) {
  EXPECT_EQ(parsed("unix:///run/redis%20here/socket?db=2").socket, "/run/redis here/socket");
  EXPECT_EQ(parsed("unix:///run/socket?db=2").database, 2u);
  EXPECT_EQ(parsed("unix:///run/socket").shown(), "unix:///run/socket");
}

TEST(RedisAddress, SaysWhatIsWrongAndNotWhatWasWritten) {
  for (const char* url : {"",
                          "host",
                          "http://host",
                          "redis://",
                          "redis://:0",
                          "redis://host:0",
                          "redis://host:70000",
                          "redis://host:",
                          "redis://host:12x",
                          "redis://host/x",
                          "redis://secret@host",
                          "redis://:@host",
                          "redis://:%zz@host",
                          "redis://:%00@host",
                          "redis://[::1",
                          "redis://[::1]7",
                          "redis://ho st",
                          "rediss://host",
                          "unix://",
                          "unix://relative",
                          "unix:///",
                          "unix:///socket?x=1",
                          "unix:///socket?db=",
                          "redis://host:secret"}) {
    auto address = parse_url(url);
    ASSERT_FALSE(address) << url;
    EXPECT_EQ(address.error().for_user().find("secret"), std::string::npos) << url;
    EXPECT_EQ(address.error().for_user().find("the Redis URL must be redis://"), 0u) << url;
  }
  EXPECT_FALSE(parse_url("redis://" + std::string(2000, 'x')));
  EXPECT_FALSE(parse_url("unix:///" + std::string(200, 'x')));
}

}  // namespace
