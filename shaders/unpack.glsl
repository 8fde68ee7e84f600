// From the accumulators' words to light; all channels at their limit once one of them is, which shows as white.
#include "word.glsl"

vec3 light_of(uvec2 word) {
  ivec3 sums = ivec3(uvec3(word.x & 0x1FFFFFu, (word.x >> 21) | ((word.y & 0x3FFu) << 11), word.y >> 10));
  return full(word) ? vec3(float(1u << 20)) : vec3(sums);
}

// What two accumulators hold for the same pixel, as one would have held it: what is full in one stays so.
uvec2 added(uvec2 a, uvec2 b) { return full(a | b) ? kFull : sum_of(a, b); }
