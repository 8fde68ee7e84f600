// The world's clock and everything that is the same for all particles: which of them are born, what forces
// act, where the camera is. Turns a scene and a time into the kernel's parameters; knows no device.
// One thread at a time. Equal calls give equal parameters, to the bit.
#pragma once

#include <cstdint>
#include <optional>

#include "particles/kernel_types.hpp"
#include "particles/scene.hpp"
#include "particles/viewpoint.hpp"

namespace campaign::particles {

using Nanoseconds = int64_t;

// What a scene asks of the kernel's code rather than of its numbers: a kernel is compiled for each.
struct KernelShape {
  uint32_t attractors = 1;  // the scene's and the pointer's, which is always there
  uint32_t spheres = 0, planes = 0;
  bool turbulence = false;
  bool operator==(const KernelShape&) const = default;
};

// One step of the kernel.
struct Step {
  KernelShape shape;
  StepParams params;
  Cohort cohorts[kClasses];
};

struct Pointer {
  double x = 0.5, y = 0.5;  // of the picture, from its top left corner
  double pull = 0;          // 1 attracts, -1 repels, 0 is not pressed
  double aspect = 0;        // width over height of the picture that it points into; 0 is the world's own
};

// Of the scene's own forces; 1 leaves them as they are.
struct ForceFactors {
  double gravity = 1, turbulence = 1, attraction = 1;
};

class World {
 public:
  World(Scene scene, uint32_t seed, uint32_t particles);

  const Scene& scene() const { return scene_; }
  uint32_t particles() const { return particles_; }

  // The world begins at `stream_time`: every particle is born in the next step.
  void restart(Nanoseconds stream_time);

  // How far before a time the world must begin for its state there to be exact: the longest life.
  Nanoseconds memory() const;

  // Brings the world to `stream_time` and gives the step that does it; none when nothing moves.
  // Steps longer than kLongestStep are for the caller to divide.
  std::optional<Step> advance(Nanoseconds stream_time);

  // These take effect in the next step.
  void set_scene(Scene scene);  // all particles are born anew
  void set_particles(uint32_t particles);
  void set_time_scale(double scale);  // 0 stands still
  void set_forces(ForceFactors factors) { factors_ = factors; }
  void set_pointer(Pointer pointer) { pointer_ = pointer; }
  void set_aspect(double aspect) { aspect_ = aspect; }  // width over height of the picture it points at
  void zoom(double factor);                             // above 1 comes closer

  // What the camera sees now.
  Viewpoint viewpoint() const;
  ViewParams view(uint32_t width, uint32_t height, uint32_t drawn) const {
    return viewpoint().view(width, height, drawn);
  }

 private:
  double seconds() const { return static_cast<double>(world_time_) * 1e-9; }
  Nanoseconds world_time_at(Nanoseconds stream_time) const;
  KernelShape shape() const;
  void fill_forces(StepParams& params) const;
  void fill_cohorts(Step& step, double before, double now) const;
  Vec3 pointer_in_world() const;

  Scene scene_;
  uint32_t seed_;
  uint32_t particles_;
  uint32_t alive_ = 0;  // particles that have been born; those above it are, in the next step
  double time_scale_ = 1;
  Nanoseconds stream_time_ = 0;    // of the last step
  Nanoseconds world_time_ = 0;     // of the last step
  Nanoseconds anchor_stream_ = 0;  // where time_scale_ began to hold, in both times
  Nanoseconds anchor_world_ = 0;
  ForceFactors factors_;
  Pointer pointer_;
  double zoom_ = 1;
  double aspect_ = 16.0 / 9;
};

inline constexpr Nanoseconds kLongestStep = 50'000'000;

}  // namespace campaign::particles
