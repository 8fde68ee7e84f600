// How a world looks at one moment: the camera and the look, without the particles. A plain value, so that a
// picture of any size can be made of it later, on any thread, while the world goes on.
#pragma once

#include <cstdint>

#include "particles/camera.hpp"
#include "particles/kernel_types.hpp"
#include "particles/scene.hpp"

namespace campaign::particles {

// Of a place across a picture: so many for pictures up to 8191 pixels wide and high, 64 places a pixel or
// more; fewer for larger ones, so that the product of both fits into 32 bits.
inline constexpr uint32_t kPlaceBits = 19;
uint32_t place_bits(uint32_t width, uint32_t height);

struct Viewpoint {
  CameraPose pose;
  Scene::Camera camera;
  Scene::Look look;
  uint32_t particles = 0;  // that there are

  // The picture of the first `drawn` particles. Fills the optical half of the parameters; where the pixels go
  // in memory is the engine's.
  ViewParams view(uint32_t width, uint32_t height, uint32_t drawn) const;
};

}  // namespace campaign::particles
