// A program of its own, because it counts every allocation: packets and feedback must not make any.
#include <gtest/gtest.h>

#include "network/echo.hpp"
#include "tests/support/allocations.hpp"

namespace campaign::network {
namespace {

using test::allocations;

TEST(Estimator, AllocatesNothingForAPacketOnceItRuns) {
  Echo echo;
  ASSERT_GT(allocations, 0u);  // its rings: the counting works
  echo.play_message();
  const std::size_t before = allocations;
  for (int i = 0; i < 1000; ++i) echo.play_message();
  EXPECT_EQ(allocations, before);
  EXPECT_GT(echo.estimator().target(), DataRate::kbps(4000));  // and it was at work
}

}  // namespace
}  // namespace campaign::network
