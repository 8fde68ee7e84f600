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

#include "kernel/lanes.glsl"
#include "kernel/params.h"

layout(std140, binding = 0) uniform StepBlock { StepParams P; };
layout(std140, binding = 1) uniform ViewBlock { ViewParams V; };
layout(std430, binding = 2) readonly buffer CohortBlock { Cohort cohort[kClasses]; };
layout(std430, binding = 3) readonly buffer NoiseBlock { uint noise[]; };
layout(std430, binding = 4) buffer StateBlock { vec4 state[]; };

#include "accumulate.glsl"
layout(std430, binding = 5) buffer LightBlock { ACCUMULATOR light[]; };
layout(std430, binding = 6) buffer GlowBlock { ACCUMULATOR glow[]; };

U noise_at(U i) { return uvec4(noise[i.x], noise[i.y], noise[i.z], noise[i.w]); }

#include "kernel/salt.h"
#include "kernel/motion.h"
#include "kernel/light.h"

void main() {
  uint group = gl_GlobalInvocationID.x;
  uint groups = (P.count.x + 3u) / 4u;
  uint drawn = (V.target.y + 3u) / 4u;
  if (group >= (MOVE ? groups : drawn)) return;

  uint stride = P.count.w;  // groups each component has room for
  uint which = group % kClasses;
  U id = splat_u(group * 4u) + U(0u, 1u, 2u, 3u);
  U salt = salt_of(id);
  F px, py, pz, vx, vy, vz;

  px = state[group];
  py = state[group + stride];
  pz = state[group + 2u * stride];
  vx = state[group + 3u * stride];
  vy = state[group + 4u * stride];
  vz = state[group + 5u * stride];
  if (MOVE) {
    move(salt, px, py, pz, vx, vy, vz);
    state[group] = px;
    state[group + stride] = py;
    state[group + 2u * stride] = pz;
    state[group + 3u * stride] = vx;
    state[group + 4u * stride] = vy;
    state[group + 5u * stride] = vz;
  }
  if (!DRAW || group >= drawn) return;

  vec4 slow = cohort[which].slow;
  vec4 fast = cohort[which].fast;
  F inverse_depth;
  U pixel = pixel_of(px, py, pz, inverse_depth);
  pixel = select_u(lessThan(id, splat_u(V.target.y)), pixel, splat_u(kNoPixel));
  F scale = brightness_of(salt) * min_f(inverse_depth * splat_f(V.light.y), splat_f(2.0f)) * splat_f(V.light.x);
  F heat = heat_of(vx, vy, vz, splat_f(fast.w));
  U r = weight_of(splat_f(slow.x), splat_f(fast.x), heat, scale, salt);
  U g = weight_of(splat_f(slow.y), splat_f(fast.y), heat, scale, salt);
  U b = weight_of(splat_f(slow.z), splat_f(fast.z), heat, scale, salt);
  U x = pixel & splat_u(0xFFFFu);
  U y = pixel >> 16u;

  for (uint lane = 0u; lane < 4u; ++lane) {
    if (pixel[lane] == kNoPixel) continue;
    uvec2 word = pack_light(r[lane], g[lane], b[lane]);
    ACCUMULATE(light, y[lane] * V.raster.z + x[lane], word)
    if (lane == 0u && (group % (kGlowStride / 4u)) == 0u) {
      ACCUMULATE(glow, (y[lane] >> kGlowShift) * V.raster.w + (x[lane] >> kGlowShift), word)
    }
  }
}
