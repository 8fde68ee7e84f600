// One step of four particles and what they add to the picture: what step.comp and step_in_slices.comp share.
// Included with UNIFORMS_COPIED where the uniforms are to be read once, before any loop.

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool MOVE = true;
layout(constant_id = 2) const bool DRAW = true;
layout(constant_id = 3) const uint ATTRACTORS = 0u;
layout(constant_id = 4) const uint SPHERES = 0u;
layout(constant_id = 5) const uint PLANES = 0u;
layout(constant_id = 6) const bool TURBULENCE = true;
layout(constant_id = 7) const bool SOFTWARE = false;  // for a processor

#include "rsqrt.glsl"
#define RSQRT(X) (SOFTWARE ? close_rsqrt(X) : inversesqrt(X))
#include "kernel/lanes.glsl"
#include "kernel/params.h"

layout(std140, binding = 0) uniform StepBlock { StepParams step_params; };
layout(std140, binding = 1) uniform ViewBlock { ViewParams view_params; };
#ifdef UNIFORMS_COPIED
StepParams P = step_params;
ViewParams V = view_params;
#else
#define P step_params
#define V view_params
#endif
layout(binding = 3) uniform usamplerBuffer noise;
layout(std430, binding = 4) writeonly buffer StateBlock { vec4 state[]; };
// All that is only read comes through texel buffers: Mesa's software driver fetches those a vector at a time,
// and reads of storage buffers one invocation after another. Each invocation reads what it writes before it
// does, and nobody else reads that.
layout(binding = 10) uniform samplerBuffer old_state;
layout(binding = 11) uniform samplerBuffer cohort;

uint noise_word(uint i) { return texelFetch(noise, int(i)).x; }
U noise_at(U i) { return uvec4(noise_word(i.x), noise_word(i.y), noise_word(i.z), noise_word(i.w)); }
F component(uint group, uint number) { return texelFetch(old_state, int(group + number * P.count.w)); }

#include "kernel/salt.h"
#include "kernel/motion.h"
#include "kernel/light.h"

struct Four {
  U id, salt;
  F px, py, pz, vx, vy, vz;
};

Four four_of(uint group) {
  Four p;
  p.id = splat_u(group * 4u) + U(0u, 1u, 2u, 3u);
  p.salt = salt_of(p.id);
  p.px = component(group, 0u);
  p.py = component(group, 1u);
  p.pz = component(group, 2u);
  p.vx = component(group, 3u);
  p.vy = component(group, 4u);
  p.vz = component(group, 5u);
  return p;
}

struct Light {
  M inside;  // of the picture, and to be drawn
  U x, y;    // pixels
  U r, g, b;
};

Light light_of(uint group, Four p) {
  Light light;
  uint which = group % kClasses;
  vec4 slow = texelFetch(cohort, int(which * 3u + 1u));
  vec4 fast = texelFetch(cohort, int(which * 3u + 2u));
  F inverse_depth;
  U pixel = pixel_of(p.px, p.py, p.pz, inverse_depth);
  light.inside = both(lessThan(p.id, splat_u(V.target.y)), notEqual(pixel, splat_u(kNoPixel)));
  F scale = brightness_of(p.salt) * min_f(inverse_depth * splat_f(V.light.y), splat_f(2.0f)) * splat_f(V.light.x);
  F heat = heat_of(p.vx, p.vy, p.vz, splat_f(fast.w));
  light.r = weight_of(splat_f(slow.x), splat_f(fast.x), heat, scale, p.salt);
  light.g = weight_of(splat_f(slow.y), splat_f(fast.y), heat, scale, p.salt);
  light.b = weight_of(splat_f(slow.z), splat_f(fast.z), heat, scale, p.salt);
  light.x = pixel & splat_u(0xFFFFu);
  light.y = pixel >> 16u;
  return light;
}

uint glow_rows() { return (V.raster.y + (1u << kGlowShift) - 1u) >> kGlowShift; }
// The first of four particles feeds the glow, of every such group.
bool feeds_glow(uint group) { return group % (kGlowStride / 4u) == 0u; }
uint glow_cell_of(uint x, uint y) { return (y >> kGlowShift) * V.raster.w + (x >> kGlowShift); }
