// Offers that campaign-load takes or refuses, the answer it gives, and the server's messages.
#include <gtest/gtest.h>

#include "pipelines/load/server_message.hpp"
#include "pipelines/load/session_description.hpp"

namespace campaign::load::test {
namespace {

const std::string kOffer =
    "v=0\r\no=- 5684949973940016350 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-options:trickle\r\n"
    "a=group:BUNDLE video0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=setup:actpass\r\n"
    "a=ice-ufrag:1G2VwFB3DF+M1gywSOiA9h1gybuK3tFO\r\na=ice-pwd:1CTtVCJkuBtkjiR0pqpIITRcTGnlJfhj\r\na=rtcp-"
    "mux\r\n"
    "a=rtcp-rsize\r\na=sendonly\r\na=rtpmap:96 H264/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
    "a=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 something else\r\n"
    "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1\r\na=rtpmap:97 "
    "rtx/90000\r\n"
    "a=fmtp:97 apt=96\r\na=extmap:3 "
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=mid:video0\r\na=candidate:1 1 UDP 2015363327 192.0.2.2 48601 typ host\r\n"
    "a=fingerprint:sha-256 "
    "5B:66:94:13:15:00:87:6F:4A:57:EC:4D:96:A5:8F:05:0B:B8:90:D2:78:9D:C9:C9:9B:66:AE:15:9F:80:"
    "EE:B4\r\n";

std::string changed(std::string_view from, std::string_view to) {
  std::string text = kOffer;
  const auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Offer, OfAWebrtcbinIsUnderstood) {
  const auto offer = parse_offer(kOffer);
  ASSERT_TRUE(offer) << offer.error().for_user();
  EXPECT_EQ(offer->mid, "video0");
  EXPECT_EQ(offer->ice_pwd, "1CTtVCJkuBtkjiR0pqpIITRcTGnlJfhj");
  EXPECT_EQ(offer->codec, Codec::h264);
  EXPECT_EQ(offer->payload_type, 96);
  EXPECT_EQ(offer->retransmission_type, 97);
  EXPECT_EQ(offer->transport_sequence_id, 3);
  EXPECT_EQ(offer->feedback, (std::vector<std::string>{"nack", "nack pli", "transport-cc"}));
  EXPECT_EQ(offer->candidates.size(), 1u);
  EXPECT_EQ(offer->fingerprint[0], 0x5b);
  EXPECT_EQ(offer->fingerprint[31], 0xb4);
}

TEST(Offer, WithBareLineFeedsAndVp8IsUnderstood) {
  std::string text = changed("H264/90000", "VP8/90000");
  std::erase(text, '\r');
  const auto offer = parse_offer(text);
  ASSERT_TRUE(offer) << offer.error().for_user();
  EXPECT_EQ(offer->codec, Codec::vp8);
}

TEST(Offer, IsRefusedWithItsReason) {
  const struct {
    std::string text;
    const char* says;
  } cases[] = {
      {"", "m-line"},
      {"garbage", "lines"},
      {kOffer + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "m-lines"},
      {changed("m=video", "m=audio"), "video"},
      {changed("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "SAVPF"},
      {changed("96 97", "96 96"), "payload types"},
      {changed("96 97", "96 128"), "payload types"},
      {changed("H264/90000", "H265/90000"), "H264"},
      {changed("H264/90000", "H264/x"), "rtpmap"},
      {changed("a=setup:actpass", "a=setup:active"), "DTLS"},
      {changed("a=rtcp-mux\r\n", ""), "rtcp-mux"},
      {changed("a=ice-ufrag:1G2VwFB3DF+M1gywSOiA9h1gybuK3tFO", "a=ice-ufrag:a b"), "ice-ufrag"},
      {changed("a=ice-pwd:1CTtVCJkuBtkjiR0pqpIITRcTGnlJfhj", "a=ice-pwd:short"), "ice-pwd"},
      {changed("a=ice-pwd:1CTtVCJkuBtkjiR0pqpIITRcTGnlJfhj\r\n", ""), "ICE"},
      {changed("sha-256 5B:66", "sha-256 5B66"), "fingerprint"},
      {changed("sha-256", "sha-1"), "fingerprint"},
      {changed("extmap:3", "extmap:0"), "extmap"},
      {changed("mid:video0", std::string("mid:a") + '\x01'), "control"},
      {changed("mid:video0", "mid:a b"), "mid"},
      {std::string(70'000, 'a'), "64 KiB"},
  };
  for (const auto& refused : cases) {
    const auto offer = parse_offer(refused.text);
    ASSERT_FALSE(offer) << refused.says;
    EXPECT_NE(offer.error().for_user().find(refused.says), std::string::npos) << offer.error().for_user();
  }
}

TEST(Answer, AcceptsWhatWasOfferedAndIsItselfReadable) {
  const auto offer = parse_offer(kOffer);
  ASSERT_TRUE(offer);
  AnsweringSide us;
  us.ice_ufrag = "abcd";
  us.ice_pwd = "0123456789012345678901";
  us.fingerprint.fill(0xa5);
  const std::string answer = write_answer(*offer, us);
  for (const char* line :
       {"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n", "a=setup:active\r\n", "a=recvonly\r\n", "a=mid:video0\r\n",
        "a=rtcp-fb:96 nack pli\r\n", "a=fmtp:97 apt=96\r\n", "a=ice-ufrag:abcd\r\n",
        "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f",
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"})
    EXPECT_NE(answer.find(line), std::string::npos) << line << "in\n" << answer;
  std::string back = answer;
  back.replace(back.find("setup:active"), 12, "setup:passive");
  EXPECT_TRUE(parse_offer(back));
}

TEST(ServerMessage, IsReadAsFarAsAViewerListens) {
  const auto welcome = parse_server_message(
      R"({"type":"welcome","version":1,"peer":"p","campaign":"0","campaigns":["0","a b",7,"1"],"qualities":["low","high"]})");
  ASSERT_TRUE(welcome);
  EXPECT_EQ(std::get<Welcome>(*welcome).choice.campaigns, (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(std::get<Welcome>(*welcome).choice.qualities.size(), 2u);
  const auto error = parse_server_message(R"({"type":"error","code":"bad-id","message":"no\u001b[31m"})");
  ASSERT_TRUE(error);
  EXPECT_EQ(std::get<ErrorMessage>(*error).message, "no [31m");
  EXPECT_EQ(
      std::get<QualityMessage>(*parse_server_message(R"({"type":"quality","campaign":"0","quality":"low"})"))
          .quality,
      "low");
  EXPECT_TRUE(std::holds_alternative<OtherMessage>(*parse_server_message(R"({"type":"news"})")));
  for (const char* text : {"", "{", "[]", "1", "{}", R"({"type":1})", "\xff"})
    EXPECT_FALSE(parse_server_message(text)) << text;
}

}  // namespace
}  // namespace campaign::load::test
