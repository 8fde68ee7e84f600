// The vector half of the CPU engine: pure loops over memory that somebody else owns, compiled for each
// instruction set and chosen once at run time. Different calls may run on different threads as long as they
// write to different places.
#pragma once

#include <cstddef>
#include <cstdint>

#include "particles/cpu/bands.hpp"
#include "particles/cpu/sorted_light.hpp"
#include "particles/frame.hpp"
#include "particles/world.hpp"

namespace campaign::particles::cpu {

inline constexpr uint32_t kMostSummed = 1u << 21;  // weights of 10 bits and a full channel fit into 32 bits

// The particles, one array a component.
struct State {
  float *px, *py, *pz, *vx, *vy, *vz;
};

// How a picture is cut into bands: rows of `stride` pixels, a power of two of them a band.
struct Raster {
  uint32_t stride = 0, rows = 0;
  uint32_t band_shift = 1;
  uint32_t band_rows() const { return 1u << band_shift; }
  uint32_t bands() const { return (rows + band_rows() - 1) >> band_shift; }
};

// A worker's light at an eighth of the picture's size, for the glow: one 64-bit word a cell, as in
// shaders/accumulate.glsl, rows of `stride`, and one more word for what is off the picture.
struct Light {
  uint64_t* words;
  uint32_t stride, rows;
};

// Cohort values of 4 * kClasses consecutive particles, ready to load as vectors.
struct CohortLanes {
  static constexpr uint32_t kLanes = 4 * kClasses;
  alignas(64) float slow[3][kLanes], fast[3][kLanes], per_speed2[kLanes];
};

struct Glow {  // the spread glow, planar; `stride` cells a row with kPad to spare
  float* plane[3];
  uint32_t stride, width, rows;
};

// From particles to their light.
struct ParticleKernel {
  const char* name;  // of the instruction set

  // One step of particles [begin, end), begin a multiple of kPad; `from` may be `to`.
  void (*move)(const Step&, const uint32_t* noise, State from, State to, uint32_t begin, uint32_t end);
  // After move(): all particles of cohort `which` with groups from `first_group` below `end_group` are born,
  // and make their first step.
  void (*birth)(const Step&, const uint32_t* noise, State, uint32_t which, uint32_t first_group,
                uint32_t end_group);
  // The light of particles [begin, end) to the lists and the glow; begin as above.
  void (*draw)(const ViewParams&, const CohortLanes&, State, uint32_t begin, uint32_t end, const Raster&,
               PictureBands::Lists&, Light glow);
  // The same light, sorted for several pictures: of particles [begin, end), any of both.
  void (*sort)(const ViewParams&, const CohortLanes&, State, uint32_t begin, uint32_t end, const Cut&,
               SortedLight::Lights::Lists&, SortedLight::Glows::Lists&);
};

// Where the records of one band of sorted light lie in the band's pixels, or in its cells of the glow.
struct Placing {
  uint32_t width, height;      // of the picture, in pixels
  uint32_t shift;              // from a pixel's column or row to that of its cell; 0 for pixels
  uint32_t base;               // see Cut
  uint32_t first_row, stride;  // of the band, in pixels or cells
};

// From light to the picture.
struct PictureKernel {
  // Adds a run of records of sorted light to the sums of their band, as add() does; or to the glow, whose
  // `words` are those of the band's first row. `next` is memory that is to be read next, here and in add().
  void (*add_sorted)(const Placing&, const Record* begin, const Record* end, const Record* next,
                     uint32_t* sums);
  void (*add_glow)(const Placing&, const Record* begin, const Record* end, const Record* next,
                   uint64_t* words);

  // Adds a run of records to the sums of their band: four words a pixel, of which the first is of no use and
  // the others are red, green and blue. No more than kMostSummed a band without clamp() between.
  void (*add)(const Record* begin, const Record* end, const Record* next, uint32_t* sums);
  void (*clamp)(uint32_t* sums, size_t pixels);

  // Row `row` of the glow: summed over the workers' into floats, spread along x; then along y.
  void (*glow_across)(const ViewParams&, const Light* glows, uint32_t count, uint32_t row, Glow to);
  void (*glow_down)(const ViewParams&, Glow across, uint32_t row, Glow to);

  // Rows 2 * pair and 2 * pair + 1 of the picture, out of their sums, which are zero afterwards. `scratch` is
  // the thread's own, of scratch_size(glow's stride) floats. Of the layout it takes the format and the size.
  void (*resolve)(const ViewParams&, const Raster&, uint32_t* sums, Glow, const FrameLayout&, uint32_t pair,
                  float* scratch, const FramePlanes& frame);
};

constexpr size_t scratch_size(uint32_t glow_stride) { return size_t{3} * (glow_stride + kPad); }

const ParticleKernel& best_particle_kernel();
const PictureKernel& best_picture_kernel();

}  // namespace campaign::particles::cpu
