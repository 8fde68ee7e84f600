#include "particles/scene_json.hpp"

#include <cmath>
#include <cstdio>

#include "particles/kernel_types.hpp"
#include "util/json_reader.hpp"

namespace campaign::particles {
namespace {

using Json = JsonReader::Json;

constexpr double kFarthest = 1000;  // units: beyond this a float has no sub-pixel left
constexpr int kDeepest = 8;         // levels of nesting; a scene needs four

void read_vector(JsonReader& in, const char* key, Vec3& to, double limit) {
  const Json* value = in.find(key);
  if (!value) return;
  if (!value->is_array() || value->size() != 3) return in.fail(key, "an array of 3 numbers", *value);
  in.read_number((*value)[0], key, to.x, -limit, limit);
  in.read_number((*value)[1], key, to.y, -limit, limit);
  in.read_number((*value)[2], key, to.z, -limit, limit);
}

// "#rrggbb" as screens show it, stored as linear light.
void read_color(JsonReader& in, const char* key, Color& to) {
  const Json* value = in.find(key);
  if (!value) return;
  unsigned r = 0, g = 0, b = 0;
  int used = 0;
  if (!value->is_string() || value->get_ref<const std::string&>().size() != 7 ||
      std::sscanf(value->get_ref<const std::string&>().c_str(), "#%2x%2x%2x%n", &r, &g, &b, &used) != 3 ||
      used != 7) {
    return in.fail(key, "a colour like \"#80c0ff\"", *value);
  }
  auto linear = [](unsigned code) { return std::pow(code / 255.0, 2.2); };
  to = {linear(r), linear(g), linear(b)};
}

void read_emitter(JsonReader& in, EmitterSpec& to) {
  in.allow({"shape", "share", "position", "size", "life", "velocity", "jitter", "orbit", "outward", "arms",
            "bias", "slow", "fast", "full_speed", "brightness"});
  in.choice("shape", to.shape,
            {{"ball", Shape::ball},
             {"disc", Shape::disc},
             {"ring", Shape::ring},
             {"box", Shape::box},
             {"shell", Shape::shell}});
  in.number("share", to.share, 0.001, 1000);
  read_vector(in, "position", to.position, kFarthest);
  read_vector(in, "size", to.size, kFarthest);
  in.object("life", [&](JsonReader& life) {
    life.allow({"min", "max"});
    life.number("min", to.life_min, 0.1, 30);
    life.number("max", to.life_max, 0.1, 30);
    if (to.life_max < to.life_min) life.refuse("max", "at least min", "less");
  });
  read_vector(in, "velocity", to.velocity, kFarthest);
  in.number("jitter", to.jitter, 0, kFarthest);
  in.object("orbit", [&](JsonReader& orbit) {
    orbit.allow({"speed", "core"});
    orbit.number("speed", to.orbit_speed, -kFarthest, kFarthest);
    orbit.number("core", to.orbit_core, 0, kFarthest);
  });
  in.number("outward", to.outward, -kFarthest, kFarthest);
  in.object("arms", [&](JsonReader& arms) {
    arms.allow({"count", "winding", "spread", "phase"});
    arms.number("count", to.arms, 0, 16);
    arms.number("winding", to.winding, -100, 100);
    arms.number("spread", to.arm_spread, 0, 1);
    arms.number("phase", to.arm_phase, -1, 1);
  });
  in.number("bias", to.bias, 0, 1);
  read_color(in, "slow", to.slow);
  read_color(in, "fast", to.fast);
  in.number("full_speed", to.full_speed, 0.001, kFarthest);
  in.number("brightness", to.brightness, 0, 4);
}

void read_scene(JsonReader& in, Scene& to) {
  in.allow({"name", "emitters", "attractors", "spheres", "planes", "bounce", "gravity", "drag", "turbulence",
            "pointer_strength", "camera", "look"});
  in.text("name", to.name);
  in.list("emitters", to.emitters, kMaxEmitters, read_emitter);
  if (to.emitters.empty()) in.refuse("emitters", "an array of at least 1", "none");
  in.list("attractors", to.attractors, kMaxAttractors - 1, [](JsonReader& a, AttractorSpec& spec) {
    a.allow({"position", "strength", "softening", "falloff", "spin"});
    read_vector(a, "position", spec.position, kFarthest);
    a.number("strength", spec.strength, -kFarthest, kFarthest);
    a.number("softening", spec.softening, 0.001, kFarthest);
    a.choice("falloff", spec.steepness, {{"linear", 0.0}, {"square", 1.0}});
    a.number("spin", spec.spin, -kFarthest, kFarthest);
  });
  in.list("spheres", to.spheres, kMaxSpheres, [](JsonReader& s, SphereSpec& spec) {
    s.allow({"position", "radius"});
    read_vector(s, "position", spec.position, kFarthest);
    s.number("radius", spec.radius, 0.001, kFarthest);
  });
  in.list("planes", to.planes, kMaxPlanes, [](JsonReader& p, PlaneSpec& spec) {
    p.allow({"normal", "distance"});
    read_vector(p, "normal", spec.normal, 1);
    p.number("distance", spec.distance, -kFarthest, kFarthest);
    double length = std::sqrt(spec.normal.x * spec.normal.x + spec.normal.y * spec.normal.y +
                              spec.normal.z * spec.normal.z);
    if (length < 1e-3) return p.refuse("normal", "longer than 0", "0");
    spec.normal = {spec.normal.x / length, spec.normal.y / length, spec.normal.z / length};
  });
  in.object("bounce", [&](JsonReader& bounce) {
    bounce.allow({"spheres", "planes"});
    bounce.number("spheres", to.sphere_bounce, 0, 1);
    bounce.number("planes", to.plane_bounce, 0, 1);
  });
  read_vector(in, "gravity", to.gravity, kFarthest);
  in.number("drag", to.drag, 0, 100);
  in.object("turbulence", [&](JsonReader& turbulence) {
    turbulence.allow({"strength", "size", "drift"});
    turbulence.number("strength", to.turbulence, 0, kFarthest);
    turbulence.number("size", to.turbulence_size, 0.01, kFarthest);
    read_vector(turbulence, "drift", to.turbulence_drift, 10);
  });
  in.number("pointer_strength", to.pointer_strength, 0, kFarthest);
  in.object("camera", [&](JsonReader& camera) {
    camera.allow({"distance", "elevation", "azimuth", "turning", "field_of_view"});
    camera.number("distance", to.camera.distance, 0.1, kFarthest);
    camera.number("elevation", to.camera.elevation, -1.5, 1.5);
    camera.number("azimuth", to.camera.azimuth, -7, 7);
    camera.number("turning", to.camera.turning, -7, 7);
    camera.number("field_of_view", to.camera.field_of_view, 0.1, 2.5);
  });
  in.object("look", [&](JsonReader& look) {
    look.allow({"exposure", "glow", "glow_size", "background"});
    look.number("exposure", to.look.exposure, 0, 100);
    look.number("glow", to.look.glow, 0, 100);
    look.number("glow_size", to.look.glow_size, 0, 0.25);
    read_color(look, "background", to.look.background);
  });
}

}  // namespace

Result<Scene> parse_scene(std::string_view text) {
  return read_json<Scene>(text, "the scene", {.bytes = kLargestSceneText, .depth = kDeepest}, read_scene);
}

}  // namespace campaign::particles
