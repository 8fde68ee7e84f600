// The fuzzer's promises on a seeded stream of mutated documents and patches, so that every test run exercises
// them.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "campaign/state/document.hpp"
#include "mutations.hpp"

namespace {

using namespace std::string_literals;

const std::vector<std::string> kCorpus = {
    "{\"a\":{\"b\":1,\"c\":[1,2,{\"d\":null}]},\"e\":\"text\"}\0{\"a\":{\"b\":null,\"c\":{}},\"f\":-0.0}"s,
    "{}\0{\"x\":{\"y\":{\"z\":null}}}"s,
    "{\"deep\":{\"er\":{\"and\":{\"er\":[[[[1e-7]]]]}}}}\0{\"deep\":{\"er\":{\"and\":{\"er\":{\"on\":{}}}}}}"s,
    "{\"\":\"\\u0000\\ud83d\\ude00\"}\0{\"\":18446744073709551615,\"n\":-9223372036854775808}"s,
};

TEST(StatePatchMutations, NeverBreakAPromise) {
  int patched = 0;
  campaign::test::on_mutations(kCorpus, 100'000, [&](const std::string& text) {
    campaign::test::feed_fuzzer(text);
    using namespace campaign::state;
    const auto document = Document::parse(text.substr(0, text.find('\0')), 1);
    const auto patch = Patch::parse(text.substr(text.find('\0') + 1));
    patched += document && patch && document->patched(*patch) ? 1 : 0;
  });
  EXPECT_GT(patched, 1000);  // or nothing was looked at
}

}  // namespace
