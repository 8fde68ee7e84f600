// Campaign particle update, version 1: the first particles of a world at a chosen rate, for consumers that
// draw or measure them themselves. This file is the format's definition; it is enough to write a decoder.
//
// A stream is a sequence of updates. Each is one message, and says its own length, so that updates may also
// stand one behind the other in a file. All numbers are little endian; floats are IEEE 754 binary32.
//
//   offset size type     field
//   0      4    bytes    magic: "CPUD"
//   4      1    uint8    version: 1
//   5      1    uint8    flags: bit 0 key update; the others are 0
//   6      1    uint8    position bits B: 8 to 16
//   7      1    uint8    colour period P: 1 to 64
//   8      8    uint64   tick: this update's number; grows from update to update, not always by 1
//   16     8    int64    stream time of the positions in nanoseconds
//   24     8    uint64   base tick: of the update that this one is a difference to; a key update's own tick
//   32     8    uint64   key tick: of the last key update; a key update's own tick
//   40     4    uint32   id of the first particle; the others follow, so that particle i has the id first + i
//   44     4    uint32   count N of particles: 1 to 1,048,576, and first + N is at most 2^32
//   48     12   float[3] bounding box: least x, y, z, in the world's units
//   60     12   float[3] bounding box: greatest x, y, z; each greater than the least, all within +-2e6
//   72     4    uint32   colour phase: 0 to P - 1
//   76     4    uint32   length of the planes in bytes
//   80     4    uint32   length of the payload in bytes
//   84     ...  bytes    payload: one zstd frame (RFC 8878) that says its content's size, which is the
//   planes'
//
// The planes, one behind the other:
//   1. births: ceil(N / 8) bytes. Bit (i mod 8) of byte (i div 8), bit 0 being the lowest, is set when
//      particle i was born since the last update (in a key update, too: the particle has jumped). The bits
//      from N on are 0.
//   2. positions, for x, then y, then z: N low bytes, then N high bytes of 16-bit values v[i], v < 2^B.
//   3. colours: M red bytes, M green bytes, M blue bytes, for the M particles whose colour is in the update,
//      in the order of their ids: all in a key update; in others the newborn and those with
//      (i div 4) mod P = colour phase.
//
// Positions. q[i] is a whole number from 0 to 2^B - 1 for each axis, and stands for the coordinate
//   least + q[i] * (greatest - least) / (2^B - 1).
// In a key update and for newborn particles, q[i] = v[i]. For all others, in arithmetic modulo 2^B,
//   q[i] = p[i] + d[i],  d = v / 2 for even v, -(v + 1) / 2 for odd v,  p[i] = 2 a[i] - b[i],
// where a is q in the base update, b is q in the base update of that; b = a when the base update was a key
// update or the particle was born in it. The bounding box, N, B and the first id never change between two key
// updates. The coordinates are at most half a step, (greatest - least) / (2^B - 1) / 2, from the world's, and
// less than 3e-7 of their size more by the arithmetic of floats.
//
// Colours. A byte in a key update or of a newborn particle is the value itself; others are added, modulo 256,
// to the last value of this particle. What the bytes mean is the producer's: those of light_of() in
// particles/appearance.hpp are linear light, 2 (byte / 255)^2. A colour is thus at most P updates old.
//
// A consumer that lost an update waits for the next key update, or asks for one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "particles/appearance.hpp"

namespace campaign::particles::pack {

inline constexpr size_t kHeaderSize = 84;  // bytes
inline constexpr uint8_t kVersion = 1;
inline constexpr uint32_t kMostParticles = 1u << 20;
inline constexpr uint32_t kLeastBits = 8, kMostBits = 16;
inline constexpr uint32_t kMostColourPeriod = 64;
inline constexpr float kFarthest = 2e6f;  // units: no box reaches beyond

struct Box {
  float least[3]{}, greatest[3]{};
  bool operator==(const Box&) const = default;
};

struct Header {
  bool key = false;
  uint8_t position_bits = 14;
  uint8_t colour_period = 1;
  uint64_t tick = 0;
  int64_t stream_time = 0;  // nanoseconds
  uint64_t base_tick = 0, key_tick = 0;
  uint32_t first_id = 0, count = 0;
  Box box;
  uint32_t colour_phase = 0;
  uint32_t planes_size = 0, payload_size = 0;  // bytes

  // The size of one quantisation step along an axis, in units. Positions are off by half of it at most.
  double step(int axis) const {
    return (static_cast<double>(box.greatest[axis]) - box.least[axis]) / ((1 << position_bits) - 1);
  }
  // Planes of this header's count with `colours` colours.
  uint64_t size_of_planes(uint32_t colours) const {
    return (uint64_t{count} + 7) / 8 + uint64_t{count} * 6 + uint64_t{colours} * 3;
  }
};

// An update as its consumer sees it. The arrays are the decoder's, until its next call.
struct Update {
  Header header;
  std::span<const float> x, y, z;    // units
  std::span<const Rgb8> colours;     // of all particles, those that were not in this update as they were
  std::span<const uint8_t> newborn;  // 1: has jumped since the last update; nothing lies between
};

// Why a decoder takes no update. Its state is as before: the next update that fits is decoded.
enum class Reason {
  too_short,         // shorter than a header, or than the header says
  not_an_update,     // another magic
  unknown_version,   // the format of another time
  bad_header,        // a field outside the range above; the detail names it
  too_large,         // more particles than this decoder was made for
  bad_payload,       // not one zstd frame of the size that the header says, or damaged
  bad_planes,        // a bit or a value that the format leaves no room for
  needs_key_update,  // a difference to an update that this decoder has not decoded; wait for a key update
};
std::string_view name_of(Reason reason);  // kebab case; never changes

struct Refusal {
  Reason reason;
  std::string detail;  // for people: what was wrong, and what would be right
};

}  // namespace campaign::particles::pack
