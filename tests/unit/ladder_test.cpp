// The ladder: DESIGN's default, what an estimate admits, and what is refused with its place.
#include "campaign/ladder.hpp"

#include <gtest/gtest.h>

namespace campaign {
namespace {

std::string rung(std::string_view name, std::string_view threshold, std::string_view bitrate,
                 std::string_view rest = R"("particles":1000,"width":640,"height":360)") {
  return R"({"name":")" + std::string(name) + R"(","threshold":)" + std::string(threshold) +
         R"(,"bitrate":)" + std::string(bitrate) + "," + std::string(rest) + "}";
}
std::string ladder(std::initializer_list<std::string> rungs) {
  std::string text;
  for (const auto& one : rungs) text += (text.empty() ? "" : ",") + one;
  return R"({"rungs":[)" + text + "]}";
}

TEST(Ladder, IsTheDesignsByDefault) {
  const Ladder standard;
  ASSERT_EQ(standard.size(), 4u);
  EXPECT_EQ(standard[0], (Rung{"low", 0, 100'000, 640, 360, 30, 450'000}));
  EXPECT_EQ(standard[1], (Rung{"medium", 1'000'000, 250'000, 960, 540, 30, 900'000}));
  EXPECT_EQ(standard[2], (Rung{"high", 5'000'000, 500'000, 1280, 720, 0, 4'500'000}));
  EXPECT_EQ(standard[3], (Rung{"ultra", 10'000'000, 1'000'000, 1920, 1080, 0, 9'000'000}));
}

TEST(Ladder, ChoosesTheHighestRungThatTheEstimateAdmits) {
  const Ladder standard;
  const auto name = [&](std::uint64_t estimate) { return standard[standard.rung_for(estimate)].name; };
  EXPECT_EQ(name(0), "low");
  EXPECT_EQ(name(999'999), "low");
  EXPECT_EQ(name(1'000'000), "medium");
  EXPECT_EQ(name(4'999'999), "medium");
  EXPECT_EQ(name(5'000'000), "high");
  EXPECT_EQ(name(9'999'999), "high");
  EXPECT_EQ(name(10'000'000), "ultra");
  EXPECT_EQ(name(UINT64_MAX), "ultra");
}

TEST(Ladder, FindsARungByItsName) {
  const Ladder standard;
  EXPECT_EQ(standard.find("high"), 2u);
  EXPECT_FALSE(standard.find("auto"));
}

TEST(Ladder, TakesWhatItsOwnFormatSays) {
  auto parsed =
      Ladder::parse(ladder({rung("small", "0", "300000"),
                            rung("big", "2000000", "1800000",
                                 R"("particles":5000,"width":1920,"height":1080,"max_framerate":60)")}));
  ASSERT_TRUE(parsed) << parsed.error().for_user();
  ASSERT_EQ(parsed->size(), 2u);
  EXPECT_EQ((*parsed)[0], (Rung{"small", 0, 1000, 640, 360, 0, 300'000}));
  EXPECT_EQ((*parsed)[1], (Rung{"big", 2'000'000, 5000, 1920, 1080, 60, 1'800'000}));
}

TEST(Ladder, NeedsNoPicturesWhereOnlyTheRatesAreOfInterest) {
  const std::string rates = R"({"rungs":[{"name":"low","threshold":0,"bitrate":300000}]})";
  EXPECT_FALSE(Ladder::parse(rates));
  const auto parsed = Ladder::parse(rates, Ladder::Use::rates);
  ASSERT_TRUE(parsed) << parsed.error().for_user();
  EXPECT_EQ((*parsed)[0], (Rung{.name = "low", .bitrate = 300'000}));
}

TEST(Ladder, ReadsWhatItWrites) {
  const Ladder standard;
  const auto again = Ladder::parse(standard.to_json());
  ASSERT_TRUE(again) << again.error().for_user();
  EXPECT_EQ(*again, standard);
}

TEST(Ladder, WithMoreBesideEachRungAsksForMore) {
  EXPECT_EQ(Ladder().with_more(0), Ladder());
  const Ladder more = Ladder().with_more(50);
  ASSERT_EQ(more.size(), 4u);
  EXPECT_EQ(more[0].threshold, 0u);
  EXPECT_EQ(more[0].bitrate, 675'000u);
  EXPECT_EQ(more[1].threshold, 1'500'000u);
  EXPECT_EQ(more[3].threshold, 15'000'000u);
  EXPECT_EQ(more[3].bitrate, 13'500'000u);
  EXPECT_EQ(more[3].particles, Ladder()[3].particles);
  EXPECT_TRUE(Ladder::parse(more.to_json()));
}

TEST(Ladder, OfWhateverRungsThereAreFollowsItsRules) {
  const Ladder ladder = Ladder::of({{.name = "best", .threshold = 5'000'000, .bitrate = 20'000'000},
                                    {.name = "unknown", .threshold = 0, .bitrate = 0},
                                    {.name = "besides", .threshold = 0, .bitrate = 700'000},
                                    {.name = "middle", .threshold = 1'000'000, .bitrate = 900'000},
                                    {.name = "best", .threshold = 9'000'000, .bitrate = 8'000'000}});
  ASSERT_EQ(ladder.size(), 3u);
  EXPECT_EQ(ladder[0].name, "unknown");
  EXPECT_EQ(ladder[1].name, "middle");
  EXPECT_EQ(ladder[2].name, "best");
  EXPECT_GE(ladder[2].threshold, 22'222'222u);
  const auto again = Ladder::parse(ladder.to_json(), Ladder::Use::rates);
  ASSERT_TRUE(again) << again.error().for_user();
  EXPECT_EQ(*again, ladder);
}

TEST(Ladder, OfOneRungAdmitsItAlwaysAndOfNoneIsTheDesigns) {
  EXPECT_EQ(Ladder::of({{.name = "high", .threshold = 5'000'000, .bitrate = 4'500'000}})[0].threshold, 0u);
  EXPECT_EQ(Ladder::of({}), Ladder());
}

struct Refusal {
  std::string json;
  const char* says;  // part of the message
};

class LadderRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(LadderRefusal, SaysWhereAndWhatWouldFit) {
  auto parsed = Ladder::parse(GetParam().json);
  ASSERT_FALSE(parsed) << GetParam().json;
  EXPECT_NE(parsed.error().for_user().find(GetParam().says), std::string::npos) << parsed.error().for_user();
}

const std::string kLow = rung("low", "0", "300000");
const char* const kSize = R"("particles":1000,"width":640,"height":360)";

INSTANTIATE_TEST_SUITE_P(
    Table, LadderRefusal,
    testing::Values(
        Refusal{"", "the ladder must be valid JSON, not text that does not parse at line 1, column 1"},
        Refusal{"{", "not text that does not parse at line 1, column 2"},
        Refusal{"{\"rungs\":\n [oops]}", "not text that does not parse at line 2, column 3"},
        Refusal{"[]", "the ladder must be an object, not an array of 0"},
        Refusal{std::string(9000, ' '), "the ladder must be at most 8 KiB of JSON, not 9000 bytes"},
        Refusal{"{}", "rungs must be an array of at least 1, not none"},
        Refusal{R"({"rungs":[],"steps":1})", "the ladder must be made of rungs, not 'steps'"},
        Refusal{R"({"rungs":[[[[1]]]]})", "nested at most 3 levels"},
        Refusal{R"({"rungs":[7]})", "rungs[0] must be an object, not 7"},
        Refusal{R"({"rungs":[{"name":"x"}]})", "rungs[0].threshold must be there, not left out"},
        Refusal{ladder({rung("a b", "0", "300000")}), "rungs[0].name must be 1 to 64 characters"},
        Refusal{ladder({rung("auto", "0", "300000")}), "and not 'auto'"},
        Refusal{ladder({rung("low", "1", "300000")}), "rungs[0].threshold must be 0"},
        Refusal{ladder({rung("low", "-1", "300000")}), "rungs[0].threshold must be a whole number from 0"},
        Refusal{ladder({rung("low", "1e400", "300000")}),
                "rungs[0].threshold must be a number, not one that is too large"},
        Refusal{ladder({rung("low", "0.5", "300000")}), "rungs[0].threshold must be a whole number"},
        Refusal{ladder({rung("low", "0", "9999")}), "rungs[0].bitrate must be a whole number from 10000"},
        Refusal{ladder({kLow, kLow}), "rungs[1].threshold must be above that of the rung before, 0, not 0"},
        Refusal{ladder({kLow, rung("low", "2000000", "1800000")}), "rungs[1].name must be unlike the others"},
        Refusal{ladder({kLow, rung("up", "1000000", "900001")}),
                "rungs[1].bitrate must be at most 90 % of its threshold, 900000, not 900001"},
        Refusal{ladder({kLow, rung("up", "1000000", "300000")}), "rungs[1].bitrate must be above"},
        Refusal{
            ladder({kLow, rung("up", "1000000", "900000", R"("particles":999,"width":640,"height":360)")}),
            "rungs[1].particles must be at least those of the rung before, 1000, not 999"},
        Refusal{ladder({rung("low", "0", "300000", R"("particles":1000,"width":641,"height":360)")}),
                "rungs[0].width must be even, not 641"},
        Refusal{ladder({rung("low", "0", "300000", R"("particles":1000,"width":640,"height":9000)")}),
                "rungs[0].height must be a whole number from 16 to 8192, not 9000"},
        Refusal{ladder({rung("low", "0", "300000", std::string(kSize) + R"(,"max_framerate":241)")}),
                "rungs[0].max_framerate must be a whole number from 0 to 240, not 241"},
        Refusal{ladder({kLow, kLow, kLow, kLow, kLow, kLow, kLow, kLow, kLow}),
                "rungs must be an array of at most 8"}));

}  // namespace
}  // namespace campaign
