// Compiled once for AVX2 and once for AVX-512, as FLOOR_TARGET. Blocks of particles and rows of pixels go
// through short loops that the compiler turns into vectors of that width, with nothing between.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "floor/floor.hpp"

namespace campaign::bench::FLOOR_TARGET {
namespace {

constexpr uint32_t kBlock = 64;        // particles
constexpr uint32_t kMostWidth = 4096;  // pixels
constexpr uint32_t kLow = 0x1FFFFF;    // one channel of a sum

struct Lanes {
  alignas(64) float slow[3][64], fast[3][64], per_speed2[64];
};

void particles(const FloorFrame& f, unsigned thread, uint32_t begin, uint32_t end) {
  const auto p = *f.step;  // copies, which no store can change
  auto v = *f.view;
  for (float* part : {&v.column.x, &v.column.y, &v.column.z, &v.column.w})
    *part *= static_cast<float>(f.width);
  for (float* part : {&v.row.x, &v.row.y, &v.row.z, &v.row.w}) *part *= static_cast<float>(f.height);
  const uint32_t* const __restrict noise = f.noise;
  uint64_t *const light = f.light[thread], *const glow = f.glow[thread];
  const float dt = p.motion.x, kept = p.motion.y, cells = p.motion.w;
  const float gain = p.motion.z * dt / 511.0f;
  const auto a0 = p.attractor[0], a1 = p.attractor[1], s0 = p.attractor_shape[0], s1 = p.attractor_shape[1];
  const auto ball = p.sphere[0];
  alignas(64) uint32_t salt[kBlock], at[kBlock], glow_at[kBlock];
  alignas(64) uint64_t word[kBlock];
  for (uint32_t from = begin; from < end; from += kBlock) {
    const uint32_t count = std::min(kBlock, end - from);
    float* __restrict px = f.px + from, * __restrict py = f.py + from, * __restrict pz = f.pz + from;
    float* __restrict vx = f.vx + from, * __restrict vy = f.vy + from, * __restrict vz = f.vz + from;
#pragma GCC ivdep
    for (uint32_t i = 0; i < count; ++i) {
      uint32_t x = (from + i) * 0x9E3779B9u;
      x = (x ^ (x >> 15)) * 0x85EBCA77u;
      salt[i] = x;
      const float jx = static_cast<float>(static_cast<int>(x & 1023)) / 1024;
      const float jy = static_cast<float>(static_cast<int>((x >> 10) & 1023)) / 1024;
      const float jz = static_cast<float>(static_cast<int>(x >> 20)) / 4096;
      const int cx = static_cast<int>(std::floor(px[i] * cells + jx + p.drift.x)) & 31;
      const int cy = static_cast<int>(std::floor(py[i] * cells + jy + p.drift.y)) & 31;
      const int cz = static_cast<int>(std::floor(pz[i] * cells + jz + p.drift.z)) & 31;
      const uint32_t packed = noise[cx + cy * 32 + cz * 1024];
      float ux = vx[i] + (static_cast<float>(static_cast<int>(packed & 1023)) - 512) * gain;
      float uy = vy[i] + (static_cast<float>(static_cast<int>((packed >> 10) & 1023)) - 512) * gain;
      float uz = vz[i] + (static_cast<float>(static_cast<int>((packed >> 20) & 1023)) - 512) * gain;
      float dx = a0.x - px[i], dy = a0.y - py[i], dz = a0.z - pz[i];
      const float pull0 = a0.w * dt / (dx * dx + dy * dy + dz * dz + s0.x);
      ux += dx * pull0, uy += dy * pull0, uz += dz * pull0;
      dx = a1.x - px[i], dy = a1.y - py[i], dz = a1.z - pz[i];
      const float near = 1 / std::sqrt(dx * dx + dy * dy + dz * dz + s1.x);
      const float pull1 = near * near * near, spin = pull1 * s1.z * dt;
      ux += dx * pull1 * a1.w * dt - dz * spin, uy += dy * pull1 * a1.w * dt;
      uz += dz * pull1 * a1.w * dt + dx * spin;
      ux = (ux + p.gravity.x * dt) * kept, uy = (uy + p.gravity.y * dt) * kept;
      uz = (uz + p.gravity.z * dt) * kept;
      float qx = px[i] + ux * dt, qy = py[i] + uy * dt, qz = pz[i] + uz * dt;
      dx = qx - ball.x, dy = qy - ball.y, dz = qz - ball.z;
      const float r2 = dx * dx + dy * dy + dz * dz + 1e-12f, inverse = 1 / std::sqrt(r2);
      const float depth = ball.w - r2 * inverse;
      const float nx = dx * inverse, ny = dy * inverse, nz = dz * inverse;
      const float push = depth > 0 ? depth : 0;
      const float into = std::min(ux * nx + uy * ny + uz * nz, 0.0f) * (1 + p.bounce.x);
      const float turn = depth > 0 ? into : 0;
      px[i] = qx + nx * push, py[i] = qy + ny * push, pz[i] = qz + nz * push;
      vx[i] = ux - nx * turn, vy[i] = uy - ny * turn, vz[i] = uz - nz * turn;
    }
    Lanes lanes;
    for (uint32_t i = 0; i < kBlock; ++i) {
      const auto& cohort = f.cohorts[(from + i) / 4 % particles::kClasses];
      lanes.slow[0][i] = cohort.slow.x, lanes.slow[1][i] = cohort.slow.y, lanes.slow[2][i] = cohort.slow.z;
      lanes.fast[0][i] = cohort.fast.x, lanes.fast[1][i] = cohort.fast.y, lanes.fast[2][i] = cohort.fast.z;
      lanes.per_speed2[i] = cohort.fast.w;
    }
    const float width = static_cast<float>(f.width), height = static_cast<float>(f.height);
    for (uint32_t i = 0; i < count; ++i) {
      const float w = px[i] * v.depth.x + py[i] * v.depth.y + (pz[i] * v.depth.z + v.depth.w);
      const float inverse = 1 / std::max(w, 0.05f);
      const float x = (px[i] * v.column.x + py[i] * v.column.y + (pz[i] * v.column.z + v.column.w)) * inverse;
      const float y = (px[i] * v.row.x + py[i] * v.row.y + (pz[i] * v.row.z + v.row.w)) * inverse;
      const bool seen = (w > 0.05f) & (x > 0) & (x < width) & (y > 0) & (y < height);
      const float b = static_cast<float>(static_cast<int>(salt[i] >> 24)) / 256;
      const float scale = (0.2f + b * b * 1.2f) * std::min(inverse * v.light.y, 2.0f) * v.light.x;
      const float speed2 = vx[i] * vx[i] + vy[i] * vy[i] + vz[i] * vz[i];
      const float heat = std::min(speed2 * lanes.per_speed2[i], 1.0f);
      const float threshold = static_cast<float>(static_cast<int>((salt[i] >> 8) & 255)) / 256;
      auto weight = [&](int c) {
        return static_cast<uint32_t>(static_cast<int>(
            std::min((lanes.slow[c][i] + heat * lanes.fast[c][i]) * scale, 1023.0f) + threshold));
      };
      const uint32_t r = weight(0), g = weight(1), bl = weight(2);
      const int ix = static_cast<int>(seen ? x : 0), iy = static_cast<int>(seen ? y : 0);
      at[i] = static_cast<uint32_t>(iy) * f.width + static_cast<uint32_t>(ix);
      glow_at[i] = (static_cast<uint32_t>(iy) >> 3) * (f.width / 8) + (static_cast<uint32_t>(ix) >> 3);
      const uint64_t bits = r | uint64_t{g} << 21 | uint64_t{bl} << 42;
      word[i] = seen ? bits : 0;
    }
    for (uint32_t i = 0; i < count; ++i) __builtin_prefetch(light + at[i], 1);
    for (uint32_t i = 0; i < count; ++i) light[at[i]] += word[i];
    for (uint32_t i = 0; i < count; i += 8) glow[glow_at[i]] += word[i];
  }
}

void blur(const float* const* lines, int reach, uint32_t width, float* out) {
  float ratio = std::exp(-2.0f / static_cast<float>(reach * reach)), step_ratio = ratio * ratio;
  float weight = 1, total = 1;
  const float* middle = lines[reach];
  for (uint32_t x = 0; x < width; ++x) out[x] = middle[x];
  for (int i = 1; i <= reach; ++i) {
    weight *= ratio, ratio *= step_ratio, total += 2 * weight;
    const float *a = lines[reach - i], *b = lines[reach + i];
    for (uint32_t x = 0; x < width; ++x) out[x] += weight * (a[x] + b[x]);
  }
  for (uint32_t x = 0; x < width; ++x) out[x] /= total;
}

constexpr int kMostReach = 32;

void glow_across(const FloorFrame& f, uint32_t row) {
  const uint32_t width = f.width / 8, cells = width * (f.height / 8);
  const int reach = std::min(static_cast<int>(f.view->ground.w), kMostReach);
  float line[kMostWidth / 8 + 2 * kMostReach];
  for (int c = 0; c < 3; ++c) {
    for (uint32_t x = 0; x < width; ++x) {
      uint64_t sum = 0;
      for (unsigned t = 0; t < f.threads; ++t) sum += f.glow[t][row * width + x];
      line[kMostReach + x] = static_cast<float>(static_cast<int>((sum >> (21 * c)) & kLow));
    }
    std::fill_n(line, kMostReach, line[kMostReach]);
    std::fill_n(line + kMostReach + width, kMostReach, line[kMostReach + width - 1]);
    const float* lines[2 * kMostReach + 1];
    for (int i = -reach; i <= reach; ++i) lines[reach + i] = line + kMostReach + i;
    blur(lines, reach, width, f.across + c * cells + row * width);
  }
}

void glow_down(const FloorFrame& f, uint32_t row) {
  const uint32_t width = f.width / 8, rows = f.height / 8, cells = width * rows;
  const int reach = std::min(static_cast<int>(f.view->ground.w), kMostReach);
  for (int c = 0; c < 3; ++c) {
    const float* lines[2 * kMostReach + 1];
    for (int i = -reach; i <= reach; ++i) {
      const int y = std::clamp(static_cast<int>(row) + i, 0, static_cast<int>(rows) - 1);
      lines[reach + i] = f.across + c * cells + static_cast<uint32_t>(y) * width;
    }
    blur(lines, reach, width, f.spread + c * cells + row * width);
  }
}

void pair(const FloorFrame& f, uint32_t pair) {
  const auto& v = *f.view;
  const uint32_t width = f.width, glow_width = width / 8, rows = f.height / 8, cells = glow_width * rows;
  alignas(64) static thread_local float under[3][kMostWidth], color[3][2][kMostWidth];
  const float at = (static_cast<float>(pair) * 2 + 1) / 8 - 0.5f;
  const int above = static_cast<int>(std::floor(at));
  const float down = at - static_cast<float>(above), ground[3] = {v.ground.x, v.ground.y, v.ground.z};
  for (int c = 0; c < 3; ++c) {
    auto row = [&](int y) {
      return f.spread + c * cells +
             static_cast<uint32_t>(std::clamp(y, 0, static_cast<int>(rows) - 1)) * glow_width;
    };
    const float *a = row(above), *b = row(above + 1);
    float cell[kMostWidth / 8 + 2];
    for (uint32_t k = 0; k < glow_width; ++k)
      cell[k + 1] = (a[k] + (b[k] - a[k]) * down) * v.light.w + ground[c];
    cell[0] = cell[1], cell[glow_width + 1] = cell[glow_width];
    for (uint32_t k = 0; k < glow_width; ++k) {
      const float left = cell[k], middle = cell[k + 1], right = cell[k + 2];
      float* to = under[c] + k * 8;
      for (int i = 0; i < 4; ++i) to[i] = left + (middle - left) * (0.5625f + 0.125f * static_cast<float>(i));
      for (int i = 0; i < 4; ++i)
        to[4 + i] = middle + (right - middle) * (0.0625f + 0.125f * static_cast<float>(i));
    }
  }
  for (uint32_t y = 0; y < 2; ++y) {
    const size_t first = (size_t{pair} * 2 + y) * width;
    uint64_t sums[kMostWidth];
    std::memcpy(sums, f.light[0] + first, width * 8);
    std::memset(f.light[0] + first, 0, width * 8);
    for (unsigned t = 1; t < f.threads; ++t) {
      uint64_t* more = f.light[t] + first;
      for (uint32_t x = 0; x < width; ++x) sums[x] += more[x];
      std::memset(more, 0, width * 8);
    }
    uint8_t* luma = f.nv12 + first;
    for (uint32_t x = 0; x < width; ++x) {
      float tone[3];
      for (int c = 0; c < 3; ++c) {
        const float sum =
            static_cast<float>(static_cast<int>(static_cast<uint32_t>(sums[x] >> (21 * c)) & kLow));
        const float light = sum * v.light.z + under[c][x];
        tone[c] = light / std::sqrt(light * (light + 1) + 1e-12f);
        color[c][y][x] = tone[c];
      }
      const float dither = ((x & 1) ? 0.5f : 0.0f) + ((y & 1) ? 0.25f : 0.125f);
      const float luminance = tone[0] * 0.2126f + tone[1] * 0.7152f + tone[2] * 0.0722f;
      luma[x] = static_cast<uint8_t>(static_cast<int>(luminance * 219 + 16 + dither));
    }
  }
  uint8_t* chroma = f.nv12 + size_t{width} * f.height + size_t{pair} * width;
  for (uint32_t k = 0; k < width / 2; ++k) {
    float mean[3];
    for (int c = 0; c < 3; ++c) {
      mean[c] =
          (color[c][0][2 * k] + color[c][0][2 * k + 1] + color[c][1][2 * k] + color[c][1][2 * k + 1]) / 4;
    }
    const float luminance = mean[0] * 0.2126f + mean[1] * 0.7152f + mean[2] * 0.0722f;
    chroma[2 * k] = static_cast<uint8_t>(static_cast<int>((mean[2] - luminance) * (224 / 1.8556f) + 128.5f));
    chroma[2 * k + 1] =
        static_cast<uint8_t>(static_cast<int>((mean[0] - luminance) * (224 / 1.5748f) + 128.5f));
  }
}

}  // namespace

extern const FloorLoops loops{FLOOR_NAME, particles, glow_across, glow_down, pair};

}  // namespace campaign::bench::FLOOR_TARGET
