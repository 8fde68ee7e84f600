// A campaign's document: merge patches as RFC 7386 has them, within bounds, with revisions that count.
#include "campaign/state/document.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace {

using namespace campaign::state;

Document document(const std::string& json, Revision revision = 1) {
  auto parsed = Document::parse(json, revision);
  EXPECT_TRUE(parsed) << json;
  return *parsed;
}

Patch patch(const std::string& json) {
  auto parsed = Patch::parse(json);
  EXPECT_TRUE(parsed) << json;
  return *parsed;
}

std::string nested(int levels) {
  std::string text;
  for (int i = 0; i < levels; ++i) text += "{\"a\":";
  return text + "1" + std::string(std::size_t(levels), '}');
}

TEST(Document, IsEmptyAtRevisionZeroToBeginWith) {
  EXPECT_EQ(Document().text(), "{}");
  EXPECT_EQ(Document().revision(), 0u);
}

// RFC 7386, appendix A, those of its examples whose root stays an object.
TEST(Document, TakesPatchesAsTheRfcsExamplesDo) {
  const struct {
    const char *before, *patch, *after;
  } examples[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"({"e":null})", R"({"a":1})", R"({"a":1,"e":null})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& example : examples) {
    auto after = document(example.before, 7).patched(patch(example.patch));
    ASSERT_TRUE(after);
    EXPECT_EQ(after->text(), example.after) << example.before << " with " << example.patch;
    EXPECT_EQ(after->revision(), 8u);
  }
}

TEST(Document, LeavesTheOneThatWasPatchedAlone) {
  const Document before = document(R"({"a":1})");
  ASSERT_TRUE(before.patched(patch(R"({"a":2})")));
  EXPECT_EQ(before.text(), R"({"a":1})");
}

TEST(Document, RefusesWhatIsNotAnObjectWithinItsBounds) {
  for (const std::string& json :
       {std::string("[]"), std::string("1"), std::string("{"), std::string("{\"a\":\"\xff\"}"),
        nested(kMaxDepth + 1), "{\"a\":\"" + std::string(kMaxBytes, 'x') + "\"}"}) {
    EXPECT_FALSE(Document::parse(json, 1)) << json.substr(0, 40);
    EXPECT_FALSE(Patch::parse(json) && Document().patched(*Patch::parse(json))) << json.substr(0, 40);
  }
  EXPECT_TRUE(Document::parse(nested(kMaxDepth), kMaxRevision));
  EXPECT_FALSE(Document::parse("{}", kMaxRevision + 1));
}

TEST(Document, RefusesAPatchThatWouldMakeItTooLarge) {
  const std::string half(kMaxBytes / 2, 'x');
  const Document before = document("{\"a\":\"" + half + "\"}");
  auto after = before.patched(patch("{\"b\":\"" + half + "\"}"));
  ASSERT_FALSE(after);
  EXPECT_NE(after.error().for_user().find("64 KiB"), std::string::npos) << after.error().for_user();
}

TEST(Document, DigestTellsTextsApartAndNotOrders) {
  EXPECT_EQ(document(R"({"a":1,"b":2})").digest(), document(R"({ "b":2, "a":1 })").digest());
  EXPECT_NE(document(R"({"a":1,"b":2})").digest(), document(R"({"a":2,"b":1})").digest());
  EXPECT_EQ(document("{}").digest(), 0x08f44b07b5901a25u);  // FNV-1a's of the two bytes, for ever
}

}  // namespace
