// What viewers may say, and how precisely everything else is refused.
#include "signalling/viewer_message.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "util/id.hpp"

namespace campaign::signalling {
namespace {

struct RefusedCase {
  const char* name;
  std::string text;
  RefusalCode code;
  const char* says;  // part of the message
};

class Refused : public testing::TestWithParam<RefusedCase> {};

TEST_P(Refused, WithItsCodeAndReason) {
  const auto message = parse_viewer_message(GetParam().text);
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, GetParam().code) << message.error().name();
  EXPECT_NE(message.error().message.find(GetParam().says), std::string::npos) << message.error().message;
}

std::string nested(std::size_t depth) {
  return R"({"type":"ping","x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
}

constexpr auto kBad = RefusalCode::bad_message;

const RefusedCase kRefused[] = {
    {"Empty", "", kBad, "valid JSON"},
    {"Garbage", "hello", kBad, "valid JSON"},
    {"Truncated", R"({"type":"ping")", kBad, "valid JSON"},
    {"TwoObjects", R"({"type":"ping"}{"type":"ping"})", kBad, "valid JSON"},
    {"BrokenUtf8", "{\"type\":\"pi\xffng\"}", kBad, "UTF-8"},
    {"NulInText", std::string("{\"type\":\"ping\"\0}", 16), kBad, "valid JSON"},
    {"Array", "[]", kBad, "object"},
    {"Number", "1", kBad, "object"},
    {"Null", "null", kBad, "object"},
    {"NoType", "{}", kBad, "\"type\""},
    {"TypeIsNumber", R"({"type":1})", kBad, "\"type\""},
    {"UnknownType", R"({"type":"dance"})", RefusalCode::unknown_type, "\"dance\""},
    {"ServersOwnType", R"({"type":"offer","sdp":"v=0"})", RefusalCode::unknown_type, "answer, ice"},
    {"Deep", nested(kMaxNesting), kBad, "16 levels"},
    {"BottomlessArrays", std::string(60000, '['), kBad, "16 levels"},
    {"BottomlessObjects",
     [] {
       std::string text;
       for (int i = 0; i < 10000; ++i) text += R"({"a":)";
       return text;
     }(),
     kBad, "16 levels"},
    {"TooLarge", R"({"type":"ping","x":")" + std::string(kMaxMessageBytes, 'x') + "\"}",
     RefusalCode::too_large, "65536 bytes"},
    {"AnswerWithoutSdp", R"({"type":"answer"})", kBad, "answer.sdp must be a string"},
    {"AnswerSdpNumber", R"({"type":"answer","sdp":4})", kBad, "answer.sdp must be a string"},
    {"AnswerSdpEmpty", R"({"type":"answer","sdp":""})", kBad, "answer.sdp"},
    {"AnswerSdpNul", R"({"type":"answer","sdp":"v=0\u0000x"})", kBad, "NUL"},
    {"IceWithoutCandidate", R"({"type":"ice","sdpMLineIndex":0})", kBad, "ice.candidate must be a string"},
    {"IceWithoutLine", R"({"type":"ice","candidate":""})", kBad, "ice.sdpMLineIndex must be an integer"},
    {"IceLineNegative", R"({"type":"ice","candidate":"","sdpMLineIndex":-1})", kBad, "ice.sdpMLineIndex"},
    {"IceLineHuge", R"({"type":"ice","candidate":"","sdpMLineIndex":18446744073709551615})", kBad,
     "ice.sdpMLineIndex"},
    {"IceLineFraction", R"({"type":"ice","candidate":"","sdpMLineIndex":0.5})", kBad, "ice.sdpMLineIndex"},
    {"IceCandidateLong",
     R"({"type":"ice","candidate":")" + std::string(3000, 'x') + R"(","sdpMLineIndex":0})", kBad,
     "2048 characters"},
    {"IceCandidateLineBreak", R"({"type":"ice","candidate":"a\r\nb","sdpMLineIndex":0})", kBad, "ASCII"},
    {"SubscribeWithoutQuality", R"({"type":"subscribe","campaign":"0"})", kBad, "subscribe.quality"},
    {"SubscribeBadCampaign", R"({"type":"subscribe","campaign":"a b","quality":"auto"})", RefusalCode::bad_id,
     "subscribe.campaign"},
    {"SubscribeLongQuality",
     R"({"type":"subscribe","campaign":"0","quality":")" + std::string(65, 'q') + "\"}", RefusalCode::bad_id,
     "subscribe.quality"},
    {"ControlWithoutEvent", R"({"type":"control","x":0,"y":0})", kBad, "control.event"},
    {"ControlUnknownEvent", R"({"type":"control","event":"key-press","x":0,"y":0})", kBad, "mouse-scroll"},
    {"ControlOutside", R"({"type":"control","event":"mouse-move","x":1.01,"y":0})", kBad, "control.x"},
    {"ControlNegative", R"({"type":"control","event":"mouse-move","x":0,"y":-0.01})", kBad, "control.y"},
    {"ControlTextNumber", R"({"type":"control","event":"mouse-move","x":"0","y":0})", kBad, "control.x"},
    {"ControlOverflow", R"({"type":"control","event":"mouse-move","x":1e999,"y":0})", kBad, "valid JSON"},
    {"PressWithoutButton", R"({"type":"control","event":"mouse-button-press","x":0,"y":0})", kBad,
     "control.button"},
    {"PressButtonZero", R"({"type":"control","event":"mouse-button-press","x":0,"y":0,"button":0})", kBad,
     "control.button"},
    {"ScrollWithoutDelta", R"({"type":"control","event":"mouse-scroll","x":0,"y":0,"dx":0})", kBad,
     "control.dy"},
    {"ScrollHuge", R"({"type":"control","event":"mouse-scroll","x":0,"y":0,"dx":0,"dy":1e9})", kBad,
     "control.dy"},
    {"StatsText", R"({"type":"stats","fps":"30"})", kBad, "stats.fps must be a finite number"},
    {"StatsBadName", R"({"type":"stats","a b":1})", kBad, "names in stats"},
    {"StatsNested", R"({"type":"stats","fps":{"v":1}})", kBad, "stats.fps"},
    {"StatsMany",
     [] {
       std::string text = R"({"type":"stats")";
       for (int i = 0; i < 33; ++i) text += ",\"n" + std::to_string(i) + "\":1";
       return text + "}";
     }(),
     kBad, "at most 32"},
};

