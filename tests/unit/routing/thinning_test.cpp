// What passes a rate: a budget in stream time.
#include "campaign/routing/thinning.hpp"

#include <gtest/gtest.h>

namespace campaign::routing {
namespace {

AccessUnit unit_at(Nanoseconds pts, std::uint32_t bytes) {
  AccessUnit unit;
  unit.pts = pts;
  unit.bytes = bytes;
  return unit;
}

TEST(Thinning, LetsEverythingPassWithoutARate) {
  Thinning thinning;
  for (int i = 0; i < 100; ++i) {
    const AccessUnit unit = unit_at(i * 10ms, 1'000'000);
    ASSERT_TRUE(thinning.passes(unit, false));
    thinning.spend(unit);
  }
  EXPECT_FALSE(thinning.wants_key_frame(10s));
}

TEST(Thinning, OverTimeNoMorePassesThanTheRate) {
  for (const std::uint64_t rate : {50'000, 150'000, 400'000, 2'000'000}) {
    Thinning thinning;
    thinning.set_rate(rate);
    double bits = 0, largest = 0;
    bool whole = true;
    for (int i = 0; i < 3000; ++i) {
      AccessUnit unit = unit_at(i * 33ms, i % 60 == 0 ? 12'000u : 900u + std::uint32_t(i % 7) * 200u);
      unit.key_frame = i % 60 == 0;
      unit.droppable = i % 3 == 2;
      if (!whole && !unit.key_frame) continue;
      if (thinning.passes(unit, !whole)) {
        thinning.spend(unit);
        bits += 8.0 * unit.bytes;
        whole = true;
      } else if (!unit.droppable) {
        whole = false;
      }
      if (unit.key_frame) largest = 8.0 * unit.bytes;
      const double seconds = i * 0.033;
      EXPECT_LE(bits, double(rate) * (seconds + 0.5) + 2 * largest) << "at " << rate << " after " << seconds;
    }
    EXPECT_GT(bits, 0.6 * std::min(double(rate), 450e3) * 99) << rate;
  }
}

TEST(Thinning, AKeyFrameMayCostMoreThanThereIsAndIsPaidBackBeforeTheNext) {
  Thinning thinning;
  thinning.set_rate(100'000);
  AccessUnit key = unit_at(0ms, 25'000);  // two seconds' worth
  key.key_frame = true;
  ASSERT_TRUE(thinning.passes(key, true));
  thinning.spend(key);
  for (const Nanoseconds at : {500ms, 1000ms, 1990ms}) {
    key.pts = at;
    EXPECT_FALSE(thinning.passes(key, true)) << at.count();
    EXPECT_FALSE(thinning.wants_key_frame(at));
  }
  EXPECT_TRUE(thinning.wants_key_frame(2001ms));
  EXPECT_FALSE(thinning.wants_key_frame(2500ms));  // it was wanted
  key.pts = 2500ms;
  EXPECT_TRUE(thinning.passes(key, true));
}

}  // namespace
}  // namespace campaign::routing
