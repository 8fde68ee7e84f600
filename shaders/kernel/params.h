// What one step and one picture need, as both executors read it: GLSL as std140 uniforms, C++ as plain
// structs. Only vec4-sized members, so that the two layouts are the same by construction.

const uint kClasses = 256u;       // particles that are born and die together; see Cohort
const uint kMaxEmitters = 8u;
const uint kMaxAttractors = 8u;
const uint kMaxSpheres = 4u;
const uint kMaxPlanes = 4u;
const uint kNoiseSize = 32u;      // cells along each edge of the tiling turbulence table
const uint kGlowShift = 3u;       // the glow accumulator has 1/8 of the picture's width and height
const uint kGlowStride = 8u;      // one particle in this many feeds the glow
const uint kTimesInPiece = 64u;   // round the loop of step_in_slices.comp
const uint kMostPieces = 256u;    // for one workgroup: Mesa's software driver ends a loop after 2^16 - 1 times

struct Emitter {
  Vec4 position;    // xyz: centre; w: shape, 0 ball, 1 disc, 2 ring, 3 box, 4 shell
  Vec4 size;        // xyz: half extents (ball, disc, ring and shell use x as radius, y as thickness); w: arms
  Vec4 velocity;    // xyz: at birth; w: random speed added in every direction
  Vec4 orbit;       // x: speed around the y axis, y: radius at which it saturates, z: outward, w: winding
  Vec4 arm;         // x: spread of an arm in turns, y: its phase in turns, z: radial bias, w: unused
};

struct StepParams {
  Uvec4 count;        // x: particles, y: first one to be born now, z: seed, w: groups a component has room for
  Uvec4 births;       // x: cohorts born in this step, y: groups of four in each
  Vec4 motion;        // x: dt in seconds, y: velocity kept after a step, z: turbulence, w: its cells per unit
  Vec4 drift;         // xyz: offset of the turbulence in cells
  Vec4 gravity;       // xyz: units per second squared
  Vec4 attractor[kMaxAttractors];        // xyz, w: strength (negative repels)
  Vec4 attractor_shape[kMaxAttractors];  // x: softening squared, y: 0 falls off as 1/r, 1 as 1/r^2, z: spin
  Vec4 sphere[kMaxSpheres];              // xyz, w: radius
  Vec4 plane[kMaxPlanes];                // xyz: unit normal, w: distance from the origin along it
  Vec4 bounce;                           // x: of spheres, y: of planes; 0 sticks, 1 keeps all speed
  Emitter emitter[kMaxEmitters];
};

// A class of particles shares birth, age and so fade and base colour. Class = (index / 4) % kClasses, so a
// prefix of the particles holds every class in the same share.
struct Cohort {
  Uvec4 life;   // x: emitter, y: generation, z: the number of the n-th cohort born in this step, for cohort n
  Vec4 slow;    // rgb at rest, faded by age
  Vec4 fast;    // rgb to add at full speed, faded by age; w: 1 / speed^2 that counts as full
};

struct ViewParams {
  Vec4 column;    // dot(xyz, p) + w = x times depth, in widths of the picture
  Vec4 row;       // dot(xyz, p) + w = y times depth, in its heights
  Vec4 depth;     // dot(xyz, p) + w = depth
  Uvec4 raster;   // x: width, y: height, z: accumulator's row, w: glow accumulator's row, all in pixels
  Uvec4 target;   // x: format, y: particles drawn, z: luma or RGB stride in words, w: chroma stride in words
  Uvec4 plane;    // offsets in words: x: Y or RGB, y: U or UV, z: V, w: words in the frame
  Vec4 light;     // x: weight of one, y: depth at which it holds, z: exposure, w: exposure of the glow
  Vec4 ground;    // rgb: the background's light
  // x: bits of a place across the picture, see place_of(); yz: unused; w: 0, see step_in_slices.comp
  Uvec4 place;
};
