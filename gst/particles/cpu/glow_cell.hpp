// One cell of the glow accumulator: a 64-bit word of three sums of 20 bits, each with a bit above it that
// says that it is full, as in shaders/accumulate.glsl. Compiled into each instruction set.
#pragma once

#include <hwy/base.h>

#include <cstdint>

#include "particles/cpu/bands.hpp"

namespace campaign::particles::cpu {

inline constexpr uint64_t kFull = (uint64_t{1} << 20) | (uint64_t{1} << 41) | (uint64_t{1} << 62);

HWY_INLINE void add_to_cell(uint64_t* words, uint32_t at, Record record) {
  const uint64_t word = ((record >> 16) & 0xFFFF) | ((record >> 32) & 0xFFFF) << 21 | (record >> 48) << 42;
  const uint64_t before = words[at];
  words[at] = HWY_UNLIKELY(before & kFull) ? before : before + word;
}

}  // namespace campaign::particles::cpu
