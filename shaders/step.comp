// One step of the world and its light on the picture, in one pass over the state: four particles an
// invocation. MOVE alone steps without drawing (a seek), DRAW alone draws a state that is already there.
#version 460
#extension GL_GOOGLE_include_directive : require
#ifdef INT64_ATOMICS
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_atomic_int64 : require
#endif

#include "step.glsl"
#include "accumulate.glsl"

layout(std430, binding = 5) buffer LightBlock { ACCUMULATOR light[]; };
layout(std430, binding = 6) buffer GlowBlock { ACCUMULATOR glow[]; };

void step_and_store(uint group, inout Four p) {
  uint stride = P.count.w;  // groups each component has room for
  move(p.salt, p.px, p.py, p.pz, p.vx, p.vy, p.vz);
  state[group] = p.px;
  state[group + stride] = p.py;
  state[group + 2u * stride] = p.pz;
  state[group + 3u * stride] = p.vx;
  state[group + 4u * stride] = p.vy;
  state[group + 5u * stride] = p.vz;
}

void main() {
  // No early return: Mesa's software driver reads a uniform once for a whole vector of invocations only while
  // none of them can have left, and for each of them by itself afterwards. There is room for whole workgroups
  // past the last particle (kCapacityStep), where nobody looks.
  uint group = gl_GlobalInvocationID.x;
  Four p = four_of(group);
  if (MOVE) step_and_store(group, p);
  if (!DRAW) return;

  Light l = light_of(group, p);
  U cell = l.y * splat_u(V.raster.z) + l.x;
  for (uint lane = 0u; lane < 4u; ++lane) {
    if (l.inside[lane]) ACCUMULATE(light, cell[lane], pack_light(l.r[lane], l.g[lane], l.b[lane]))
  }
  uint glow_cell = glow_cell_of(l.x.x, l.y.x);
  uvec2 word = pack_light(l.r.x, l.g.x, l.b.x);
  if (feeds_glow(group) && l.inside.x) ACCUMULATE(glow, glow_cell, word)
}
