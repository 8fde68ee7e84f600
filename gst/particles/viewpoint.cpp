#include "particles/viewpoint.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace campaign::particles {
namespace {

float f(double x) { return static_cast<float>(x); }

}  // namespace

uint32_t place_bits(uint32_t width, uint32_t height) {
  return std::min(kPlaceBits, 32u - static_cast<uint32_t>(std::bit_width(std::max(width, height))));
}

ViewParams Viewpoint::view(uint32_t width, uint32_t height, uint32_t drawn) const {
  const double focal = focal_length(camera, width, height);
  auto plane = [&](const Vec3& axis, double scale, double centre) {
    Vec3 n{axis.x * scale + pose.forward.x * centre, axis.y * scale + pose.forward.y * centre,
           axis.z * scale + pose.forward.z * centre};
    return Vec4{f(n.x), f(n.y), f(n.z), f(-(n.x * pose.eye.x + n.y * pose.eye.y + n.z * pose.eye.z))};
  };
  ViewParams view;
  view.column = plane(pose.right, focal / width, 0.5);
  view.row = plane(pose.up, -focal / height, 0.5);
  view.depth = plane(pose.forward, 1, 0);
  view.raster = {width, height, 0, 0};
  view.target.y = std::min(drawn, particles);
  view.place.x = place_bits(width, height);

  // The same light whatever the count and the size: a particle stands for more of it where there are fewer.
  constexpr double kUnit = 255;         // a particle's weight at full colour and the camera's distance
  constexpr double kUsualShare = 0.75;  // particles per pixel at which exposure 1 is right
  double per_pixel = std::max(1u, view.target.y) / (static_cast<double>(width) * height);
  double exposure = look.exposure * 0.55 * kUsualShare / (kUnit * per_pixel);
  double cell = (1u << kGlowShift) * (1u << kGlowShift) / static_cast<double>(kGlowStride);
  view.light = {f(kUnit), f(pose.distance), f(exposure), f(exposure * look.glow / cell)};
  const Color& ground = look.background;
  double reach = std::max(1.0, std::round(look.glow_size * height / (1u << kGlowShift)));
  view.ground = {f(ground.r), f(ground.g), f(ground.b), f(reach)};
  return view;
}

}  // namespace campaign::particles
