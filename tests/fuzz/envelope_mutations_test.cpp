// The fuzzer's promises on a seeded stream of mutated events, so that every test run exercises them.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "events/envelope.hpp"
#include "mutations.hpp"

namespace {

const std::vector<std::string> kCorpus = {
    R"({"type":"campaign:state:v1:update","campaign_id":"0","timestamp":1700000000000,"data":{"revision":3}})",
    R"({"type":"particle:update:v1:stream","campaign_id":"a.b-c","timestamp":0,"data":{"x":[1,-2.5e-3,{"y":null}]}})",
    R"({"type":"viewer:joined:v1:hint","campaign_id":"0","timestamp":1,"data":{},"context":"webgpu-particles"})",
};

TEST(EnvelopeMutations, NeverBreakAPromise) {
  int read = 0;
  campaign::test::on_mutations(kCorpus, 100'000, [&](const std::string& text) {
    campaign::test::feed_fuzzer(text);
    read += campaign::events::parse_envelope(text) ? 1 : 0;
  });
  EXPECT_GT(read, 1000);  // or nothing was looked at
}

}  // namespace
