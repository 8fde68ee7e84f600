// Adding a particle's light to a pixel. Three 21-bit sums share one 64-bit word.
// A channel that reaches 2^20 takes no more light, so that it cannot carry into its neighbour; the resolve
// shows such a pixel white, whatever order got it there.

const uvec2 kFull = uvec2(1u << 20, (1u << 9) | (1u << 30));  // bit 20 of each channel

uvec2 pack_light(uint r, uint g, uint b) { return uvec2(r | (g << 21), (g >> 11) | (b << 10)); }

#ifdef INT64_ATOMICS
#define ACCUMULATE(BUFFER, INDEX, WORD)                                                             \
  {                                                                                                 \
    uint64_t word_ = packUint2x32(WORD);                                                            \
    uvec2 before_ = unpackUint2x32(atomicAdd(BUFFER[INDEX], word_));                                \
    if (((before_.x & kFull.x) | (before_.y & kFull.y)) != 0u) atomicAdd(BUFFER[INDEX], ~word_ + 1ul); \
  }
#define ACCUMULATOR uint64_t
#else
// Without 64-bit atomics the carry is added by hand: two 32-bit sums, exact in any order.
#define ADD_WIDE(BUFFER, INDEX, LOW, HIGH, BEFORE)                                   \
  BEFORE.x = atomicAdd(BUFFER[2u * (INDEX)], LOW);                                   \
  BEFORE.y = atomicAdd(BUFFER[2u * (INDEX) + 1u],                                    \
                       HIGH + (BEFORE.x + (LOW) < BEFORE.x ? 1u : 0u));
#define ACCUMULATE(BUFFER, INDEX, WORD)                                              \
  {                                                                                  \
    uvec2 word_ = WORD;                                                              \
    uvec2 before_;                                                                   \
    ADD_WIDE(BUFFER, INDEX, word_.x, word_.y, before_)                               \
    if (((before_.x & kFull.x) | (before_.y & kFull.y)) != 0u) {                     \
      uvec2 minus_ = uvec2(~word_.x + 1u, ~word_.y + (word_.x == 0u ? 1u : 0u));     \
      ADD_WIDE(BUFFER, INDEX, minus_.x, minus_.y, before_)                           \
    }                                                                                \
  }
#define ACCUMULATOR uint
#endif
