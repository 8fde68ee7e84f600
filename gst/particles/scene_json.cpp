#include "particles/scene_json.hpp"

#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>

#include "particles/kernel_types.hpp"

namespace campaign::particles {
namespace {

using Json = nlohmann::json;

constexpr double kFarthest = 1000;  // units: beyond this a float has no sub-pixel left
constexpr int kDeepest = 8;         // levels of nesting; a scene needs four

// Reads one JSON object. The first thing wrong is kept, with its path, and everything after it is ignored.
class Reader {
 public:
  Reader(const Json& json, std::string path, std::optional<Error>& error)
      : json_(json), path_(std::move(path)), error_(error) {
    if (!json.is_object()) fail("", "an object", json);
  }

  void allow(std::initializer_list<std::string_view> known) {
    if (error_) return;
    for (const auto& [key, value] : json_.items()) {
      if (std::ranges::find(known, key) != known.end()) continue;
      std::string list;
      for (auto name : known) list.append(list.empty() ? "" : ", ").append(name);
      error_ = Error::invalid(at(""), "made of " + list, "'" + key.substr(0, 64) + "'");
      return;
    }
  }

  void number(const char* key, double& to, double low, double high) {
    if (const Json* value = find(key)) read_number(*value, key, to, low, high);
  }

  void text(const char* key, std::string& to) {
    const Json* value = find(key);
    if (!value) return;
    if (!value->is_string() || value->get_ref<const std::string&>().size() > 64) {
      return fail(key, "a text of at most 64 bytes", *value);
    }
    to = value->get<std::string>();
  }

  void vector(const char* key, Vec3& to, double limit) {
    const Json* value = find(key);
    if (!value) return;
    if (!value->is_array() || value->size() != 3) return fail(key, "an array of 3 numbers", *value);
    read_number((*value)[0], key, to.x, -limit, limit);
    read_number((*value)[1], key, to.y, -limit, limit);
    read_number((*value)[2], key, to.z, -limit, limit);
  }

  // "#rrggbb" as screens show it, stored as linear light.
  void color(const char* key, Color& to) {
    const Json* value = find(key);
    if (!value) return;
    unsigned r = 0, g = 0, b = 0;
    int used = 0;
    if (!value->is_string() || value->get_ref<const std::string&>().size() != 7 ||
        std::sscanf(value->get_ref<const std::string&>().c_str(), "#%2x%2x%2x%n", &r, &g, &b, &used) != 3 ||
        used != 7) {
      return fail(key, "a colour like \"#80c0ff\"", *value);
    }
    auto linear = [](unsigned code) { return std::pow(code / 255.0, 2.2); };
    to = {linear(r), linear(g), linear(b)};
  }

  template <class T>
  void choice(const char* key, T& to, std::initializer_list<std::pair<const char*, T>> choices) {
    const Json* value = find(key);
    if (!value) return;
    std::string list;
    for (const auto& [name, meaning] : choices) {
      if (value->is_string() && value->get_ref<const std::string&>() == name) {
        to = meaning;
        return;
      }
      list.append(list.empty() ? "one of " : ", ").append(name);
    }
    fail(key, list, *value);
  }

  template <class F>
  void object(const char* key, F&& read) {
    if (const Json* value = find(key)) {
      Reader reader(*value, at(key), error_);
      if (!error_) read(reader);
    }
  }

  template <class T, class F>
  void list(const char* key, std::vector<T>& to, size_t most, F&& read) {
    const Json* value = find(key);
    if (!value) return;
    if (!value->is_array() || value->size() > most) {
      return fail(key, "an array of at most " + std::to_string(most), *value);
    }
    for (size_t i = 0; i < value->size() && !error_; ++i) {
      Reader reader((*value)[i], at(key) + "[" + std::to_string(i) + "]", error_);
      if (!error_) read(reader, to.emplace_back());
    }
  }

  void refuse(const char* key, const char* expected, const std::string& got) {
    if (!error_) error_ = Error::invalid(at(key), expected, got);
  }

 private:
  std::string at(const char* key) const {
    if (path_.empty()) return *key ? key : "the scene";
    return *key ? path_ + "." + key : path_;
  }
  const Json* find(const char* key) const {
    if (error_) return nullptr;
    auto it = json_.find(key);
    return it == json_.end() ? nullptr : &*it;
  }
  void fail(const char* key, const std::string& expected, const Json& got) {
    if (error_) return;
    std::string shown = got.is_structured() ? std::string(got.type_name())
                                            : got.dump(-1, ' ', true, Json::error_handler_t::replace);
    error_ = Error::invalid(at(key), expected, shown.substr(0, 80));
  }
  void read_number(const Json& value, const char* key, double& to, double low, double high) {
    double number = value.is_number() ? value.get<double>() : NAN;
    if (!(number >= low && number <= high)) {
      char range[64];
      std::snprintf(range, sizeof range, "a number from %g to %g", low, high);
      return fail(key, range, value);
    }
    to = number;
  }

