// The fuzzer's promises on a seeded stream of mutated messages, so that every test run exercises them.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mutations.hpp"

namespace {

const std::vector<std::string> kCorpus = {
    R"({"type":"answer","sdp":"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"})",
    R"({"type":"ice","candidate":"candidate:1 1 UDP 2 10.0.0.1 9 typ host","sdpMLineIndex":0})",
    R"({"type":"subscribe","campaign":"0","quality":"auto"})",
    R"({"type":"control","event":"mouse-button-press","x":0.5,"y":1,"button":3})",
    R"({"type":"control","event":"mouse-scroll","x":0.5,"y":0,"dx":0,"dy":-1})",
    R"({"type":"stats","fps":29.97,"rtt":1e-3})",
    R"({"type":"ping"})",
};
TEST(ViewerMessageMutations, NeverBreakAPromise) {
  campaign::test::on_mutations(kCorpus, 100'000, campaign::test::feed_fuzzer);
}

}  // namespace
