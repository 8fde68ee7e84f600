// Whether an answer takes the video that was offered.
#include "viewer/refused_video.hpp"

#include <gtest/gtest.h>

#include "tests/support/session_description.hpp"

namespace campaign::viewer {
namespace {

using test::kSession;
using test::parse;

std::string why(const std::string& media, Codec offered = Codec::h264, const std::string& session = "") {
  return refused_video(parse(kSession + session + media).get(), offered);
}

const std::string kLine = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n";
const std::string kMap = "a=rtpmap:96 H264/90000\r\n";

TEST(RefusedVideo, WhatTakesItIsLetThrough) {
  EXPECT_EQ(why(kLine + "a=recvonly\r\n" + kMap), "");
  EXPECT_EQ(why(kLine + "a=sendrecv\r\n" + kMap), "");
  EXPECT_EQ(why(kLine + kMap), "");
  EXPECT_EQ(why(kLine), "");
  EXPECT_EQ(why(kLine + "a=rtpmap:97 rtx/90000\r\na=rtpmap:96 vp8/90000\r\n", Codec::vp8), "");
  EXPECT_EQ(why(kLine + "a=recvonly\r\n", Codec::h264, "a=inactive\r\n"), "");
}

TEST(RefusedVideo, ACodecThatIsNotTakenIsNamed) {
  for (const std::string& media :
       {"m=video 0 UDP/TLS/RTP/SAVPF 96\r\n" + kMap, std::string("m=video 9 UDP/TLS/RTP/SAVPF 111\r\n"),
        std::string("m=video 9 UDP/TLS/RTP/SAVPF 196\r\n"), kLine + "a=rtpmap:96 VP8/90000\r\n"})
    EXPECT_EQ(
        why(media),
        "this viewer does not take H264 as payload type 96; watch with what plays it, or set the server's "
        "codec to another one")
        << media;
  EXPECT_NE(why(kLine + kMap, Codec::av1).find("AV1"), std::string::npos);
}

TEST(RefusedVideo, ADirectionInWhichNothingCanBeSentIsNamed) {
  EXPECT_EQ(why(kLine + kMap + "a=inactive\r\n"),
            "the answer is inactive, so no video can be sent; it must be recvonly");
  EXPECT_EQ(why(kLine + kMap + "a=sendonly\r\n"),
            "the answer is sendonly, so no video can be sent; it must be recvonly");
  EXPECT_EQ(why(kLine + kMap, Codec::h264, "a=inactive\r\n"),
            "the answer is inactive, so no video can be sent; it must be recvonly");
}

TEST(RefusedVideo, AnotherKindOfMediaIsNamed) {
  EXPECT_EQ(why("m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n"), "the answer is of audio, and video was offered");
}

}  // namespace
}  // namespace campaign::viewer
