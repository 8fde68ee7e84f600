// A scene: where particles come from, what moves them, and how they look. Plain values with their units;
// made from JSON (scene_json.hpp) or by name (presets.hpp), and turned into kernel parameters by World.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace campaign::particles {

struct Vec3 {
  double x = 0, y = 0, z = 0;
};

struct Color {  // linear light, 1 is full
  double r = 1, g = 1, b = 1;
};

enum class Shape { ball, disc, ring, box, shell };  // numbered as in kernel/params.h

struct EmitterSpec {
  Shape shape = Shape::ball;
  double share = 1;                   // of all particles, relative to the other emitters
  Vec3 position;                      // units
  Vec3 size{1, 1, 1};                 // half extents; see kernel/params.h for what each shape makes of them
  double life_min = 4, life_max = 8;  // seconds
  Vec3 velocity;                      // units per second
  double jitter = 0;                  // random speed in every direction
  double orbit_speed = 0;             // around the y axis, reached well outside orbit_core
  double orbit_core = 0.5;            // units
  double outward = 0;                 // speed away from the centre
  double arms = 0;                    // spiral arms; 0 spreads evenly
  double winding = 0;                 // turns of an arm per unit of radius
  double arm_spread = 0.05;           // turns
  double arm_phase = 0;               // turns
  double bias = 0;                    // 0 fills a disc evenly, 1 crowds it towards the centre
  Color slow;                         // at rest
  Color fast;                         // at full_speed and above
  double full_speed = 1;              // units per second
  double brightness = 1;
};

struct AttractorSpec {
  Vec3 position;
  double strength = 1;     // units^2/s^2 (1/r) or units^3/s^2 (1/r^2); negative repels
  double softening = 0.1;  // units
  double steepness = 0;    // 0 falls off as 1/r, 1 as 1/r^2
  double spin = 0;         // sideways push around the y axis, in strength's units
};

struct SphereSpec {
  Vec3 position;
  double radius = 1;
};

struct PlaneSpec {
  Vec3 normal{0, 1, 0};  // of unit length
  double distance = 0;   // from the origin along it
};

struct Scene {
  std::string name = "unnamed";
  std::vector<EmitterSpec> emitters;               // 1 to 8
  std::vector<AttractorSpec> attractors;           // at most 7: the last place is the pointer's
  std::vector<SphereSpec> spheres;                 // at most 4
  std::vector<PlaneSpec> planes;                   // at most 4
  double sphere_bounce = 0.5, plane_bounce = 0.5;  // part of the speed into the surface that returns
  Vec3 gravity;                                    // units/s^2
  double drag = 0;                                 // part of the speed lost in a second, as a rate
  double turbulence = 0;                           // units/s^2
  double turbulence_size = 4;                      // units until the table repeats
  Vec3 turbulence_drift;                           // units/s
  double pointer_strength = 2;                     // of the attractor that a pressed pointer is

  struct Camera {
    double distance = 4;         // units from the origin
    double elevation = 0.3;      // radians above the plane of x and z
    double azimuth = 0;          // radians at time 0
    double turning = 0.05;       // radians per second
    double field_of_view = 0.9;  // radians, of the picture's smaller extent
  } camera;

  struct Look {
    double exposure = 1;
    double glow = 0.5;
    double glow_size = 0.06;  // of the picture's height
    Color background{0.002, 0.003, 0.006};
  } look;

  double longest_life() const;  // seconds
};

}  // namespace campaign::particles
