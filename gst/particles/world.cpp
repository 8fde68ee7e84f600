#include "particles/world.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "particles/camera.hpp"

namespace campaign::particles {
namespace {

float f(double x) { return static_cast<float>(x); }
Vec4 vec4(const Vec3& v, double w = 0) { return {f(v.x), f(v.y), f(v.z), f(w)}; }

double fraction(double x) { return x - std::floor(x); }

// 0..1, the same for a cohort for ever: evenly spread over any run of cohorts.
double golden(uint32_t cohort, double offset) { return fraction(cohort * 0.6180339887498949 + offset); }
double bit_reversed(uint32_t cohort) {
  uint32_t r = 0;
  for (uint32_t i = 0; i < 8; ++i) r |= ((cohort >> i) & 1u) << (7 - i);
  return (r + 0.5) / kClasses;
}

double smooth(double low, double high, double x) {
  double t = std::clamp((x - low) / (high - low), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

uint32_t emitter_of(uint32_t cohort, const Scene& scene) {
  double total = 0;
  for (const auto& emitter : scene.emitters) total += emitter.share;
  double at = bit_reversed(cohort) * total;
  for (uint32_t i = 0; i < scene.emitters.size(); ++i) {
    at -= scene.emitters[i].share;
    if (at < 0) return i;
  }
  return static_cast<uint32_t>(scene.emitters.size()) - 1;
}

Emitter kernel_emitter(const EmitterSpec& e) {
  Emitter to;
  to.position = vec4(e.position, static_cast<double>(e.shape));
  to.size = vec4(e.size, e.arms);
  to.velocity = vec4(e.velocity, e.jitter);
  to.orbit = {f(e.orbit_speed), f(e.orbit_core), f(e.outward), f(e.winding)};
  to.arm = {f(e.arm_spread), f(e.arm_phase), f(e.bias), 0};
  return to;
}

}  // namespace

World::World(Scene scene, uint32_t seed, uint32_t particles)
    : scene_(std::move(scene)), seed_(seed), particles_(particles) {}

void World::restart(Nanoseconds stream_time) {
  alive_ = 0;
  stream_time_ = anchor_stream_ = stream_time;
  world_time_ = anchor_world_ = std::llround(static_cast<double>(stream_time) * time_scale_);
}

Nanoseconds World::memory() const {
  if (time_scale_ <= 0) return 0;
  return std::llround(scene_.longest_life() * 1e9 / time_scale_) + 1;
}

Nanoseconds World::world_time_at(Nanoseconds stream_time) const {
  return anchor_world_ + std::llround(static_cast<double>(stream_time - anchor_stream_) * time_scale_);
}

std::optional<Step> World::advance(Nanoseconds stream_time) {
  double before = seconds();
  stream_time_ = stream_time;
  world_time_ = world_time_at(stream_time);
  double now = seconds();
  if (now == before && alive_ >= particles_) {
    alive_ = particles_;
    return std::nullopt;
  }
  Step step;
  step.shape = shape();
  // A group of four is born and moved as a whole, also where the count ends within it.
  step.params.count = {particles_, (std::min(alive_, particles_) + 3) & ~3u, seed_, 0};
  step.params.motion.x = f(now - before);
  fill_forces(step.params);
  fill_cohorts(step, before, now);
  alive_ = particles_;
  return step;
}

KernelShape World::shape() const {
  return {static_cast<uint32_t>(scene_.attractors.size()) + 1, static_cast<uint32_t>(scene_.spheres.size()),
          static_cast<uint32_t>(scene_.planes.size()), scene_.turbulence != 0};
}

void World::fill_forces(StepParams& params) const {
  double dt = params.motion.x;
  double cells = kNoiseSize / scene_.turbulence_size;
  params.motion.y = f(std::exp(-scene_.drag * dt));
  params.motion.z = f(scene_.turbulence * factors_.turbulence);
  params.motion.w = f(cells);
  // Reduced to one period of the table, so that a world that has run for weeks keeps its precision.
  auto drift = [&](double speed) { return kNoiseSize * fraction(speed * cells * seconds() / kNoiseSize); };
  params.drift = vec4(
      {drift(scene_.turbulence_drift.x), drift(scene_.turbulence_drift.y), drift(scene_.turbulence_drift.z)});
  const Vec3& g = scene_.gravity;
  params.gravity = vec4({g.x * factors_.gravity, g.y * factors_.gravity, g.z * factors_.gravity});

  uint32_t attractors = 0;
  for (const auto& a : scene_.attractors) {
    params.attractor[attractors] = vec4(a.position, a.strength * factors_.attraction);
    params.attractor_shape[attractors++] = {f(a.softening * a.softening), f(a.steepness),
                                            f(a.spin * factors_.attraction), 0};
  }
  params.attractor[attractors] = vec4(pointer_in_world(), pointer_.pull * scene_.pointer_strength);
  params.attractor_shape[attractors] = {0.04f, 0, 0, 0};
  uint32_t spheres = 0;
  for (const auto& s : scene_.spheres) params.sphere[spheres++] = vec4(s.position, s.radius);
  uint32_t planes = 0;
  for (const auto& p : scene_.planes) params.plane[planes++] = vec4(p.normal, p.distance);
  params.bounce = {f(scene_.sphere_bounce), f(scene_.plane_bounce), 0, 0};
  uint32_t emitters = 0;
  for (const auto& e : scene_.emitters) params.emitter[emitters++] = kernel_emitter(e);
}

void World::fill_cohorts(Step& step, double before, double now) const {
  step.params.births = {0, ((particles_ + 3) / 4 + kClasses - 1) / kClasses, 0, 0};
  for (uint32_t c = 0; c < kClasses; ++c) {
    uint32_t which = emitter_of(c, scene_);
    const EmitterSpec& e = scene_.emitters[which];
    double life = std::lerp(e.life_min, e.life_max, golden(c, 0.37));
    double phase = golden(c, 0.0);
    double lives = now / life + phase;
    bool born = std::floor(lives) > std::floor(before / life + phase);
    double age = fraction(lives);
    double fade = smooth(0, 0.12, age) * (1 - smooth(0.72, 1, age)) * e.brightness;
    auto& cohort = step.cohorts[c];
    cohort.life.x = which;
    cohort.life.y = static_cast<uint32_t>(static_cast<int64_t>(std::floor(lives)));
    if (born) step.cohorts[step.params.births.x++].life.z = c;
    cohort.slow = {f(e.slow.r * fade), f(e.slow.g * fade), f(e.slow.b * fade), 0};
    cohort.fast = {f((e.fast.r - e.slow.r) * fade), f((e.fast.g - e.slow.g) * fade),
                   f((e.fast.b - e.slow.b) * fade), f(1 / (e.full_speed * e.full_speed))};
  }
}

void World::set_scene(Scene scene) {
  scene_ = std::move(scene);
  alive_ = 0;
}

void World::set_particles(uint32_t particles) {
  alive_ = std::min(alive_, particles);
  particles_ = particles;
}

void World::set_time_scale(double scale) {
  if (scale == time_scale_) return;
  anchor_stream_ = stream_time_;
  anchor_world_ = world_time_;
  time_scale_ = scale;
}

void World::zoom(double factor) { zoom_ = std::clamp(zoom_ * factor, 0.25, 8.0); }

Vec3 World::pointer_in_world() const {
  auto pose = CameraPose::at(scene_.camera, seconds(), zoom_);
  double aspect = pointer_.aspect > 0 ? pointer_.aspect : aspect_;
  double reach = pose.distance / focal_length(scene_.camera, aspect, 1.0);
  double x = (pointer_.x - 0.5) * aspect * reach;
  double y = (0.5 - pointer_.y) * reach;
  return {pose.right.x * x + pose.up.x * y, pose.right.y * x + pose.up.y * y,
          pose.right.z * x + pose.up.z * y};
}

Viewpoint World::viewpoint() const {
  return {CameraPose::at(scene_.camera, seconds(), zoom_), scene_.camera, scene_.look, particles_};
}

}  // namespace campaign::particles
