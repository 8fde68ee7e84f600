// How alike two pictures are.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace campaign::test {

// In dB over all bytes, 99 for the same ones. Both of one size.
inline double psnr(std::span<const std::byte> a, std::span<const std::byte> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = std::to_integer<int>(a[i]) - std::to_integer<int>(b[i]);
    sum += d * d;
  }
  return sum == 0 ? 99 : 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.size()) / sum);
}

}  // namespace campaign::test
