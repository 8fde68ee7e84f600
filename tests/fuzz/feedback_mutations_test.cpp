// The fuzzer's promises on seeded sessions, so that every test run exercises them.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "seeded.hpp"

namespace {

// A session that a real sender and receiver could have had, as the fuzzer spells it: so many frames, each
// with packets to queue, sending, time and now and then feedback.
std::vector<std::uint8_t> session(std::mt19937& random) {
  std::vector<std::uint8_t> bytes;
  const auto put = [&](std::initializer_list<std::mt19937::result_type> values) {
    for (const auto value : values) bytes.push_back(std::uint8_t(value));
  };
  for (auto frames = 1 + random() % 300; frames > 0; --frames) {
    for (auto packets = 1 + random() % 4; packets > 0; --packets) put({4, 1, 0xb0, 0x04});  // 1,200 bytes
    for (int i = 0; i < 6; ++i) put({2, 0, 0x88, 0x13});                                    // send, and 5 ms
    if (frames % 2) put({5, random(), 0x40, random() % 200, random() % 8, random() % 20});
  }
  return bytes;
}

TEST(FeedbackMutations, NeverBreakAPromise) {
  campaign::test::seeded(1'000, [&](std::mt19937& random) {
    auto bytes = session(random);
    for (auto changes = random() % 40; changes > 0; --changes) {
      const auto at = std::ptrdiff_t(random() % bytes.size());
      switch (random() % 3) {
        case 0:
          bytes[std::size_t(at)] = std::uint8_t(random());
          break;
        case 1:
          bytes.insert(bytes.begin() + at, random() % 24, std::uint8_t(random()));
          break;
        case 2: {  // feedback about anything
          std::vector<std::uint8_t> lie{6, 31};
          for (int k = 0; k < 200; ++k) lie.push_back(std::uint8_t(random()));
          bytes.insert(bytes.begin() + at, lie.begin(), lie.end());
          break;
        }
      }
    }
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  });
}

}  // namespace
