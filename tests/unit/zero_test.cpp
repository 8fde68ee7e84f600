// Zeroing past the caches: the bytes that are asked for, wherever they begin and end, and no others.
#include "util/zero.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace campaign {
namespace {

TEST(Zero, TakesTheseBytesAndNoOthers) {
  constexpr std::byte kLeft{0xA5};
  constexpr size_t kSize = 160;
  for (size_t begin = 0; begin <= 33; ++begin) {
    for (size_t count = 0; begin + count <= kSize; ++count) {
      std::vector<std::byte> memory(kSize, kLeft);
      zero_past_caches({memory.data() + begin, count});
      for (size_t i = 0; i < kSize; ++i) {
        const bool asked = i >= begin && i < begin + count;
        ASSERT_EQ(memory[i], asked ? std::byte{0} : kLeft) << i << " of " << begin << " + " << count;
      }
    }
  }
}

}  // namespace
}  // namespace campaign
