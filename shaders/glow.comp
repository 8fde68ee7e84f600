// Spreads the glow accumulator by a Gaussian, one axis a pass. The first pass reads the packed sums, the
// second its result; both write plain floats.
#version 460
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool DOWN = false;  // the second pass, along y
layout(constant_id = 2) const uint LIGHTS = 1u;   // accumulators, one after the other
layout(constant_id = 3) const uint CELLS = 1u;    // that an invocation works out along the axis, at most 4

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
  uvec2 word = texelFetch(glow, cell).xy;
  for (uint i = 1u; i < LIGHTS; ++i) word = added(word, texelFetch(glow, cell + int(i) * width * height).xy);
  return light_of(word);
}

void main() {
  int cells = int(CELLS);
  int runs = ((DOWN ? height : width) + cells - 1) / cells;  // in a line along the axis
  int run = min(int(gl_GlobalInvocationID.x), runs * (DOWN ? width : height) - 1);  // not a return: see step.comp
  int x = DOWN ? run % width : run % runs * cells;
  int y = DOWN ? run / width * cells : run / runs;
  int reach = int(V.ground.w);
  float fall = -2.0 / float(reach * reach);  // two standard deviations within reach
  vec3 sum[4];
  sum[0] = sum[1] = sum[2] = sum[3] = vec3(0.0);
  vec4 total = vec4(0.0);
  for (int i = -reach; i < reach + cells; ++i) {
    vec3 light = DOWN ? cell_at(x, clamp(y + i, 0, height - 1)) : cell_at(clamp(x + i, 0, width - 1), y);
    vec4 away = vec4(float(i)) - vec4(0.0, 1.0, 2.0, 3.0);
    vec4 weight = exp(away * away * fall) * vec4(lessThanEqual(abs(away), vec4(float(reach))));
    total += weight;
    for (uint n = 0u; n < CELLS; ++n) sum[n] += weight[n] * light;
  }
  for (uint n = 0u; n < CELLS; ++n) {
    int at_x = DOWN ? x : x + int(n), at_y = DOWN ? y + int(n) : y;
    if (at_x >= width || at_y >= height) continue;
    if (DOWN) spread[at_y * width + at_x] = vec4(sum[n] / total[n], 0.0);
    else across[at_y * width + at_x] = vec4(sum[n] / total[n], 0.0);
  }
}
