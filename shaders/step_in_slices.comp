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
#include "accumulate.glsl"

layout(std430, binding = 5) writeonly buffer LightBlock { uvec2 light[]; };
layout(std430, binding = 6) writeonly buffer GlowBlock { uvec2 glow[]; };
// The same memory to read, which the driver does for a vector of invocations at once.
layout(binding = 16, rg32ui) uniform coherent volatile readonly uimageBuffer light_cells;
layout(binding = 17, rg32ui) uniform coherent volatile readonly uimageBuffer glow_cells;

// To be added to one cell of an accumulator.
struct Share {
  uint cell;
  uint red_green, blue;  // 16 bits each: room for a whole subgroup's
  bool full;             // the cell takes no more; it may also have come to that in this very iteration
};

// Invocations whose cell is the same all store the same sum of all of theirs.
Share together(Share share) {
  Share sum = share;
  for (uint other = 1u; other < gl_WorkGroupSize.x; ++other) {
    bool same = subgroupShuffleXor(share.cell, other) == share.cell;
    uint red_green = subgroupShuffleXor(share.red_green, other), blue = subgroupShuffleXor(share.blue, other);
    sum.red_green += same ? red_green : 0u;
    sum.blue += same ? blue : 0u;
  }
  return sum;
}

uvec2 added(uvec2 cell, Share share) {
  uvec2 more = pack_light(share.red_green & 0xFFFFu, share.red_green >> 16, share.blue);
  if (share.full) more = uvec2(0u);
  uint low = cell.x + more.x;
  return uvec2(low, cell.y + more.y + (low < more.x ? 1u : 0u));
}

Share share_of(bool counts, uint cell, uint nothing, uint r, uint g, uint b) {
  return Share(counts ? cell : nothing, counts ? r | (g << 16) : 0u, counts ? b : 0u, false);
}
bool full(uvec2 cell) { return ((cell.x & kFull.x) | (cell.y & kFull.y)) != 0u; }

void add_light(Share share) {
  Share sum = together(share);
  light[share.cell] = added(imageLoad(light_cells, int(share.cell)).xy, sum);
  subgroupMemoryBarrier();
}
void add_glow(Share share) {
  Share sum = together(share);
  glow[share.cell] = added(imageLoad(glow_cells, int(share.cell)).xy, sum);
  subgroupMemoryBarrier();
}

// `feeds` of all invocations alike: whether these groups feed the glow.
void step_and_draw(uint group, uint slice, bool feeds) {
  Four p = four_of(group);
  if (MOVE) step_and_store(group, p);
  Light l = light_of(group, p);
  uint first = slice * V.raster.y * V.raster.z, first_glow = slice * glow_rows() * V.raster.w;
  U cell = splat_u(first) + l.y * splat_u(V.raster.z) + l.x;
  Share shares[4];
  for (uint lane = 0u; lane < 4u; ++lane) {
    shares[lane] = share_of(l.inside[lane], cell[lane], first, l.r[lane], l.g[lane], l.b[lane]);
  }
  Share glows = share_of(l.inside.x, first_glow + glow_cell_of(l.x.x, l.y.x), first_glow, l.r.x, l.g.x, l.b.x);
  // All cells are looked at before the first is added to: so what has to come from memory comes at once, and not
  // one after another.
  for (uint lane = 0u; lane < 4u; ++lane) shares[lane].full = full(imageLoad(light_cells, int(shares[lane].cell)).xy);
  if (feeds) glows.full = full(imageLoad(glow_cells, int(glows.cell)).xy);
  for (uint lane = 0u; lane < 4u; ++lane) add_light(shares[lane]);
  if (feeds) add_glow(glows);
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
