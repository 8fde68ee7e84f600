// step.comp for Mesa's software driver, where an atomic addition costs more than all the rest of a particle, and
// which stores and adds for one invocation after another: a workgroup is one subgroup, which takes one piece of the
// particles after another and adds to accumulators that are its own. Integer sums do not care who added what, so the
// picture is step.comp's to the bit.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

// The driver reads a uniform once for a whole vector of invocations only outside of loops and branches.
#define UNIFORMS_COPIED
#include "step.glsl"
#include "word.glsl"

// The driver stores one word of one invocation after another, out of a vector that it spills for each, so half as
// many words of 64 bits cost it less. But where their vector fits into one register, as with AVX-512, a processor
// may take five times as long to load a word of what it has just spilt.
layout(constant_id = 8) const bool WIDE = true;
layout(std430, binding = 4) writeonly buffer WideStateBlock { u64vec4 wide_state[]; };

layout(std430, binding = 5) writeonly buffer LightBlock { uvec2 light[]; };
layout(std430, binding = 6) writeonly buffer GlowBlock { uvec2 glow[]; };
layout(std430, binding = 5) writeonly buffer WideLightBlock { uint64_t wide_light[]; };
layout(std430, binding = 6) writeonly buffer WideGlowBlock { uint64_t wide_glow[]; };
// The same memory to read, which the driver does for a vector of invocations at once.
layout(binding = 16, rg32ui) uniform coherent volatile readonly uimageBuffer light_cells;
layout(binding = 17, rg32ui) uniform coherent volatile readonly uimageBuffer glow_cells;

// How many pieces of the particles have been taken. The driver gives each of its threads as many workgroups as the
// others, but a processor seldom gives them the same speed, and a frame is finished with the last of them.
layout(std430, binding = 18) coherent buffer TakenBlock { uint taken; };

uint take() {
  uint piece = 0u;
  if (gl_LocalInvocationID.x == 0u) piece = atomicAdd(taken, 1u);
  return subgroupShuffle(piece, 0u);
}

// To be added to one cell of an accumulator.
struct Share {
  uint cell;
  uint red_green, blue;  // 16 bits each: room for a whole subgroup's
};

// Without what does not count, which goes nowhere in particular.
Share share_of(bool counts, uint cell, uint nowhere, uint r, uint g, uint b) {
  return Share(counts ? cell : nowhere, counts ? r | (g << 16) : 0u, counts ? b : 0u);
}

// What invocations whose cell is the same have in all: they all store the same sum.
uvec2 together(Share share) {
  uint red_green = share.red_green, blue = share.blue;
  for (uint other = 1u; other < gl_WorkGroupSize.x; ++other) {
    bool same = subgroupShuffleXor(share.cell, other) == share.cell;
    uint their_red_green = subgroupShuffleXor(share.red_green, other);
    uint their_blue = subgroupShuffleXor(share.blue, other);
    red_green += same ? their_red_green : 0u;
    blue += same ? their_blue : 0u;
  }
  return pack_light(red_green & 0xFFFFu, red_green >> 16, blue);
}

#define ADD(WORDS, CELLS, SHARE)                                   \
  {                                                                \
    uvec2 more = together(SHARE);                                  \
    uvec2 there = imageLoad(CELLS, int(SHARE.cell)).xy;            \
    uvec2 sum = full(there) ? there : sum_of(there, more);         \
    if (WIDE) wide_##WORDS[SHARE.cell] = packUint2x32(sum);        \
    else WORDS[SHARE.cell] = sum;                                  \
    subgroupMemoryBarrier();                                       \
  }

uint64_t wide(vec2 two) { return packUint2x32(floatBitsToUint(two)); }

// One component of two neighbouring groups, of which the first is even.
void store(uint group, uint number, F a, F b) {
  uint at = group + number * P.count.w;
  if (WIDE) {
    wide_state[at / 2u] = u64vec4(wide(a.xy), wide(a.zw), wide(b.xy), wide(b.zw));
  } else {
    state[at] = a;
    state[at + 1u] = b;
  }
}

void move(inout Four p) { move(p.salt, p.px, p.py, p.pz, p.vx, p.vy, p.vz); }

U cells_of(uint slice, Light l) {
  return splat_u(slice * V.raster.y * V.raster.z) + l.y * splat_u(V.raster.z) + l.x;
}

// A processor waits for memory at each of these once. So all cells that this time adds to and all that the next
// time begins with are looked at together: the waits overlap, where they would follow one another in between all
// the instructions that a processor does not see beyond.
uint look(U cell) {
  uint seen = 0u;
  for (uint lane = 0u; lane < 4u; ++lane) seen |= imageLoad(light_cells, int(cell[lane])).x;
  return seen;
}
uint look_ahead(uint first_group) {
  uint seen = 0u;
  for (uint part = 0u; part < 3u; ++part) {
    // A cache line has four groups of a component, and four lines of each are next where a subgroup is 8.
    uint line = part * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    seen |= floatBitsToUint(component(first_group + line % 4u * 4u, line / 4u % 6u).x);
  }
  return seen;
}

void add_light(uint slice, Light l, U cell) {
  uint first = slice * V.raster.y * V.raster.z;
  for (uint lane = 0u; lane < 4u; ++lane) {
    Share share = share_of(l.inside[lane], cell[lane], first, l.r[lane], l.g[lane], l.b[lane]);
    ADD(light, light_cells, share)
  }
}

void add_glow(uint slice, Light l) {
  uint first = slice * glow_rows() * V.raster.w;
  Share share = share_of(l.inside.x, first + glow_cell_of(l.x.x, l.y.x), first, l.r.x, l.g.x, l.b.x);
  ADD(glow, glow_cells, share)
}

// Every invocation takes two groups each time, of which the first feeds the glow. There is room for whole workgroups
// past the last particle (kCapacityStep), where nobody looks.
void go(uint slice, uint time, uint next) {
  uint group = 2u * (time * gl_WorkGroupSize.x + gl_LocalInvocationID.x);
  Four a = four_of(group), b = four_of(group + 1u);
  if (MOVE) {
    move(a);
    move(b);
    store(group, 0u, a.px, b.px);
    store(group, 1u, a.py, b.py);
    store(group, 2u, a.pz, b.pz);
    store(group, 3u, a.vx, b.vx);
    store(group, 4u, a.vy, b.vy);
    store(group, 5u, a.vz, b.vz);
  }
  if (!DRAW) return;
  Light light_a = light_of(group, a), light_b = light_of(group + 1u, b);
  U cells_a = cells_of(slice, light_a), cells_b = cells_of(slice, light_b);
  uint seen = look(cells_a) | look(cells_b) | look_ahead(2u * next * gl_WorkGroupSize.x);
  cells_a.x += seen & V.place.w;  // adds nothing, but no compiler knows that
  add_light(slice, light_a, cells_a);
  add_light(slice, light_b, cells_b);
  add_glow(slice, light_a);
}

void main() {
  uint groups = ((MOVE ? P.count.x : V.target.y) + 3u) / 4u;
  uint times = (groups + 2u * gl_WorkGroupSize.x - 1u) / (2u * gl_WorkGroupSize.x);
  uint slice = gl_WorkGroupID.x;
  for (uint mine = 0u; mine < kMostPieces; ++mine) {
    uint begin = take() * kTimesInPiece;
    if (begin >= times) break;
    uint end = min(begin + kTimesInPiece, times);
    for (uint i = begin; i < end; ++i) go(slice, i, min(i + 1u, end - 1u));
  }
}
