// ICE settings as users type them.
#include "viewer/ice.hpp"

#include <gtest/gtest.h>

namespace campaign::viewer {
namespace {

TEST(SplitList, TrimsAndSkipsEmptyEntries) {
  EXPECT_EQ(split_list(" a, b ,,c,"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(split_list("").empty());
  EXPECT_TRUE(split_list(" , ").empty());
}

TEST(Ice, ServersReachTheBrowserInItsOwnForm) {
  const IceSettings settings{"stun://s.org:3478",
                             {"turn://al%40ice:p%3Aw@t.org:3478?transport=udp", "turns://u:p@[::1]:5349"},
                             0,
                             0};
  ASSERT_TRUE(check_ice(settings));
  const auto servers = browser_ice_servers(settings);
  ASSERT_EQ(servers.size(), 3u);
  EXPECT_EQ(servers[0].urls, std::vector<std::string>{"stun:s.org:3478"});
  EXPECT_EQ(servers[1].urls, std::vector<std::string>{"turn:t.org:3478?transport=udp"});
  EXPECT_EQ(servers[1].username, "al@ice");
  EXPECT_EQ(servers[1].credential, "p:w");
  EXPECT_EQ(servers[2].urls, std::vector<std::string>{"turns:[::1]:5349"});
}

TEST(Ice, WhatDoesNotFitIsRefusedWithoutRepeatingSecrets) {
  EXPECT_FALSE(check_ice({"s.org:3478", {}, 0, 0}));
  EXPECT_FALSE(check_ice({"turn://s.org", {}, 0, 0}));
  EXPECT_FALSE(check_ice({"", {"turn://t.org:3478"}, 0, 0}));
  const auto refused = check_ice({"", {"http://user:secret@t.org"}, 0, 0});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().for_user().find("secret"), std::string::npos);
  EXPECT_EQ(refused.error().detail().find("secret"), std::string::npos);
}

TEST(Ice, PortsMustBeARange) {
  EXPECT_TRUE(check_ice({"", {}, 5000, 5000}));
  EXPECT_TRUE(check_ice({"", {}, 5000, 0}));
  EXPECT_FALSE(check_ice({"", {}, 5001, 5000}));
}

}  // namespace
}  // namespace campaign::viewer
