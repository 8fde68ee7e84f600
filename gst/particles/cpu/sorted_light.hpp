// The light of one state on its way to several pictures that look the same way: worked out once, where the
// particles are moved and still in the cache, and sorted by where it falls, at a precision that is enough for
// a picture of any size. Renderers only sum what falls on their own pixels.
//
// Which pictures these are the renderers say by drawing: each leaves in Wants what it drew, and the next
// states are sorted for that. A picture that a state was not sorted for is drawn from its particles, with the
// same result to the bit.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "particles/cpu/bands.hpp"
#include "particles/viewpoint.hpp"
#include "particles/world.hpp"
#include "util/guarded.hpp"

namespace campaign::particles::cpu {

// A picture that somebody draws of the states of one world.
struct Want {
  uint32_t width = 0, height = 0;  // pixels
  uint32_t particles = 0;
};

// Any thread.
class Wants {
 public:
  // `who` draws `want` of state number `state`.
  void note(const void* who, const Want& want, uint64_t state);

  static constexpr size_t kMost = 8;  // pictures; more are drawn on their own
  // What was drawn of the last states before number `state`; 0 pictures where there is no more than one.
  size_t current(uint64_t state, std::array<Want, kMost>& all) const;

 private:
  struct Entry {
    const void* who = nullptr;
    Want want;
    uint64_t state = 0;
  };
  Guarded<std::array<Entry, kMost>> entries_;
};

// A record of light that is sorted for several pictures: from bit 0 on 10 bits each of red, green and blue;
// from bit 32 on the place across the picture, and the lowest 13 bits of that down it, which its band
// completes. See place_of() in shaders/kernel/light.h.
inline constexpr uint32_t kWeightBits = 10;
inline constexpr uint32_t kFewestBands = 66, kMostBands = 255;  // so that a place in a band fits into 13 bits

// How the height of the pictures is cut. Their heights are multiples of twice `count`, so that a band has the
// same whole pairs of rows of each, whatever the size.
struct Cut {
  uint32_t count = 0;
  // The first place of this band, or the one above it.
  uint32_t base(uint32_t band) const { return (band << kPlaceBits) / count; }
};

class SortedLight {
 public:
  using Lights = Bands<512>;
  using Glows = Bands<64>;  // of the particles that feed the glow, once more
  // Between two numbers of particles that somebody draws.
  struct Segment {
    explicit Segment(unsigned workers) : lights(workers), glows(workers) {}
    uint32_t begin = 0, end = 0;  // particles
    Lights lights;
    Glows glows;
  };

  // The state is about to change: what is sorted here holds no longer.
  void forget() { used_ = 0; }
  // Empty lists for the light of the state as it will look from here to those who want pictures; no segments
  // where several cannot be sorted together. `step` is the one that makes the state.
  void prepare(std::span<const Want> wants, const Viewpoint& sight, const Step& step, unsigned workers);

  // What its lists take, those of segments that are not in use at the moment included.
  uint64_t bytes() const;

  const Cut& cut() const { return cut_; }
  const ViewParams& view() const { return view_; }
  using Segments = std::span<const std::unique_ptr<Segment>>;
  Segments segments() { return {segments_.data(), used_}; }

  // The segments that make this picture; none when it has to be drawn from the particles.
  Segments segments_of(const ViewParams& view, std::span<const Cohort, kClasses> cohorts) const;

 private:
  size_t used_ = 0;
  std::vector<std::unique_ptr<Segment>> segments_;  // the first `used_` of them are in use
  Cut cut_;
  ViewParams view_{};  // of one of the pictures; all agree in what the records hold
  std::array<Cohort, kClasses> cohorts_{};
};

}  // namespace campaign::particles::cpu
