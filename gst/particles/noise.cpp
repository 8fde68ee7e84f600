#include "particles/noise.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "particles/kernel_types.hpp"

namespace campaign::particles {
namespace {

constexpr int kSize = static_cast<int>(kNoiseSize);

uint32_t hash(uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ (x >> 16);
}

// Value noise over a lattice that repeats after `period` points, smooth to the second derivative.
double value_noise(double x, double y, double z, int period, uint32_t salt) {
  auto lattice = [&](int i, int j, int k) {
    auto wrap = [&](int v) { return static_cast<uint32_t>(((v % period) + period) % period); };
    return hash(wrap(i) + wrap(j) * 57u + wrap(k) * 3251u + salt * 0x9E3779B9u) / 4294967295.0 * 2.0 - 1.0;
  };
  auto smooth = [](double t) { return t * t * t * (t * (t * 6 - 15) + 10); };
  int i = static_cast<int>(std::floor(x)), j = static_cast<int>(std::floor(y)),
      k = static_cast<int>(std::floor(z));
  double u = smooth(x - i), v = smooth(y - j), w = smooth(z - k);
  auto along_x = [&](int jj, int kk) { return std::lerp(lattice(i, jj, kk), lattice(i + 1, jj, kk), u); };
  return std::lerp(std::lerp(along_x(j, k), along_x(j + 1, k), v),
                   std::lerp(along_x(j, k + 1), along_x(j + 1, k + 1), v), w);
}

// Two octaves of one component of the vector potential, at a cell.
double potential(int x, int y, int z, uint32_t component) {
  constexpr int kCoarse = 5, kFine = 11;  // lattice points along the table
  auto octave = [&](int period, double gain) {
    double scale = static_cast<double>(period) / kSize;
    return gain * value_noise(x * scale, y * scale, z * scale, period,
                              component * 7u + static_cast<uint32_t>(period));
  };
  return octave(kCoarse, 1.0) + octave(kFine, 0.35);
}

std::vector<uint32_t> bake() {
  const int cells = kSize * kSize * kSize;
  auto index = [](int x, int y, int z) {
    auto wrap = [](int v) { return v & (kSize - 1); };
    return wrap(x) + kSize * (wrap(y) + kSize * wrap(z));
  };
  std::array<std::vector<double>, 3> field;
  for (uint32_t c = 0; c < 3; ++c) {
    field[c].resize(cells);
    for (int z = 0; z < kSize; ++z) {
      for (int y = 0; y < kSize; ++y) {
        for (int x = 0; x < kSize; ++x) field[c][index(x, y, z)] = potential(x, y, z, c);
      }
    }
  }
  std::array<std::vector<double>, 3> curl;
  for (auto& component : curl) component.resize(cells);
  double largest = 0;
  for (int z = 0; z < kSize; ++z) {
    for (int y = 0; y < kSize; ++y) {
      for (int x = 0; x < kSize; ++x) {
        auto dx = [&](int c) { return field[c][index(x + 1, y, z)] - field[c][index(x - 1, y, z)]; };
        auto dy = [&](int c) { return field[c][index(x, y + 1, z)] - field[c][index(x, y - 1, z)]; };
        auto dz = [&](int c) { return field[c][index(x, y, z + 1)] - field[c][index(x, y, z - 1)]; };
        int at = index(x, y, z);
        curl[0][at] = dy(2) - dz(1);
        curl[1][at] = dz(0) - dx(2);
        curl[2][at] = dx(1) - dy(0);
        for (const auto& component : curl) largest = std::max(largest, std::abs(component[at]));
      }
    }
  }
  std::vector<uint32_t> table(cells);
  auto code = [&](double v) { return static_cast<uint32_t>(std::lround(v / largest * 511.0) + 512); };
  for (int i = 0; i < cells; ++i) {
    table[i] = code(curl[0][i]) | (code(curl[1][i]) << 10) | (code(curl[2][i]) << 20);
  }
  return table;
}

}  // namespace

const std::vector<uint32_t>& curl_noise() {
  static const std::vector<uint32_t> table = bake();
  return table;
}

}  // namespace campaign::particles
