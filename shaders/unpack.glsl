// The three sums of a pixel; all at their limit once one of them is, which shows as white.
const uint kFullSum = 1u << 20;

uvec3 sums_of(uvec2 word) {
  return uvec3(word.x & 0x1FFFFFu, (word.x >> 21) | ((word.y & 0x3FFu) << 11), word.y >> 10);
}

vec3 light_of(uvec3 sums) {
  bool full = ((sums.x | sums.y | sums.z) & kFullSum) != 0u;
  return full ? vec3(float(kFullSum)) : vec3(ivec3(sums));
}

// What several accumulators hold for the same pixel, as one would have held it: full sums stay full.
uvec3 added(uvec3 a, uvec3 b) { return min(a + b, uvec3(kFullSum)); }
