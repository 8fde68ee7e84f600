// The fuzzer's promises on a seeded stream of mutated requests, so that every test run exercises them.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mutations.hpp"

namespace {

const std::string kJson = "application/json\n\n";
const std::vector<std::string> kCorpus = {
    "PUT\n/api/v1/campaigns/a\n" + kJson +
        R"({"scene":{"emitters":[{"shape":"ring","size":[1,0.1,0]}],"drag":0.5},"particles":1000,"seed":7,)"
        R"("device":"cpu","framerate":30,"limits":{"max_viewers":5},"state":{"a":{"b":[1,null]}}})",
    "PUT\n/api/v1/campaigns/b\n" + kJson +
        R"({"scene":"galaxy","ladder":{"rungs":[{"name":"low","threshold":0,"particles":10,"width":160,)"
        R"("height":90,"bitrate":100000}]}})",
    "PATCH\n/api/v1/campaigns/a\napplication/merge-patch+json\n\"12\"\n"
    R"({"particles":2000,"scene":"benchmark","ladder":null,"limits":{"max_viewers":null}})",
    "PATCH\n/api/v1/campaigns/a/state\n" + kJson + R"({"a":{"b":null},"c":1e-7})",
    "POST\n/api/v1/campaigns/a/viewers/p-1/move\n" + kJson + R"({"campaign":"b","quality":"low"})",
    "POST\n/api/v1/campaigns\n" + kJson + R"({"id":"a","particles":5,"state":{"x":1}})",
    "DELETE\n/api/v1/campaigns/a/viewers/p.1\n\n\n",
    "GET\n/api/v1/campaigns/a/state\n\n\"9007199254740992\"\n",
    "POST\n/api/v1/drain\n" + kJson + "{}",
};

TEST(ApiCallMutations, NeverBreakAPromise) {
  campaign::test::on_mutations(kCorpus, 100'000, campaign::test::feed_fuzzer);
}

}  // namespace
