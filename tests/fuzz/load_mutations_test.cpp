// The fuzzer's promises on a seeded stream of mutated streams, offers and messages, in every test run.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mutations.hpp"

namespace {

std::string packet(const std::string& bytes) {
  return std::string{char(bytes.size() >> 8), char(bytes.size())} + bytes;
}

std::string rtp(unsigned sequence, unsigned timestamp, bool marker, const std::string& payload) {
  std::string bytes{char(0x90), char(marker ? 0xe0 : 0x60), char(sequence >> 8), char(sequence)};
  for (int shift = 24; shift >= 0; shift -= 8) bytes += char(timestamp >> shift);
  bytes += std::string("\0\0\x12\x34\xbe\xde\0\1\x51", 9) + char(sequence >> 8) + char(sequence) + '\0';
  return packet(bytes + payload);
}

std::string stream(bool vp8) {
  std::string text(1, vp8 ? '\1' : '\0');
  for (unsigned i = 0; i < 12; ++i) {
    const bool key = i % 6 == 0;
    if (vp8) {
      text +=
          rtp(65530 + 2 * i, 3000 * i, false, std::string{char(0x90), char(0x80), char(i), char(!key), 'x'});
      text += rtp(65531 + 2 * i, 3000 * i, true, std::string{'\0', 'y', 'z'});
    } else {
      text += rtp(65530 + 2 * i, 3000 * i, false,
                  key ? std::string("\x18\0\3\x67\x42\xe0\0\2\x68\xce", 10) : std::string("\x5c\x81xy", 4));
      text +=
          rtp(65531 + 2 * i, 3000 * i, true, key ? std::string("\x65xy", 3) : std::string("\x5c\x41zz", 4));
    }
  }
  return text + packet(std::string("\x80\xc8\0\6\0\0\x12\x34", 8) + std::string(20, 'n'));
}

const std::vector<std::string>& corpus() {
  static const std::vector<std::string> kCorpus = {
      stream(false),
      stream(true),
      "\2v=0\r\na=group:BUNDLE video0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=setup:actpass\r\n"
      "a=ice-ufrag:1G2VwFB3\r\na=ice-pwd:1CTtVCJkuBtkjiR0pqpIITRcTGnlJfhj\r\na=rtcp-mux\r\na=mid:video0\r\n"
      "a=rtpmap:96 H264/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:* transport-cc\r\na=fmtp:96 "
      "packetization-mode=1\r\n"
      "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
      "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
      "a=fingerprint:sha-256 "
      "5B:66:94:13:15:00:87:6F:4A:57:EC:4D:96:A5:8F:05:0B:B8:90:D2:78:9D:C9:C9:9B:66:AE:15:9F:"
      "80:EE:B4\r\n",
      R"(+{"type":"welcome","peer":"p","campaign":"0","campaigns":["0"],"qualities":["low"]})",
      R"(+{"type":"choice","campaign":"a","campaigns":["a","b"],"qualities":["low","high"]})",
      R"(+{"type":"error","code":"bad-id","message":"no"})"};
  return kCorpus;
}

const campaign::test::Pieces kPieces = {
    "\r\n",     "a=",      "m=video 9 UDP/TLS/RTP/SAVPF 96\n",
    ":",        " ",       "999999999999",
    "\xff\xff", {"\0", 1}, "97",
    "96",       "\"",      "[",
    "{",        "\\u0000",
};

// What is in the corpus begins with the byte that says what it is.
TEST(LoadMutations, NeverBreakAPromise) {
  campaign::test::on_mutations(corpus(), 50'000, campaign::test::feed_fuzzer, kPieces, 1);
}

}  // namespace
