// The envelope that every event travels in: what it says, and what is refused, with the place and the rule.
#include "events/envelope.hpp"

#include <gtest/gtest.h>

namespace {

using namespace campaign::events;

const std::string kGood =
    R"({"type":"campaign:state:v1:update","campaign_id":"0","timestamp":1700000000000,"data":{"revision":3}})";

TEST(Envelope, SaysWhatItWasToldToSay) {
  Envelope envelope{"particle:update:v1:stream", "club-7", 1'700'000'000'123, {{"count", 5}}, "frontend"};
  auto json = to_json(envelope);
  ASSERT_TRUE(json) << json.error().for_user();
  auto again = parse_envelope(*json);
  ASSERT_TRUE(again) << again.error().for_user();
  EXPECT_EQ(*again, envelope);
}

TEST(Envelope, HasNoContextUnlessItIsGivenOne) {
  auto envelope = parse_envelope(kGood);
  ASSERT_TRUE(envelope) << envelope.error().for_user();
  EXPECT_EQ(envelope->context, "");
  EXPECT_EQ(envelope->data["revision"], 3);
  EXPECT_EQ(to_json(*envelope)->find("context"), std::string::npos);
}

TEST(Envelope, KnowsATypeFromWhatIsNone) {
  for (const char* type :
       {"campaign:state:v1:update", "particle:update:v1:stream", "a:b:v999:c", "a-1:b2:v10:c"})
    EXPECT_TRUE(is_event_type(type)) << type;
  for (const char* type : {"", "campaign", "a:b:v1", "a:b:v1:c:d", "a:b:v0:c", "a:b:v01:c", "a:b:v1000:c",
                           "a:b:1:c", "A:b:v1:c", "a::v1:c", "1a:b:v1:c", "a:b:v:c", "a:b:v1:", "a b:c:v1:d"})
    EXPECT_FALSE(is_event_type(type)) << type;
  EXPECT_FALSE(is_event_type(std::string(kMaxTypeBytes, 'a') + ":b:v1:c"));
}

TEST(Envelope, IsRefusedWithThePlaceAndTheRule) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string text = kGood;
    return text.replace(text.find(from), from.size(), to);
  };
  const struct {
    std::string text, says;
  } cases[] = {
      {"", "the event must be valid JSON"},
      {"[]", "the event must be a JSON object"},
      {"{}", "type must be a text"},
      {with("\"type\"", "\"typ\""), "the event must be made of"},
      {with("campaign:state:v1:update", "campaign:state"), "type must be <thing>"},
      {with("\"0\"", "\"../0\""), "campaign_id must be 1 to 64"},
      {with("\"0\"", "0"), "campaign_id must be a text"},
      {with("1700000000000", "-1"), "timestamp must be milliseconds"},
      {with("1700000000000", "1.5"), "timestamp must be a whole number"},
      {with("1700000000000", "18446744073709551615"), "timestamp must be milliseconds"},
      {with("{\"revision\":3}", "[]"), "data must be an object"},
      {with(",\"data\":{\"revision\":3}", ""), "data must be an object"},
      {with("{\"revision\":3}", "{},\"context\":\"a\\u0000b\""), "context must be a text"},
      {with("{\"revision\":3}", "{},\"context\":7"), "context must be a text"},
      {with("3", std::string(kMaxEnvelopeBytes, '1')), "the event must be at most 128 KiB"},
      {with("3", std::string(30, '[') + std::string(30, ']')), "the event must be nested at most 20"},
  };
  for (const auto& refused : cases) {
    auto envelope = parse_envelope(refused.text);
    ASSERT_FALSE(envelope) << refused.text.substr(0, 200);
    EXPECT_EQ(envelope.error().for_user().find(refused.says), 0u) << envelope.error().for_user();
    EXPECT_LT(envelope.error().for_user().size(), 400u);
  }
}

TEST(Envelope, IsNotSentWhereNobodyWouldReadIt) {
  const Envelope good = *parse_envelope(kGood);
  Envelope bad = good;
  bad.type = "nothing";
  EXPECT_FALSE(to_json(bad));
  bad = good;
  bad.context = std::string(kMaxContextBytes + 1, 'x');
  EXPECT_FALSE(to_json(bad));
  bad = good;
  bad.data["long"] = std::string(kMaxEnvelopeBytes, 'x');
  EXPECT_FALSE(to_json(bad));
  bad = good;
  bad.data = 7;
  EXPECT_FALSE(to_json(bad));
}

}  // namespace
