// One step of the world and its light on the picture, in one pass over the state: four particles an
// invocation. MOVE alone steps without drawing (a seek), DRAW alone draws a state that is already there.
#version 460
#extension GL_GOOGLE_include_directive : require
#ifdef INT64_ATOMICS
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_atomic_int64 : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool MOVE = true;
layout(constant_id = 2) const bool DRAW = true;
layout(constant_id = 3) const uint ATTRACTORS = 0u;
layout(constant_id = 4) const uint SPHERES = 0u;
layout(constant_id = 5) const uint PLANES = 0u;
layout(constant_id = 6) const bool TURBULENCE = true;
layout(constant_id = 7) const uint LIGHTS = 1u;

#include "kernel/lanes.glsl"
#include "kernel/params.h"

layout(std140, binding = 0) uniform StepBlock { StepParams P; };
layout(std140, binding = 1) uniform ViewBlock { ViewParams V; };
layout(binding = 3) uniform usamplerBuffer noise;
// In 32-bit words: Mesa's software driver stores one word of one invocation after another, out of a vector that it
// spills for each. Out of a vector of 64-bit words, as long as two registers of AVX2, that takes some processors
// five times as long.
layout(std430, binding = 4) writeonly buffer StateBlock { vec4 state[]; };
void store(uint at, F x) { state[at] = x; }
// All that is only read comes through texel buffers: Mesa's software driver fetches those a vector at a time,
// and reads of storage buffers one invocation after another. Each invocation reads what it writes before it
// does, and nobody else reads that.
layout(binding = 10) uniform samplerBuffer old_state;
layout(binding = 11) uniform samplerBuffer cohort;

#include "accumulate.glsl"
layout(std430, binding = 5) buffer LightBlock { ACCUMULATOR light[]; };
layout(std430, binding = 6) buffer GlowBlock { ACCUMULATOR glow[]; };

uint noise_word(uint i) { return texelFetch(noise, int(i)).x; }
U noise_at(U i) { return uvec4(noise_word(i.x), noise_word(i.y), noise_word(i.z), noise_word(i.w)); }
F component(uint group, uint number) { return texelFetch(old_state, int(group + number * P.count.w)); }

#include "kernel/salt.h"
#include "kernel/motion.h"
#include "kernel/light.h"

uint glow_rows() { return (V.raster.y + (1u << kGlowShift) - 1u) >> kGlowShift; }

void main() {
  // No early return: Mesa's software driver reads a uniform once for a whole vector of invocations only while
  // none of them can have left, and for each of them by itself afterwards. There is room for whole workgroups
  // past the last particle (kCapacityStep), where nobody looks.
  uint group = gl_GlobalInvocationID.x;
  uint stride = P.count.w;  // groups each component has room for
  uint which = group % kClasses;
  U id = splat_u(group * 4u) + U(0u, 1u, 2u, 3u);
  U salt = salt_of(id);
  F px, py, pz, vx, vy, vz;

  px = component(group, 0u);
  py = component(group, 1u);
  pz = component(group, 2u);
  vx = component(group, 3u);
  vy = component(group, 4u);
  vz = component(group, 5u);
  if (MOVE) {
    move(salt, px, py, pz, vx, vy, vz);
    store(group, px);
    store(group + stride, py);
    store(group + 2u * stride, pz);
    store(group + 3u * stride, vx);
    store(group + 4u * stride, vy);
    store(group + 5u * stride, vz);
  }
  if (!DRAW) return;

  vec4 slow = texelFetch(cohort, int(which * 3u + 1u));
  vec4 fast = texelFetch(cohort, int(which * 3u + 2u));
  F inverse_depth;
  U pixel = pixel_of(px, py, pz, inverse_depth);
  M inside = both(lessThan(id, splat_u(V.target.y)), notEqual(pixel, splat_u(kNoPixel)));
  F scale = brightness_of(salt) * min_f(inverse_depth * splat_f(V.light.y), splat_f(2.0f)) * splat_f(V.light.x);
  F heat = heat_of(vx, vy, vz, splat_f(fast.w));
  U r = weight_of(splat_f(slow.x), splat_f(fast.x), heat, scale, salt);
  U g = weight_of(splat_f(slow.y), splat_f(fast.y), heat, scale, salt);
  U b = weight_of(splat_f(slow.z), splat_f(fast.z), heat, scale, salt);
  U x = pixel & splat_u(0xFFFFu);
  U y = pixel >> 16u;

  // Mesa's software driver gives each of its threads one stretch of the workgroups. With an accumulator for
  // each half of them, two threads do not fight for the cache lines where most of the light falls.
  uint part = LIGHTS > 1u && gl_WorkGroupID.x >= gl_NumWorkGroups.x / 2u ? V.raster.y : 0u;
  U cell = (y + splat_u(part)) * splat_u(V.raster.z) + x;
  for (uint lane = 0u; lane < 4u; ++lane) {
    if (inside[lane]) ACCUMULATE(light, cell[lane], pack_light(r[lane], g[lane], b[lane]))
  }
  uint rows = part > 0u ? glow_rows() : 0u;
  uint glow_cell = ((y.x >> kGlowShift) + rows) * V.raster.w + (x.x >> kGlowShift);
  uvec2 word = pack_light(r.x, g.x, b.x);
  if ((group % (kGlowStride / 4u)) == 0u && inside.x) {
    ACCUMULATE(glow, glow_cell, word)
  }
}
