#include "floor/floor.hpp"

#include <algorithm>
#include <cstring>

#include "particles/noise.hpp"

namespace campaign::bench {

constexpr size_t kSkew = 1088;  // floats, so that the components do not meet in the same cache sets

const FloorLoops* floor_loops() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return &avx512::loops;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &avx2::loops;
#endif
  return nullptr;
}

Floor::Floor(const FloorLoops& loops, unsigned threads, uint32_t particles, uint32_t width, uint32_t height)
    : loops_(loops),
      workers_(threads),
      particles_(particles),
      width_(width),
      height_(height),
      light_(threads),
      glow_(threads) {
  for (auto& component : state_) component = Array<float>(particles + kSkew);
  const size_t cells = size_t{width / 8} * (height / 8);
  across_ = Array<float>(3 * cells);
  spread_ = Array<float>(3 * cells);
  for (unsigned i = 0; i < threads; ++i) {
    light_[i] = Array<uint64_t>(size_t{width} * height);
    glow_[i] = Array<uint64_t>(cells);
    lights_.push_back(light_[i].get());
    glows_.push_back(glow_[i].get());
  }
}

void Floor::frame(const particles::Step& step, const particles::ViewParams& view, uint8_t* nv12) {
  const FloorFrame frame{.step = &step.params,
                         .view = &view,
                         .cohorts = step.cohorts,
                         .noise = particles::curl_noise().data(),
                         .px = component(0),
                         .py = component(1),
                         .pz = component(2),
                         .vx = component(3),
                         .vy = component(4),
                         .vz = component(5),
                         .particles = particles_,
                         .width = width_,
                         .height = height_,
                         .light = lights_.data(),
                         .glow = glows_.data(),
                         .across = across_.get(),
                         .spread = spread_.get(),
                         .nv12 = nv12,
                         .threads = workers_.count()};
  constexpr uint32_t kChunk = 4096;
  workers_.run((particles_ + kChunk - 1) / kChunk, [&](unsigned thread, uint32_t chunk) {
    loops_.particles(frame, thread, chunk * kChunk, std::min((chunk + 1) * kChunk, particles_));
  });
  workers_.run(height_ / 8, [&](unsigned, uint32_t row) { loops_.glow_across(frame, row); });
  workers_.run(height_ / 8, [&](unsigned, uint32_t row) { loops_.glow_down(frame, row); });
  for (auto& glow : glow_) glow.clear();
  constexpr uint32_t kPairs = 8;
  const uint32_t pairs = height_ / 2;
  workers_.run((pairs + kPairs - 1) / kPairs, [&](unsigned, uint32_t part) {
    for (uint32_t p = part * kPairs; p < std::min((part + 1) * kPairs, pairs); ++p) loops_.pair(frame, p);
  });
}

}  // namespace campaign::bench
