// The three sums of an accumulator's word; all at their limit once one of them is, which shows as white.
const uint kFullSum = 1u << 20;

vec3 light_of(uvec2 word) {
  uvec3 sums = uvec3(word.x & 0x1FFFFFu, (word.x >> 21) | ((word.y & 0x3FFu) << 11), word.y >> 10);
  bool full = ((sums.x | sums.y | sums.z) & kFullSum) != 0u;
  return full ? vec3(float(kFullSum)) : vec3(ivec3(sums));
}
