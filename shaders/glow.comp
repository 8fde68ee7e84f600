// Spreads the glow accumulator by a Gaussian, one axis a pass. The first pass reads the packed sums, the
// second its result; both write plain floats.
#version 460
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool DOWN = false;  // the second pass, along y
layout(constant_id = 2) const uint LIGHTS = 1u;   // accumulators, one after the other

#include "kernel/lanes.glsl"
#include "kernel/params.h"

layout(std140, binding = 1) uniform ViewBlock { ViewParams V; };
layout(std430, binding = 7) writeonly buffer AcrossBlock { vec4 across[]; };
layout(std430, binding = 8) writeonly buffer SpreadBlock { vec4 spread[]; };
layout(binding = 13) uniform usamplerBuffer glow;
layout(binding = 14) uniform samplerBuffer across_texels;

#include "unpack.glsl"

int width = int(V.raster.w);
int height = int((V.raster.y + (1u << kGlowShift) - 1u) >> kGlowShift);

vec3 cell_at(int x, int y) {
  int cell = y * width + x;
  if (DOWN) return texelFetch(across_texels, cell).xyz;
  uvec3 sums = sums_of(texelFetch(glow, cell).xy);
  for (uint i = 1u; i < LIGHTS; ++i) sums = added(sums, sums_of(texelFetch(glow, cell + int(i) * width * height).xy));
  return light_of(sums);
}

void main() {
  int cell = int(gl_GlobalInvocationID.x);
  cell = min(cell, width * height - 1);
  int x = cell % width;
  int y = cell / width;
  int reach = int(V.ground.w);
  // Two standard deviations within reach; the weight steps down by a ratio that itself steps down.
  float ratio = exp(-2.0 / float(reach * reach));
  float step_ratio = ratio * ratio;
  float weight = 1.0;
  float total = 1.0;
  vec3 sum = cell_at(x, y);
  for (int i = 1; i <= reach; ++i) {
    weight *= ratio;
    ratio *= step_ratio;
    total += 2.0 * weight;
    if (DOWN) {
      sum += weight * (cell_at(x, max(y - i, 0)) + cell_at(x, min(y + i, height - 1)));
    } else {
      sum += weight * (cell_at(max(x - i, 0), y) + cell_at(min(x + i, width - 1), y));
    }
  }
  if (DOWN) spread[cell] = vec4(sum / total, 0.0);
  else across[cell] = vec4(sum / total, 0.0);
}
