// step.comp for Mesa's software driver, where an atomic addition costs more than all the rest of a particle, and
// which stores and adds for one invocation after another: a workgroup is one subgroup, which goes alone through
// its slice of the particles and adds to accumulators that are its own. Integer sums do not care who added what,
// so the picture is step.comp's to the bit.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require

// The driver reads a uniform once for a whole vector of invocations only outside of loops and branches.
#define UNIFORMS_COPIED
#include "step.glsl"
#include "word.glsl"

layout(std430, binding = 5) writeonly buffer LightBlock { uvec2 light[]; };
layout(std430, binding = 6) writeonly buffer GlowBlock { uvec2 glow[]; };
// The same memory to read, which the driver does for a vector of invocations at once.
layout(binding = 16, rg32ui) uniform coherent volatile readonly uimageBuffer light_cells;
layout(binding = 17, rg32ui) uniform coherent volatile readonly uimageBuffer glow_cells;

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

#define ADD(WORDS, CELLS, SHARE)                           \
  {                                                        \
    uvec2 more = together(SHARE);                          \
    uvec2 there = imageLoad(CELLS, int(SHARE.cell)).xy;    \
    WORDS[SHARE.cell] = full(there) ? there : sum_of(there, more); \
    subgroupMemoryBarrier();                               \
  }

// `feeds` of all invocations alike: whether these groups feed the glow.
void step_and_draw(uint group, uint slice, bool feeds) {
  Four p = four_of(group);
  if (MOVE) step_and_store(group, p);
  Light l = light_of(group, p);
  uint first = slice * V.raster.y * V.raster.z, first_glow = slice * glow_rows() * V.raster.w;
  U cell = splat_u(first) + l.y * splat_u(V.raster.z) + l.x;
  for (uint lane = 0u; lane < 4u; ++lane) {
    Share share = share_of(l.inside[lane], cell[lane], first, l.r[lane], l.g[lane], l.b[lane]);
    ADD(light, light_cells, share)
  }
  if (!feeds) return;
  Share share = share_of(l.inside.x, first_glow + glow_cell_of(l.x.x, l.y.x), first_glow, l.r.x, l.g.x, l.b.x);
  ADD(glow, glow_cells, share)
}

void main() {
  uint groups = ((MOVE ? P.count.x : V.target.y) + 3u) / 4u;
  uint slices = V.place.y, rounds = V.place.z;
  // Every invocation takes two groups each time, of which the first feeds the glow. There is room for whole
  // workgroups past the last particle (kCapacityStep), where nobody looks.
  uint times = (groups + 2u * gl_WorkGroupSize.x - 1u) / (2u * gl_WorkGroupSize.x);
  uint length = (times + slices * rounds - 1u) / (slices * rounds);
  uint begin = min(gl_WorkGroupID.x * length, times), end = min(begin + length, times);
  uint slice = gl_WorkGroupID.x % slices;
  for (uint i = begin; i < end; ++i) {
    uint group = 2u * (i * gl_WorkGroupSize.x + gl_LocalInvocationID.x);
    step_and_draw(group, slice, true);
    step_and_draw(group + 1u, slice, false);
  }
}
