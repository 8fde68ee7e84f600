#include "particles/camera.hpp"

#include <algorithm>
#include <cmath>

namespace campaign::particles {

CameraPose CameraPose::at(const Scene::Camera& camera, double seconds, double zoom) {
  double azimuth = camera.azimuth + camera.turning * seconds;
  double ce = std::cos(camera.elevation), se = std::sin(camera.elevation);
  double ca = std::cos(azimuth), sa = std::sin(azimuth);
  CameraPose pose;
  pose.distance = camera.distance / zoom;
  pose.forward = {-ce * sa, -se, -ce * ca};
  pose.right = {ca, 0, -sa};
  pose.up = {-se * sa, ce, -se * ca};
  pose.eye = {-pose.forward.x * pose.distance, -pose.forward.y * pose.distance,
              -pose.forward.z * pose.distance};
  return pose;
}

double focal_length(const Scene::Camera& camera, double width, double height) {
  double extent = std::min(height, width * (9.0 / 16.0));
  return 0.5 * extent / std::tan(0.5 * camera.field_of_view);
}

}  // namespace campaign::particles
