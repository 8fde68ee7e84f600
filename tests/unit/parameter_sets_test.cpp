// The parameter sets that an H.264 stream may have sent at its start only.
#include "campaign/parameter_sets.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace campaign {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A byte stream of NAL units, each of a type's header and a body.
Bytes unit_of(std::initializer_list<int> types, std::uint8_t body = 0x55) {
  Bytes bytes;
  for (const int type : types) bytes.insert(bytes.end(), {0, 0, 0, 1, std::uint8_t(type), body, body});
  return bytes;
}

std::string told(const std::optional<ParameterSets::Missing>& missing) {
  if (!missing) return "nothing";
  std::string text = "at " + std::to_string(missing->at) + ":";
  for (std::size_t i = 4; i < missing->sets.size(); i += 7) text += " " + std::to_string(missing->sets[i]);
  return text;
}

TEST(ParameterSets, AreNotMissedWhereTheyAre) {
  ParameterSets sets;
  EXPECT_EQ(told(sets.look(unit_of({7, 8, 5}), true)), "nothing");
  EXPECT_EQ(told(sets.look(unit_of({1}), false)), "nothing");
  EXPECT_EQ(told(sets.look(unit_of({9, 7, 8, 6, 5}), true)), "nothing");
}

TEST(ParameterSets, AreMissedByAKeyFrameThatHasNone) {
  ParameterSets sets;
  EXPECT_EQ(told(sets.look(unit_of({5}), true)), "nothing");  // nobody knows them yet
  sets.look(unit_of({7, 8, 5}), true);
  EXPECT_EQ(told(sets.look(unit_of({5}), true)), "at 0: 7 8");
  EXPECT_EQ(told(sets.look(unit_of({6, 5}), true)), "at 0: 7 8");
  EXPECT_EQ(told(sets.look(unit_of({1}), false)), "nothing");
}

TEST(ParameterSets, BelongBehindTheDelimiterAndPictureSetsBehindSequenceSets) {
  ParameterSets sets;
  sets.look(unit_of({7, 8, 8, 5}), true);
  EXPECT_EQ(told(sets.look(unit_of({9, 6, 5}), true)), "at 7: 7 8 8");
  EXPECT_EQ(told(sets.look(unit_of({9, 7, 5}), true)), "at 14: 8 8");
  EXPECT_EQ(told(sets.look(unit_of({8, 5}), true)), "at 0: 7");
}

TEST(ParameterSets, AreTheNewestWhereverTheyCame) {
  ParameterSets sets;
  sets.look(unit_of({7, 8, 5}), true);
  sets.look(unit_of({7, 8, 1}, 0x77), false);
  const auto missing = sets.look(unit_of({5}), true);
  ASSERT_TRUE(missing);
  EXPECT_EQ(Bytes(missing->sets.begin(), missing->sets.end()), unit_of({7, 8}, 0x77));
}

TEST(ParameterSets, ComeOutOfNothingThatIsNoByteStream) {
  ParameterSets sets;
  for (const Bytes& bytes :
       {Bytes{}, Bytes{0}, Bytes{0, 0, 1}, Bytes{0, 0, 0, 0}, Bytes{7, 8, 5}, Bytes{0, 0, 1, 7}})
    sets.look(bytes, true);
  EXPECT_EQ(told(sets.look(unit_of({5}), false)), "nothing");
}

}  // namespace
}  // namespace campaign