  const Json& json_;
  std::string path_;
  std::optional<Error>& error_;
};

void read_emitter(Reader& in, EmitterSpec& to) {
  in.allow({"shape", "share", "position", "size", "life", "velocity", "jitter", "orbit", "outward", "arms",
            "bias", "slow", "fast", "full_speed", "brightness"});
  in.choice("shape", to.shape,
            {{"ball", Shape::ball},
             {"disc", Shape::disc},
             {"ring", Shape::ring},
             {"box", Shape::box},
             {"shell", Shape::shell}});
  in.number("share", to.share, 0.001, 1000);
  in.vector("position", to.position, kFarthest);
  in.vector("size", to.size, kFarthest);
  in.object("life", [&](Reader& life) {
    life.allow({"min", "max"});
    life.number("min", to.life_min, 0.1, 30);
    life.number("max", to.life_max, 0.1, 30);
    if (to.life_max < to.life_min) life.refuse("max", "at least min", "less");
  });
  in.vector("velocity", to.velocity, kFarthest);
  in.number("jitter", to.jitter, 0, kFarthest);
  in.object("orbit", [&](Reader& orbit) {
    orbit.allow({"speed", "core"});
    orbit.number("speed", to.orbit_speed, -kFarthest, kFarthest);
    orbit.number("core", to.orbit_core, 0, kFarthest);
  });
  in.number("outward", to.outward, -kFarthest, kFarthest);
  in.object("arms", [&](Reader& arms) {
    arms.allow({"count", "winding", "spread", "phase"});
    arms.number("count", to.arms, 0, 16);
    arms.number("winding", to.winding, -100, 100);
    arms.number("spread", to.arm_spread, 0, 1);
    arms.number("phase", to.arm_phase, -1, 1);
  });
  in.number("bias", to.bias, 0, 1);
  in.color("slow", to.slow);
  in.color("fast", to.fast);
  in.number("full_speed", to.full_speed, 0.001, kFarthest);
  in.number("brightness", to.brightness, 0, 4);
}

void read_scene(Reader& in, Scene& to) {
  in.allow({"name", "emitters", "attractors", "spheres", "planes", "bounce", "gravity", "drag", "turbulence",
            "pointer_strength", "camera", "look"});
  in.text("name", to.name);
  in.list("emitters", to.emitters, kMaxEmitters, read_emitter);
  if (to.emitters.empty()) in.refuse("emitters", "an array of at least 1", "none");
  in.list("attractors", to.attractors, kMaxAttractors - 1, [](Reader& a, AttractorSpec& spec) {
    a.allow({"position", "strength", "softening", "falloff", "spin"});
    a.vector("position", spec.position, kFarthest);
    a.number("strength", spec.strength, -kFarthest, kFarthest);
    a.number("softening", spec.softening, 0.001, kFarthest);
    a.choice("falloff", spec.steepness, {{"linear", 0.0}, {"square", 1.0}});
    a.number("spin", spec.spin, -kFarthest, kFarthest);
  });
  in.list("spheres", to.spheres, kMaxSpheres, [](Reader& s, SphereSpec& spec) {
    s.allow({"position", "radius"});
    s.vector("position", spec.position, kFarthest);
    s.number("radius", spec.radius, 0.001, kFarthest);
  });
  in.list("planes", to.planes, kMaxPlanes, [](Reader& p, PlaneSpec& spec) {
    p.allow({"normal", "distance"});
    p.vector("normal", spec.normal, 1);
    p.number("distance", spec.distance, -kFarthest, kFarthest);
    double length = std::sqrt(spec.normal.x * spec.normal.x + spec.normal.y * spec.normal.y +
                              spec.normal.z * spec.normal.z);
    if (length < 1e-3) return p.refuse("normal", "longer than 0", "0");
    spec.normal = {spec.normal.x / length, spec.normal.y / length, spec.normal.z / length};
  });
  in.object("bounce", [&](Reader& bounce) {
    bounce.allow({"spheres", "planes"});
    bounce.number("spheres", to.sphere_bounce, 0, 1);
    bounce.number("planes", to.plane_bounce, 0, 1);
  });
  in.vector("gravity", to.gravity, kFarthest);
  in.number("drag", to.drag, 0, 100);
  in.object("turbulence", [&](Reader& turbulence) {
    turbulence.allow({"strength", "size", "drift"});
    turbulence.number("strength", to.turbulence, 0, kFarthest);
    turbulence.number("size", to.turbulence_size, 0.01, kFarthest);
    turbulence.vector("drift", to.turbulence_drift, 10);
  });
  in.number("pointer_strength", to.pointer_strength, 0, kFarthest);
  in.object("camera", [&](Reader& camera) {
    camera.allow({"distance", "elevation", "azimuth", "turning", "field_of_view"});
    camera.number("distance", to.camera.distance, 0.1, kFarthest);
    camera.number("elevation", to.camera.elevation, -1.5, 1.5);
    camera.number("azimuth", to.camera.azimuth, -7, 7);
    camera.number("turning", to.camera.turning, -7, 7);
    camera.number("field_of_view", to.camera.field_of_view, 0.1, 2.5);
  });
  in.object("look", [&](Reader& look) {
    look.allow({"exposure", "glow", "glow_size", "background"});
    look.number("exposure", to.look.exposure, 0, 100);
    look.number("glow", to.look.glow, 0, 100);
    look.number("glow_size", to.look.glow_size, 0, 0.25);
    look.color("background", to.look.background);
  });
}

}  // namespace

Result<Scene> parse_scene(std::string_view text) {
  if (text.size() > kLargestSceneText) {
    return Error::invalid("the scene", "at most 64 KiB of JSON", std::to_string(text.size()) + " bytes");
  }
  bool too_deep = false;
  auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep |= depth > kDeepest;
    return !too_deep;
  };
  Json json = Json::parse(text.begin(), text.end(), limit_depth, /*allow_exceptions=*/false);
  if (too_deep) return Error::invalid("the scene", "nested at most 8 levels", "deeper");
  if (json.is_discarded()) return Error::invalid("the scene", "valid JSON", "text that does not parse");
  Scene scene;
  std::optional<Error> error;
  Reader reader(json, "", error);
  if (!error) read_scene(reader, scene);
  if (error) return *error;
  return scene;
}

}  // namespace campaign::particles
