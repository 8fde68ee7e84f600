// The frame that the engine's benchmark measures, written by hand for that one scene and one instruction set:
// how fast could it be? No births, no other forces than the scene's, no pointer, one video format, an even
// width that vectors divide, and nothing that would make it usable elsewhere. One caller at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "particles/cpu/array.hpp"
#include "particles/world.hpp"
#include "util/workers.hpp"

namespace campaign::bench {

// What a frame is made from and into, handed to the loops of one instruction set.
struct FloorFrame {
  const particles::StepParams* step;
  const particles::ViewParams* view;
  const particles::Cohort* cohorts;
  const uint32_t* noise;
  float *px, *py, *pz, *vx, *vy, *vz;
  uint32_t particles, width, height;
  uint64_t** light;  // by thread, width * height
  uint64_t** glow;   // by thread, (width / 8) * (height / 8)
  float *across, *spread;
  uint8_t* nv12;  // luma, then chroma, rows of `width`
  unsigned threads;
};

struct FloorLoops {
  const char* name;
  void (*particles)(const FloorFrame&, unsigned thread, uint32_t begin, uint32_t end);
  void (*glow_across)(const FloorFrame&, uint32_t row);
  void (*glow_down)(const FloorFrame&, uint32_t row);
  void (*pair)(const FloorFrame&, uint32_t pair);
};
namespace avx2 {
extern const FloorLoops loops;
}
namespace avx512 {
extern const FloorLoops loops;
}

// The best that this processor runs; null where there is none.
const FloorLoops* floor_loops();

class Floor {
 public:
  Floor(const FloorLoops& loops, unsigned threads, uint32_t particles, uint32_t width, uint32_t height);

  // Of `particles` floats each, for the caller to fill; px, py, pz, vx, vy, vz.
  float* component(unsigned c) { return state_[c].get(); }
  void frame(const particles::Step& step, const particles::ViewParams& view, uint8_t* nv12);

 private:
  template <class T>
  using Array = particles::cpu::Array<T>;
  const FloorLoops& loops_;
  Workers workers_;
  uint32_t particles_, width_, height_;
  Array<float> state_[6], across_, spread_;
  std::vector<Array<uint64_t>> light_, glow_;
  std::vector<uint64_t*> lights_, glows_;
};

}  // namespace campaign::bench
