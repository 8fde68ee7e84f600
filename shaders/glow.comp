// Spreads the glow accumulator by a Gaussian, one axis a pass. The first pass reads the packed sums, the
// second its result; both write plain floats.
#version 460
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool DOWN = false;  // the second pass, along y

#include "kernel/lanes.glsl"
#include "kernel/params.h"

layout(std140, binding = 1) uniform ViewBlock { ViewParams V; };
layout(std430, binding = 6) readonly buffer GlowBlock { uvec2 glow[]; };
layout(std430, binding = 7) buffer AcrossBlock { vec4 across[]; };
layout(std430, binding = 8) buffer SpreadBlock { vec4 spread[]; };

#include "unpack.glsl"

void main() {
  int width = int(V.raster.w);
  int height = int((V.raster.y + (1u << kGlowShift) - 1u) >> kGlowShift);
  int cell = int(gl_GlobalInvocationID.x);
  if (cell >= width * height) return;
  int x = cell % width;
  int y = cell / width;
  int reach = int(V.ground.w);
  // Two standard deviations within reach; the weight steps down by a ratio that itself steps down.
  float ratio = exp(-2.0 / float(reach * reach));
  float step_ratio = ratio * ratio;
  float weight = 1.0;
  float total = 1.0;
  vec3 sum = DOWN ? across[cell].xyz : light_of(glow[cell]);
  for (int i = 1; i <= reach; ++i) {
    weight *= ratio;
    ratio *= step_ratio;
    total += 2.0 * weight;
    if (DOWN) {
      sum += weight * (across[max(y - i, 0) * width + x].xyz + across[min(y + i, height - 1) * width + x].xyz);
    } else {
      sum += weight * (light_of(glow[y * width + max(x - i, 0)]) + light_of(glow[y * width + min(x + i, width - 1)]));
    }
  }
  if (DOWN) spread[cell] = vec4(sum / total, 0.0);
  else across[cell] = vec4(sum / total, 0.0);
}
