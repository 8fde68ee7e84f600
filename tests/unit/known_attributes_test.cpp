// What of a viewer's answer webrtcbin gets to see.
#include "viewer/known_attributes.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/session_description.hpp"
#include "util/gst_ptr.hpp"

namespace campaign::viewer {
namespace {

using test::kSession;
using test::parse;
using test::text_of;

std::string known_of(const std::string& text) {
  const auto answer = parse(text);
  keep_known_attributes(answer.get());
  return text_of(answer);
}

const std::string kMedia = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\n";
const std::string kNegotiated =
    "a=ice-ufrag:u\r\na=ice-pwd:p\r\na=ice-options:trickle\r\na=fingerprint:sha-256 AB\r\na=setup:active\r\n"
    "a=mid:video0\r\na=extmap:3 "
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:96 H264/90000\r\na=rtcp-fb:96 nack\r\n"
    "a=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 transport-cc\r\n"
    "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n";

TEST(KnownAttributes, WhatIsNegotiatedStays) {
  const std::string answer = kSession + "a=group:BUNDLE video0\r\na=ice-lite\r\n" + kMedia + kNegotiated;
  EXPECT_EQ(known_of(answer), answer);
}

TEST(KnownAttributes, WhatHasNoMeaningHereIsTakenOut) {
  EXPECT_EQ(known_of(kSession + "a=msid-semantic:WMS *\r\na=x-mine:1\r\na=key-mgmt:mikey AQA\r\n" + kMedia +
                     "a=ssrc:1234 cname:{a}\r\na=ssrc-group:FID 1 2\r\na=rid:a recv\r\na=extmap:300 urn:a\r\n"
                     "a=extmap:x urn:a\r\na=rtcp-fb:96 nack rpsi\r\na=rtcp-fb:96\r\na=fmtp:96 mine=1\r\n"
                     "a=fmtp:96\r\na=x-9\r\n"),
            kSession + kMedia);
}

TEST(KnownAttributes, UnknownParametersLeaveTheOthersInPlace) {
  EXPECT_EQ(known_of(kSession + kMedia + "a=fmtp:96 mine; packetization-mode=1;;x-9=1 ;profile-id=0\r\n"),
            kSession + kMedia + "a=fmtp:96 packetization-mode=1;profile-id=0\r\n");
}

// GStreamer makes a name of all that follows the type, spaces and all.
TEST(KnownAttributes, FeedbackHasNothingAroundIt) {
  EXPECT_EQ(known_of(kSession + kMedia +
                     "a=rtcp-fb:96   nack   \r\na=rtcp-fb:* nack pli \r\n"
                     "a=rtcp-fb:*x9 nack\r\na=rtcp-fb:9x nack\r\na=rtcp-fb:128 nack\r\n"
                     "a=rtcp-fb: nack\r\na=rtcp-fb:96 ccm  fir\r\n"),
            kSession + kMedia + "a=rtcp-fb:96 nack\r\na=rtcp-fb:* nack pli\r\n");
}

// Each name that GLib has not seen takes the next number.
GQuark names_so_far() {
  static int unique = 0;
  return g_quark_from_string(("known-attributes-test-" + std::to_string(unique++)).c_str());
}

// As webrtcbin does.
void read(const GstSDPMedia* media) {
  gst_init(nullptr, nullptr);
  const auto caps = adopt(gst_caps_new_empty_simple("application/x-unknown"));
  gst_sdp_media_attributes_to_caps(media, caps.get());
  adopt(gst_sdp_media_get_caps_from_media(media, 96));
}

TEST(KnownAttributes, NamesThatAreMadeUpAreNotKept) {
  const auto answer_with = [](int i) {
    const std::string n = std::to_string(i);
    return parse(kSession + kMedia + kNegotiated + "a=x-" + n + ":1\r\na=ssrc:" + n +
                 " cname:a\r\na=rid:" + n + " recv\r\na=extmap:" + n + "000 urn:a\r\na=rtcp-fb:96 a" + n +
                 "\r\na=rtcp-fb:*" + n + " nack\r\na=rtcp-fb:96 nack" + std::string(std::size_t(i), ' ') +
                 "\r\na=fmtp:96 b" + n + "=1\r\n");
  };
  const auto first = answer_with(1);
  keep_known_attributes(first.get());
  read(gst_sdp_message_get_media(first.get(), 0));
  const GQuark before = names_so_far();
  for (int i = 2; i < 20; ++i) {
    const auto answer = answer_with(i);
    keep_known_attributes(answer.get());
    read(gst_sdp_message_get_media(answer.get(), 0));
  }
  EXPECT_EQ(names_so_far(), before + 1);
}

}  // namespace
}  // namespace campaign::viewer
