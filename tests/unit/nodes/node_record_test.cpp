#include "campaign/nodes/node_record.hpp"

#include <gtest/gtest.h>

#include "made_nodes.hpp"

namespace campaign::nodes {
namespace {

using test::load;

NodeRecord full() {
  return {.id = "node-1",
          .incarnation = "f00",
          .beat = 12345,
          .url = "https://one.example:8443",
          .draining = true,
          .capacity = load(1, 8, 4e9, 200),
          .used = load(0.25, 2, 1e9, 17),
          .forecast = load(0.5, 4),
          .campaigns = {{.id = "red", .viewers = 17, .needs = load(0.2, 3)},
                        {.id = "blue", .idle_for = 12.5, .needs = load(0.1, 3)}}};
}

TEST(NodeRecord, IsReadAsItWasWritten) {
  const auto read = parse_node_record(to_json(full()));
  ASSERT_TRUE(read) << read.error().for_user();
  EXPECT_EQ(*read, full());
}

TEST(NodeRecord, RefusesWhatDoesNotFitAndSaysWhere) {
  const std::string start = R"({"id":"a","incarnation":"b","beat":1)";
  const std::string good = start + R"(,"url":"http://h:1")";
  EXPECT_TRUE(parse_node_record(good + "}"));
  for (const auto& [text, message] : std::initializer_list<std::pair<std::string, std::string>>{
           {R"({"id":"a","incarnation":"b","url":"http://h:1","beat":-1})",
            "beat must be a whole number from 0 to 9007199254740992, not -1"},
           {start + R"(,"url":"http://h/path"})", "url must be http://host:port, not something else"},
           {start + R"(,"url":17})", "url must be http://host:port, not something else"},
           {good + R"(,"url":"http://h:1"})", "url must be there once, not twice"},
           {good + R"(,"draining":1})", "draining must be true or false, not 1"},
           {good + R"(,"used":{"viewers":-1}})", "used.viewers must be a number from 0 to 1e+15, not -1"},
           {good + R"(,"campaigns":[{"id":"../x"}]})",
            "campaigns[0].id must be " + std::string("1 to 64 characters of A-Z a-z 0-9 . _ -, not '../x'")},
           {good + R"(,"campaigns":[{"id":"x","viewers":0.5}]})",
            "campaigns[0].viewers must be a whole number from 0 to 1000000, not 0.5"},
           {good + R"(,"more":1})",
            "the node must be made of id, incarnation, beat, url, draining, capacity, used, forecast, "
            "campaigns, "
            "not 'more'"},
           {good, "the node must be valid JSON, not text that does not parse at line 1, column " +
                      std::to_string(good.size() + 1)}}) {
    const auto read = parse_node_record(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().for_user(), message);
  }
  EXPECT_FALSE(parse_node_record(R"({"incarnation":"b","beat":1,"url":"http://h:1"})"));
  EXPECT_FALSE(parse_node_record(R"({"id":"a","incarnation":"b","beat":1})"));
  EXPECT_FALSE(parse_node_record("[]"));
  EXPECT_FALSE(parse_node_record(std::string(kMaxNodeRecordBytes + 1, ' ')));
}

TEST(NodeUrl, IsASchemeAHostAndPerhapsAPort) {
  for (const char* good : {"http://a", "https://a.b-c.example", "http://127.0.0.1:8080", "http://[::1]:80",
                           "http://[fe80::1]", "http://h:65535"}) {
    EXPECT_TRUE(is_node_url(good)) << good;
  }
  for (const char* bad :
       {"",           "http://",       "ftp://a",        "http://a/",       "http://a/b",
        "http://a:",  "http://a:0",    "http://a:65536", "http://a:123456", "http://a:1x",
        "http://u@a", "http://a?b",    "http://a#b",     "http://a b",      "http://[::1",
        "http://[]",  "http://[::1]x", "http://[::1]:",  "http://[g]",      "javascript:alert(1)",
        "http://a\n", "http://\"a"}) {
    EXPECT_FALSE(is_node_url(bad)) << bad;
  }
}

}  // namespace
}  // namespace campaign::nodes
