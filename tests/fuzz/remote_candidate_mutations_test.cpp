// The fuzzer's promises on a seeded stream of mutated candidates, so that every test run exercises them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mutations.hpp"

namespace {

const std::vector<std::string> kCorpus = {
    "a=candidate:1467250027 1 udp 2122260223 8a12cc5e-3a5d-4b9c-9c0e-3f2a1f3f6d11.local 46243 typ host",
    "a=candidate:1 1 TCP 1518280447 a.local 9 typ host tcptype active",
    "a=candidate:1 1 UDP 2 10.0.0.1 9 typ srflx raddr a.local rport 9",
};
const campaign::test::Pieces kPieces = {" ", ".", ".local", "a=candidate:", "\r\n", std::string(1, '\0'),
                                        "::"};

TEST(RemoteCandidateMutations, NeverBreakAPromise) {
  campaign::test::on_mutations(kCorpus, 100'000, campaign::test::feed_fuzzer, kPieces);
}

}  // namespace
