// The loop of the tests that run fuzz targets everywhere: seeded, so that every run does the same, and the
// seed is printed and may be given, so that a run can do something else.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace campaign::test {

// Calls f(random) so many times.
template <class F>
void seeded(int times, F&& f) {
  const char* given = std::getenv("CAMPAIGN_FUZZ_SEED");
  const unsigned seed = given ? unsigned(std::strtoul(given, nullptr, 10)) : 20261123u;
  std::printf("seed %u (set CAMPAIGN_FUZZ_SEED for another)\n", seed);
  std::mt19937 random(seed);
  for (int i = 0; i < times; ++i) f(random);
}

inline void feed_fuzzer(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

}  // namespace campaign::test
