// From accumulated light to video in one pass: tone mapping, colour conversion and packing, 8 x 2 pixels an
// invocation, in 32-bit words straight into the memory that becomes the frame.
#version 460
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint FORMAT = 0u;  // 0 NV12, 1 I420, 2 RGBA, 3 BGRA
layout(constant_id = 2) const uint LIGHTS = 1u;  // accumulators, one after the other

layout(constant_id = 3) const bool SOFTWARE = false;  // for a processor
layout(constant_id = 4) const bool PAIRS = false;     // planes and rows begin with even words: store two at once

#include "rsqrt.glsl"
#define RSQRT_FAST(X) (SOFTWARE ? quick_rsqrt(X) : inversesqrt(X))

#include "kernel/lanes.glsl"
#include "kernel/params.h"
#include "kernel/tone.h"

layout(std140, binding = 1) uniform ViewBlock { ViewParams V; };
layout(std430, binding = 9) writeonly buffer FrameBlock { uint frame[]; };
layout(std430, binding = 9) writeonly buffer FramePairs { uvec2 frame_pairs[]; };
layout(binding = 12) uniform usamplerBuffer light;  // two pixels each
layout(binding = 15) uniform samplerBuffer spread;

#include "unpack.glsl"

void two_pixels(uint pair, out vec3 left, out vec3 right) {
  uvec4 words = texelFetch(light, int(pair));
  for (uint i = 1u; i < LIGHTS; ++i) {
    uvec4 more = texelFetch(light, int(pair + i * (V.raster.z * V.raster.y / 2u)));
    words = uvec4(added(words.xy, more.xy), added(words.zw, more.zw));
  }
  left = light_of(words.xy);
  right = light_of(words.zw);
}
vec3 glow_at(uint cell) { return texelFetch(spread, int(cell)).xyz; }

// `always` is true, and nothing that a compiler knows: Mesa's software driver would otherwise convert and pack where
// it stores, for one invocation after another, instead of for a vector of them.
uint pack_bytes(vec4 codes, bool always) {
  uvec4 c = to_u(codes);
  uint word = c.x | (c.y << 8) | (c.z << 16) | (c.w << 24);
  return always ? word : 0u;
}

// A 4 x 2 ordered dither, in codes: keeps the dark gradients of the glow from banding.
const vec4 kDither[2] = vec4[2](vec4(0.0625, 0.5625, 0.1875, 0.6875), vec4(0.8125, 0.3125, 0.9375, 0.4375));

