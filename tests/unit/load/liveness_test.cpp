// How campaign-load tells that a viewer is back at the live picture after its process was stopped.
#include "pipelines/load/media/liveness.hpp"

#include <gtest/gtest.h>

namespace campaign::load::test {
namespace {

class Watching : public ::testing::Test {
 protected:
  // The frame of this moment, or one that is so old.
  void show(Time age = 0ms) {
    const Time taken = now_ - age;
    liveness_.shown(static_cast<std::uint32_t>(0xffffff00 + taken.count() * 9 / 100), now_);
  }
  void watch(Time duration) {
    for (const Time end = now_ + duration; now_ < end; now_ += 20ms) {
      show();
      liveness_.tick(now_);
    }
  }

  Liveness liveness_{90'000};
  Time now_ = 5s;
};

TEST_F(Watching, WithoutAStopThereIsNothingToReturnFrom) {
  watch(10s);
  EXPECT_EQ(liveness_.stops(), 0u);
  EXPECT_EQ(liveness_.returns(), 0u);
}

TEST_F(Watching, FramesThatWereUnderWayBeforeAStopAreNoReturn) {
  watch(2s);
  now_ += 30s;
  liveness_.tick(now_);
  for (Time age = 30s; age > 1s; age -= 1s) show(age);
  EXPECT_EQ(liveness_.stops(), 1u);
  EXPECT_EQ(liveness_.returns(), 0u);
  now_ += 400ms;
  show();
  EXPECT_EQ(liveness_.returns(), 1u);
  EXPECT_EQ(liveness_.longest_return(), 400ms);
}

TEST_F(Watching, TheLongestOfSeveralReturnsIsTold) {
  for (const Time late : {300ms, 700ms, 100ms}) {
    watch(2s);
    now_ += 8s;
    liveness_.tick(now_);
    now_ += late;
    show();
  }
  EXPECT_EQ(liveness_.stops(), 3u);
  EXPECT_EQ(liveness_.returns(), 3u);
  EXPECT_EQ(liveness_.longest_return(), 700ms);
}

}  // namespace
}  // namespace campaign::load::test
