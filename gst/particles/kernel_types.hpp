// The kernel's parameter blocks as C++ sees them: the very file that the shaders include.
#pragma once

#include <cstdint>

namespace campaign::particles {

struct Vec4 {
  float x = 0, y = 0, z = 0, w = 0;
};
struct Uvec4 {
  uint32_t x = 0, y = 0, z = 0, w = 0;
};

using uint = uint32_t;
#include "shaders/kernel/params.h"

static_assert(sizeof(Cohort) == 48 && sizeof(Emitter) == 80, "std140 and C++ must lay these out alike");

}  // namespace campaign::particles
