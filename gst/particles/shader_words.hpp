// The shaders of shaders/, as the build compiles them: the words of their SPIR-V.
#pragma once

#include <cstdint>

namespace campaign::particles {

inline constexpr uint32_t kBirthWords[] = {
#include "shaders/birth.inc"
};
inline constexpr uint32_t kStepWords[] = {
#include "shaders/step.inc"
};
inline constexpr uint32_t kStepWithoutInt64Words[] = {
#include "shaders/step_without_int64.inc"
};
inline constexpr uint32_t kStepInSlicesWords[] = {
#include "shaders/step_in_slices.inc"
};
inline constexpr uint32_t kGlowWords[] = {
#include "shaders/glow.inc"
};
inline constexpr uint32_t kResolveWords[] = {
#include "shaders/resolve.inc"
};

}  // namespace campaign::particles