void main() {
  uint tiles = (V.raster.x + 7u) / 8u;
  uint tile = gl_GlobalInvocationID.x;
  // Not a return, and the uniforms read before any branch: see step.comp. The last tile may be written twice.
  tile = min(tile, tiles * ((V.raster.y + 1u) / 2u) - 1u);
  bool always = tile < 0x80000000u;
  uvec4 raster = V.raster, target = V.target, plane = V.plane;
  vec4 exposure = V.light;
  uint cell_x = tile % tiles;
  uint y0 = (tile / tiles) * 2u;
  uint x0 = cell_x * 8u;

  // The glow of the three cells that these eight columns lie between, on the rows above and below.
  int last_row = int((V.raster.y + 7u) / 8u) - 1;
  float gy = (float(y0) + 1.0) / 8.0 - 0.5;
  int above = int(floor(gy));
  float down = gy - float(above);
  uint row_a = uint(clamp(above, 0, last_row)) * V.raster.w;
  uint row_b = uint(clamp(above + 1, 0, last_row)) * V.raster.w;
  uint left = max(cell_x, 1u) - 1u;
  uint right = min(cell_x + 1u, V.raster.w - 1u);
  vec3 glow_l = mix(glow_at(row_a + left), glow_at(row_b + left), down) * V.light.w + V.ground.xyz;
  vec3 glow_m = mix(glow_at(row_a + cell_x), glow_at(row_b + cell_x), down) * V.light.w + V.ground.xyz;
  vec3 glow_r = mix(glow_at(row_a + right), glow_at(row_b + right), down) * V.light.w + V.ground.xyz;
  const vec4 first = vec4(0.5625, 0.6875, 0.8125, 0.9375);   // from the left cell's middle to this one's
  const vec4 second = vec4(0.0625, 0.1875, 0.3125, 0.4375);  // and on towards the right one's

  vec4 sum_r[2], sum_g[2], sum_b[2];
  sum_r[0] = sum_r[1] = sum_g[0] = sum_g[1] = sum_b[0] = sum_b[1] = vec4(0.0);
  for (uint row = 0u; row < 2u; ++row) {
    uint y = y0 + row;
    uint luma_word[2];
    uint from = min(y, raster.y - 1u) * raster.z;  // an odd edge counts twice in its chroma
    for (uint half_tile = 0u; half_tile < 2u; ++half_tile) {
      uint x = x0 + half_tile * 4u;
      vec3 a, b, c, d;
      two_pixels((from + x) / 2u, a, b);
      two_pixels((from + x) / 2u + 1u, c, d);
      if (x + 1u >= raster.x) b = a;
      if (x + 3u >= raster.x) d = c;
      vec4 t = half_tile == 0u ? first : second;
      vec3 near = half_tile == 0u ? glow_l : glow_m;
      vec3 far = (half_tile == 0u ? glow_m : glow_r) - near;
      F red = tone(vec4(a.x, b.x, c.x, d.x) * exposure.z + (near.x + far.x * t));
      F green = tone(vec4(a.y, b.y, c.y, d.y) * exposure.z + (near.y + far.y * t));
      F blue = tone(vec4(a.z, b.z, c.z, d.z) * exposure.z + (near.z + far.z * t));
      if (FORMAT >= 2u) {
        uvec4 r8 = uvec4(red * 255.0 + kDither[row]);
        uvec4 g8 = uvec4(green * 255.0 + kDither[row]);
        uvec4 b8 = uvec4(blue * 255.0 + kDither[row]);
        uvec4 words = (FORMAT == 2u ? r8 | (b8 << 16) : b8 | (r8 << 16)) | (g8 << 8) | 0xFF000000u;
        if (y < raster.y) {
          uint to = plane.x + y * target.z + x;
          for (uint i = 0u; i < 4u && x + i < raster.x; ++i) frame[to + i] = words[i];
        }
      } else {
        F luma = luma_of(red, green, blue);
        luma_word[half_tile] = pack_bytes(luma_code(luma) + kDither[row], always);
        sum_r[half_tile] += red;
        sum_g[half_tile] += green;
        sum_b[half_tile] += blue;
      }
    }
    if (FORMAT < 2u && y < raster.y) {
      uint to = plane.x + y * target.z + x0 / 4u;
      if (PAIRS) {
        frame_pairs[to / 2u] = uvec2(luma_word[0], luma_word[1]);
      } else {
        frame[to] = luma_word[0];
        if (x0 / 4u + 1u < target.z) frame[to + 1u] = luma_word[1];
      }
    }
  }
  if (FORMAT >= 2u) return;

  // Chroma of the mean colour of each 2 x 2 pixels: columns 0+1, 2+3 of both halves.
  F red = vec4(sum_r[0].xz + sum_r[0].yw, sum_r[1].xz + sum_r[1].yw) * 0.25;
  F green = vec4(sum_g[0].xz + sum_g[0].yw, sum_g[1].xz + sum_g[1].yw) * 0.25;
  F blue = vec4(sum_b[0].xz + sum_b[0].yw, sum_b[1].xz + sum_b[1].yw) * 0.25;
  F luma = luma_of(red, green, blue);
  F cb = blue_code(blue, luma) + splat_f(0.5);
  F cr = red_code(red, luma) + splat_f(0.5);
  uint chroma_row = (y0 / 2u) * target.w;
  if (FORMAT == 0u) {
    uint word = cell_x * 2u;
    uint to = plane.y + chroma_row + word;
    uvec2 words = uvec2(pack_bytes(vec4(cb.x, cr.x, cb.y, cr.y), always),
                        pack_bytes(vec4(cb.z, cr.z, cb.w, cr.w), always));
    if (PAIRS) {
      frame_pairs[to / 2u] = words;
    } else {
      frame[to] = words.x;
      if (word + 1u < target.w) frame[to + 1u] = words.y;
    }
  } else if (cell_x < target.w) {
    frame[plane.y + chroma_row + cell_x] = pack_bytes(cb, always);
    frame[plane.z + chroma_row + cell_x] = pack_bytes(cr, always);
  }
}
