// How large a world its source is asked for.
#include "campaign/world_size.hpp"

#include <gtest/gtest.h>

namespace campaign {
namespace {

TEST(WorldSize, AsksOnceForEveryCount) {
  WorldSize size;
  size.came(500'000);
  EXPECT_EQ(size.need(100'000), 100'000u);
  EXPECT_EQ(size.need(100'000), std::nullopt);
  EXPECT_EQ(size.need(1'000'000), 1'000'000u);
  EXPECT_EQ(size.need(100'000), 100'000u);
}

TEST(WorldSize, IsTooSmallUntilTheSourceHasGrown) {
  WorldSize size;
  size.came(500'000);
  size.need(100'000);
  size.came(100'000);
  EXPECT_TRUE(size.has(100'000));
  size.need(250'000);
  EXPECT_FALSE(size.has(250'000));
  size.came(250'000);
  EXPECT_TRUE(size.has(250'000));
}

TEST(WorldSize, IsLargeEnoughWithAllThatTheSourceHas) {
  WorldSize size;
  size.came(500'000);
  size.need(1'000'000);
  EXPECT_TRUE(size.has(1'000'000));
}

TEST(WorldSize, WaitsHalfASecondForASourceThatHasFewerThanItHad) {
  WorldSize size;
  size.came(500'000);
  size.need(100'000);
  size.came(100'000);
  size.need(500'000);
  unsigned pictures = 0;
  for (; !size.has(500'000) && pictures < 1000; ++pictures) EXPECT_EQ(size.need(500'000), std::nullopt);
  EXPECT_EQ(pictures, WorldSize::kPatience + 1);
  size.came(400'000);  // and when it has more again, that counts
  size.need(100'000);
  size.came(100'000);
  size.need(500'000);
  EXPECT_FALSE(size.has(500'000));
}

}  // namespace
}  // namespace campaign
