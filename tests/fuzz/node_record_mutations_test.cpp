// The fuzzer's promises on a seeded stream of mutated records, in every test run.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "campaign/nodes/node_record.hpp"
#include "seeded.hpp"

namespace {

const std::string kRecord =
    R"({"beat":12345,"campaigns":[{"id":"red","idle_for":0.5,"needs":{"encoder_slots":3.0,"frame_time":0.2},)"
    R"("viewers":17},{"id":"blue","idle_for":12.5,"needs":{},"viewers":0}],"capacity":{"encoder_slots":8.0,)"
    R"("frame_time":1.0,"memory":4000000000.0,"viewers":200.0},"draining":true,"forecast":{"frame_time":0.5},)"
    R"("id":"node-1","incarnation":"f00","url":"https://one.example:8443","used":{"frame_time":0.25}})";

TEST(NodeRecordMutations, AreRefusedOrReadAsTheyWouldBeWritten) {
  const std::vector<std::string> pieces = {"{",
                                           "}",
                                           "[",
                                           "]",
                                           "\"",
                                           ",",
                                           ":",
                                           "null",
                                           "-1",
                                           "1e308",
                                           "1e-320",
                                           "true",
                                           "\\u0000",
                                           "\xff",
                                           "http://[",
                                           "0.1",
                                           "9007199254740993"};
  int read = 0;
  campaign::test::seeded(100'000, [&](std::mt19937& random) {
    const auto below = [&](std::size_t limit) { return random() % limit; };
    std::string text = kRecord;
    for (auto rounds = below(4); rounds > 0; --rounds) {
      const auto at = below(text.size());
      switch (below(5)) {
        case 0:
          text.insert(at, pieces[below(pieces.size())]);
          break;
        case 1:
          text.erase(at, below(12));
          break;
        case 2:
          text[at] = char(random());
          break;
        case 3:
          text[at] = char('0' + below(10));
          break;
        case 4:
          text.insert(at, text.substr(below(text.size()), below(60)));
          break;
      }
      if (text.empty()) break;
    }
    campaign::test::feed_fuzzer(text);
    read += bool(campaign::nodes::parse_node_record(text));
  });
  EXPECT_GT(read, 10'000);  // it gets past the parser often enough
  EXPECT_LT(read, 90'000);
}

}  // namespace
