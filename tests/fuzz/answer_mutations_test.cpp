// The fuzzer's promises on a seeded stream of mutated answers, so that every test run exercises them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mutations.hpp"
#include "tests/support/session_description.hpp"

namespace {

using campaign::test::kSession;

// As Chromium and Firefox answer, with and without what protects the video.
const std::vector<std::string>& corpus() {
  static const std::string kMedia = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\n";
  static const std::string kTransport =
      "a=rtcp:9 IN IP4 0.0.0.0\r\na=candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host generation 0\r\n"
      "a=ice-ufrag:u\r\na=ice-pwd:1CTtVCJkuBtkjiR0pqpIITRcTGnlJfhj\r\na=ice-options:trickle\r\n"
      "a=fingerprint:sha-256 5B:66:94:13:15:00:87:6F:4A:57:EC:4D:96:A5:8F:05:0B:B8:90:D2:78:9D:C9:C9:9B:66:"
      "AE:15:9F:80:EE:B4\r\na=setup:active\r\na=mid:video0\r\na=rtcp-mux\r\na=rtcp-rsize\r\n";
  static const std::string kFormats =
      "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
      "a=extmap:4/recvonly urn:ietf:params:rtp-hdrext:sdes:mid\r\na=recvonly\r\na=rtpmap:96 H264/90000\r\n"
      "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:* transport-cc\r\n"
      "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
      "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n";
  static const std::vector<std::string> kCorpus = {
      kSession + "a=group:BUNDLE video0\r\na=msid-semantic: WMS\r\n" + kMedia + kTransport + kFormats,
      kSession +
          "a=sendrecv\r\na=fingerprint:sha-256 AB\r\na=group:BUNDLE video0\r\na=ice-options:trickle\r\n" +
          kMedia + kTransport + kFormats + "a=end-of-candidates\r\na=ssrc:1234 cname:{a}\r\na=msid:a b\r\n",
      kSession + "a=group:BUNDLE video0\r\na=ice-lite\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97 120 121 122\r\n" +
          kTransport + kFormats +
          "a=rtpmap:120 red/90000\r\na=rtpmap:121 ulpfec/90000\r\na=rtpmap:122 rtx/90000\r\n"
          "a=fmtp:122 apt=120\r\n",
      kSession + kMedia + kFormats +
          "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=key-mgmt:mikey AQAFAP1td9ABAADlrwAA\r\n",
  };
  return kCorpus;
}

const campaign::test::Pieces kPieces = {
    "\r\n",
    "\na=",
    "\nm=video 9 UDP/TLS/RTP/SAVPF 96\n",
    ":",
    " ",
    "/",
    ";",
    "=",
    "apt",
    "\na=fmtp:96 ",
    "\na=extmap:",
    "\na=rtcp-fb:96 ",
    "\na=rtpmap:",
    "\t",
    "00000000000000000003",
    "-1",
    "4294967299",
    "999999999999999999999",
    "\xff\xff",
    {"\0", 1},
    "\na=ssrc:1 cname:",
    "nack",
    "ccm",
    "\na=rid:1 send",
    "\na=framesize:96 1-1",
    "\na=key-mgmt:mikey ",
    "\na=source-filter:",
};

TEST(AnswerMutations, NeverBreakAPromise) {
  campaign::test::on_mutations(corpus(), 20'000, campaign::test::feed_fuzzer, kPieces);
}

}  // namespace
