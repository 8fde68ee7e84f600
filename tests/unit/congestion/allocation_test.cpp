// A program of its own, because it counts every allocation: packets and feedback must not make any.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "network/echo.hpp"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace campaign::network {
namespace {

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