INSTANTIATE_TEST_SUITE_P(ViewerMessage, Refused, testing::ValuesIn(kRefused),
                         [](const auto& tested) { return std::string(tested.param.name); });

template <class T>
T accepted(std::string_view text) {
  auto message = parse_viewer_message(text);
  EXPECT_TRUE(message) << (message ? "" : message.error().message);
  const T* typed = message ? std::get_if<T>(&*message) : nullptr;
  EXPECT_TRUE(typed);
  return typed ? *typed : T{};
}

TEST(ViewerMessage, TakesAnAnswer) {
  EXPECT_EQ(accepted<Answer>(R"({"type":"answer","sdp":"v=0\r\n"})").sdp, "v=0\r\n");
}

TEST(ViewerMessage, TakesCandidatesAndTheirEnd) {
  const auto ice =
      accepted<IceCandidate>(R"({"type":"ice","candidate":"candidate:1 1 UDP","sdpMLineIndex":2})");
  EXPECT_EQ(ice.candidate, "candidate:1 1 UDP");
  EXPECT_EQ(ice.sdp_m_line_index, 2u);
  EXPECT_EQ(accepted<IceCandidate>(R"({"type":"ice","candidate":"","sdpMLineIndex":0})").candidate, "");
}

TEST(ViewerMessage, TakesASubscription) {
  const auto wish = accepted<Subscribe>(R"({"type":"subscribe","campaign":"a.B_1-x","quality":"auto"})");
  EXPECT_EQ(wish.campaign, "a.B_1-x");
  EXPECT_EQ(wish.quality, "auto");
}

TEST(ViewerMessage, TakesThePointersEdges) {
  const auto move = accepted<Pointer>(R"({"type":"control","event":"mouse-move","x":0,"y":1})");
  EXPECT_EQ(move.event, Pointer::Event::move);
  EXPECT_EQ(move.x, 0);
  EXPECT_EQ(move.y, 1);
  const auto press =
      accepted<Pointer>(R"({"type":"control","event":"mouse-button-press","x":0.5,"y":0.5,"button":3})");
  EXPECT_EQ(press.event, Pointer::Event::press);
  EXPECT_EQ(press.button, 3);
  const auto release =
      accepted<Pointer>(R"({"type":"control","event":"mouse-button-release","x":0.5,"y":0.5,"button":1})");
  EXPECT_EQ(release.event, Pointer::Event::release);
  const auto scroll =
      accepted<Pointer>(R"({"type":"control","event":"mouse-scroll","x":0.5,"y":0.5,"dx":0,"dy":-2.5})");
  EXPECT_EQ(scroll.event, Pointer::Event::scroll);
  EXPECT_EQ(scroll.dy, -2.5);
}

TEST(ViewerMessage, TakesStatsAsNumbers) {
  const auto stats = accepted<ViewerStats>(R"({"type":"stats","fps":29.97,"rtt":3})");
  EXPECT_EQ(stats.numbers.at("fps"), 29.97);
  EXPECT_EQ(stats.numbers.at("rtt"), 3);
  EXPECT_EQ(stats.numbers.size(), 2u);
}

TEST(ViewerMessage, IgnoresFieldsOfNewerPages) { accepted<Ping>(R"({"type":"ping","since":[1,{"a":2}]})"); }

TEST(ViewerMessage, CountsBracketsOutsideOfTextOnly) {
  const std::string text = R"({"type":"ping","x":")" + std::string(100, '[') + R"(\"{{{"})";
  accepted<Ping>(text);
  EXPECT_TRUE(parse_viewer_message(nested(kMaxNesting - 1)));
}

TEST(ViewerMessage, QuotesOnlyTheStartOfALongType) {
  const auto message = parse_viewer_message(R"({"type":")" + std::string(5000, 'a') + "\"}");
  ASSERT_FALSE(message);
  EXPECT_LT(message.error().message.size(), 200u);
}

TEST(Id, FollowsTheRule) {
  EXPECT_TRUE(is_valid_id("0"));
  EXPECT_TRUE(is_valid_id("A-z_0.9"));
  EXPECT_TRUE(is_valid_id(std::string(64, 'x')));
  for (const std::string_view bad : {"", " ", "a b", "ä", "a/b", "a\n", "<"})
    EXPECT_FALSE(is_valid_id(bad)) << bad;
  EXPECT_FALSE(is_valid_id(std::string(65, 'x')));
}

TEST(Refusal, EveryCodeHasItsOwnNameAndAPrivateCloseCode) {
  std::set<std::string_view> names;
  for (int code = 0; code <= int(RefusalCode::internal); ++code) {
    const Refusal refusal{RefusalCode(code), {}};
    EXPECT_TRUE(names.insert(refusal.name()).second) << refusal.name();
    EXPECT_GE(refusal.close_code(), 4000);
    EXPECT_LE(refusal.close_code(), 4999);
  }
}

}  // namespace
}  // namespace campaign::signalling
