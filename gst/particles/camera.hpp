// Where the camera stands and what a pixel means there. Right-handed, y up, looking at the origin.
#pragma once

#include "particles/scene.hpp"

namespace campaign::particles {

struct CameraPose {
  Vec3 eye, right, up, forward;  // the last three of unit length
  double distance = 1;           // from the origin

  static CameraPose at(const Scene::Camera& camera, double seconds, double zoom);
};

// Pixels per unit at distance 1, so that the field of view spans the smaller side of a 16:9 picture or
// taller.
double focal_length(const Scene::Camera& camera, double width, double height);

}  // namespace campaign::particles
