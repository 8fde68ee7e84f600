// Where the Vulkan engine's shaders find their buffers: the `binding` of every declaration in shaders/.
#pragma once

#include <cstdint>

namespace campaign::particles {

enum Binding : uint32_t {
  kStep,
  kView,
  kCohorts,
  kNoise,
  kState,
  kLight,
  kGlow,
  kAcross,
  kSpread,
  kFrame,
  kOldState,  // the same buffers again, as texels
  kCohortTexels,
  kLightTexels,
  kGlowTexels,
  kAcrossTexels,
  kSpreadTexels,
  kLightImage,
  kGlowImage,
  kTaken,
  kBindings
};

}  // namespace campaign::particles
