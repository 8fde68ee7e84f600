// A pixel's or a cell's light: three 21-bit sums in one 64-bit word, here as its low and high half. A channel that
// reaches 2^20 takes no more, so that it cannot carry into its neighbour; the resolve shows such a pixel white,
// whatever order got it there.

const uvec2 kFull = uvec2(1u << 20, (1u << 9) | (1u << 30));  // bit 20 of each channel

uvec2 pack_light(uint r, uint g, uint b) { return uvec2(r | (g << 21), (g >> 11) | (b << 10)); }
bool full(uvec2 word) { return ((word.x & kFull.x) | (word.y & kFull.y)) != 0u; }
uvec2 sum_of(uvec2 a, uvec2 b) {
  uint low = a.x + b.x;
  return uvec2(low, a.y + b.y + (low < a.x ? 1u : 0u));
}
