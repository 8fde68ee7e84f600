// Adding a particle's light to a pixel, whoever else adds to it meanwhile.
#include "word.glsl"

#ifdef INT64_ATOMICS
#define ACCUMULATE(BUFFER, INDEX, WORD)                                                             \
  {                                                                                                 \
    uint64_t word_ = packUint2x32(WORD);                                                            \
    uvec2 before_ = unpackUint2x32(atomicAdd(BUFFER[INDEX], word_));                                \
    if (full(before_)) atomicAdd(BUFFER[INDEX], ~word_ + 1ul); \
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
    if (full(before_)) {                     \
      uvec2 minus_ = uvec2(~word_.x + 1u, ~word_.y + (word_.x == 0u ? 1u : 0u));     \
      ADD_WIDE(BUFFER, INDEX, minus_.x, minus_.y, before_)                           \
    }                                                                                \
  }
#define ACCUMULATOR uint
#endif
