// What a viewer is offered besides, and what of its answer webrtcbin gets to see.
#include "viewer/protected_offer.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/session_description.hpp"

namespace campaign::viewer {
namespace {

using test::kSession;
using test::parse;
using test::text_of;

const std::string kPlain =
    "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n";
const std::string kRed = "a=rtpmap:120 red/90000\r\n", kUlpfec = "a=rtpmap:121 ulpfec/90000\r\n",
                  kRedAgain = "a=rtpmap:122 rtx/90000\r\na=fmtp:122 apt=120\r\n";
std::string media(const std::string& types) { return "m=video 9 UDP/TLS/RTP/SAVPF " + types + "\r\n"; }

const std::string kOffer = kSession + media("96 97") + kPlain;

TEST(ProtectedOffer, NamesThePacketsOfAProtectedStreamAfterThePlainOnes) {
  const auto offer = parse(kOffer);
  offer_protection(offer.get());
  EXPECT_EQ(text_of(offer), kSession + media("96 97 120 121 122") + kPlain + kRed + kUlpfec +
                                "a=rtpmap:122 rtx/90000\r\na=fmtp:122 apt=120\r\n");
}

TEST(ProtectedOffer, AnAnswerThatTakesAllOfItIsLeftAsWithoutIt) {
  const auto answer = parse(kSession + media("96 97 120 121 122") + kPlain + kRed +
                            "a=rtcp-fb:120 transport-cc\r\n" + kUlpfec + kRedAgain);
  EXPECT_TRUE(take_protection(answer.get()));
  EXPECT_EQ(text_of(answer), kOffer);
  EXPECT_EQ(retransmission_type(answer.get(), 96), 97u);
}

TEST(ProtectedOffer, AnAnswerThatLacksAnyOfItAgreesToNothing) {
  for (const std::string& some : {std::string(), kRed, kUlpfec + kRedAgain, kRed + kRedAgain, kRed + kUlpfec,
                                  kRed + kUlpfec + "a=rtpmap:122 rtx/90000\r\na=fmtp:122 apt=96\r\n",
                                  "a=rtpmap:120 H264/90000\r\n" + kUlpfec + kRedAgain}) {
    const auto answer = parse(kSession + media("96 97 120 121 122") + kPlain + some);
    EXPECT_FALSE(take_protection(answer.get())) << some;
    EXPECT_EQ(text_of(answer), kOffer) << some;
  }
}

TEST(ProtectedOffer, WithoutRetransmissionsThereIsNoTypeOfThem) {
  EXPECT_FALSE(retransmission_type(parse(kSession + media("96") + "a=rtpmap:96 VP8/90000\r\n").get(), 96));
  EXPECT_FALSE(retransmission_type(parse(kSession).get(), 96));
}

}  // namespace
}  // namespace campaign::viewer
