// The fuzzer's promises on a seeded stream of mutated updates, so that every test run exercises them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "particles/pack/decoder.hpp"
#include "particles/pack/encoder.hpp"
#include "seeded.hpp"
#include "tests/support/planes.hpp"

namespace {

using namespace campaign::particles;
using namespace campaign::particles::pack;

// The same 100 particles as the fuzzer's, so that differences have their base.
std::vector<std::vector<std::uint8_t>> corpus() {
  std::vector<std::vector<std::uint8_t>> inputs;
  auto encoder = Encoder::create();
  std::vector<float> places(100);
  const std::vector<Rgb8> colours(100);
  std::vector<uint8_t> newborn(100);
  for (uint64_t tick = 0; tick < 3; ++tick) {
    for (size_t i = 0; i < places.size(); ++i) places[i] = std::sin(static_cast<float>(i + tick) * 0.1f);
    newborn[tick] = 1;
    const Bytes update = copy(*encoder->encode({tick, 0, 0, places, places, places, colours, newborn}));
    const Bytes planes = planes_of(update);
    auto add = [&](std::uint8_t mode, std::span<const std::byte> head, std::span<const std::byte> tail) {
      auto& input = inputs.emplace_back(1, mode);
      for (auto part : {head, tail}) {
        for (std::byte b : part) input.push_back(std::to_integer<std::uint8_t>(b));
      }
    };
    add(0, update, {});
    add(1, std::span(update).first(kHeaderSize), planes);
  }
  return inputs;
}

TEST(ParticleUpdateMutations, NeverBreakAPromise) {
  constexpr std::uint8_t kEdges[] = {0, 1, 2, 0x7f, 0x80, 0xfe, 0xff};
  const auto inputs = corpus();
  campaign::test::seeded(50'000, [&](std::mt19937& random) {
    const auto below = [&](std::size_t limit) { return limit ? random() % limit : 0; };
    auto input = inputs[below(inputs.size())];
    for (auto rounds = below(4); rounds > 0; --rounds) {
      // Half of the changes go to the header, which is a small part of the whole.
      const auto at = 1 + below(below(2) ? kHeaderSize : input.size() - 1);
      if (at >= input.size()) continue;
      switch (below(5)) {
        case 0:
          input[at] = kEdges[below(std::size(kEdges))];
          break;
        case 1:
          input[at] ^= std::uint8_t(1u << below(8));
          break;
        case 2:
          std::fill_n(input.begin() + at, std::min<std::size_t>(4, input.size() - at), kEdges[below(7)]);
          break;
        case 3:
          input.resize(at);
          break;
        case 4:
          input.insert(input.end(), below(64), std::uint8_t(random()));
          break;
      }
    }
    LLVMFuzzerTestOneInput(input.data(), input.size());
  });
}

// Without this the promises above could hold because nothing is ever taken.
TEST(ParticleUpdateMutations, StartFromUpdatesThatAreTaken) {
  Decoder decoder;
  const auto inputs = corpus();
  for (std::size_t i = 0; i < inputs.size(); i += 2) {
    EXPECT_TRUE(decoder.decode(std::as_bytes(std::span(inputs[i]).subspan(1))));
  }
}

}  // namespace
