// The fuzzer's promises on a seeded stream of mutated messages, so that every test run exercises them.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

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
const std::vector<std::string> kPieces = {"\"",      "{",       "}",    "[",     "]",  "\\",
                                          "\\u0000", "\\ud800", "null", "1e400", "-0", "18446744073709551616",
                                          "\xff",    "\xc3",    "type", "x",     ",",  ":"};

std::string mutate(std::string text, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return limit ? random() % limit : 0; };
  for (auto rounds = 1 + below(6); rounds > 0; --rounds) {
    const auto at = below(text.size() + 1);
    switch (below(6)) {
      case 0:
        text.insert(at, kPieces[below(kPieces.size())]);
        break;
      case 1:
        text.erase(at, below(8));
        break;
      case 2:
        if (at < text.size()) text[at] = char(random());
        break;
      case 3:
        text.insert(at, std::string(below(300), "[{\"x"[below(4)]));
        break;
      case 4:
        text = text.substr(0, at) + kCorpus[below(kCorpus.size())].substr(below(12));
        break;
      case 5:
        text.insert(at, text.substr(0, below(64)));
        break;
    }
  }
  return text;
}

TEST(ViewerMessageMutations, NeverBreakAPromise) {
  const char* given = std::getenv("CAMPAIGN_FUZZ_SEED");
  const unsigned seed = given ? unsigned(std::strtoul(given, nullptr, 10)) : 20261123u;
  std::printf("seed %u (set CAMPAIGN_FUZZ_SEED for another)\n", seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    const std::string text = mutate(kCorpus[random() % kCorpus.size()], random);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  }
}

}  // namespace
