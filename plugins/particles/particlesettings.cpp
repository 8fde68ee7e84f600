#include "particlesettings.hpp"

#include <gst/gst.h>

#include <algorithm>

#include "particles/presets.hpp"

namespace campaign {
namespace {

enum Property : guint {
  PROP_0,
  PROP_CAMPAIGN_ID,
  PROP_SCENE,
  PROP_PARTICLES,
  PROP_SEED,
  PROP_DEVICE,
  PROP_TIME_SCALE,
  PROP_PAUSED,
  PROP_GRAVITY_FACTOR,
  PROP_TURBULENCE_FACTOR,
  PROP_ATTRACTION_FACTOR,
};

constexpr auto kReady =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
constexpr auto kPlaying =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
constexpr auto kControlled = static_cast<GParamFlags>(kPlaying | GST_PARAM_CONTROLLABLE);

std::string text(const GValue* value, const char* otherwise) {
  const char* string = g_value_get_string(value);
  return string ? string : otherwise;
}

}  // namespace

SharedScene choose_scene(std::string preset_path_or_json) {
  auto parsed = particles::find_scene(preset_path_or_json);
  return std::make_shared<const SceneChoice>(SceneChoice{std::move(preset_path_or_json), std::move(parsed)});
}

SharedScene choose_scene_for_viewer(std::string preset_or_json) {
  auto start = preset_or_json.find_first_not_of(" \t\r\n");
  bool json = start != std::string::npos && preset_or_json[start] == '{';
  auto is_named = [&](const particles::Preset& preset) { return preset.name == preset_or_json; };
  if (json || std::ranges::any_of(particles::presets(), is_named)) {
    return choose_scene(std::move(preset_or_json));
  }
  Error error("A viewer asked for the scene '" + preset_or_json.substr(0, 64) + "'. Viewers may use " +
              particles::preset_names() + ", or JSON in braces.");
  return std::make_shared<const SceneChoice>(SceneChoice{std::move(preset_or_json), std::move(error)});
}

void install_particle_properties(GObjectClass* klass) {
  const ParticleSettings defaults;
  auto install = [&](guint id, GParamSpec* spec) { g_object_class_install_property(klass, id, spec); };
  static const std::string scene_blurb = "What to simulate: a built-in scene (" + particles::preset_names() +
                                         "), the path of a JSON file, or JSON in braces";
  install(PROP_CAMPAIGN_ID, g_param_spec_string("campaign-id", "Campaign id",
                                                "Id of the campaign that this world belongs to, 1 to 64 "
                                                "characters of A-Z a-z 0-9 . _ -",
                                                defaults.campaign_id.c_str(), kReady));
  install(PROP_SCENE, g_param_spec_string("scene", "Scene", scene_blurb.c_str(),
                                          defaults.live.scene->text.c_str(), kPlaying));
  install(PROP_PARTICLES, g_param_spec_uint("particles", "Particles",
                                            "How many particles to simulate and draw; the device sets the "
                                            "upper bound",
                                            0, G_MAXUINT, defaults.live.particles, kControlled));
  install(PROP_SEED, g_param_spec_uint("seed", "Seed", "The same seed, scene and rate give the same frames",
                                       0, G_MAXUINT, defaults.seed, kReady));
  install(PROP_DEVICE, g_param_spec_string("device", "Device",
                                           "Where to compute: auto (a GPU if there is one, else the "
                                           "processor), cpu (native SIMD), or the index or part of the name "
                                           "of a Vulkan device",
                                           defaults.device.c_str(), kReady));
  install(PROP_TIME_SCALE,
          g_param_spec_double("time-scale", "Time scale", "Seconds of the world per second of the stream", 0,
                              16, defaults.live.time_scale, kControlled));
  install(PROP_PAUSED,
          g_param_spec_boolean("paused", "Paused", "Let the world stand still while frames go on",
                               defaults.live.paused, kPlaying));
  install(PROP_GRAVITY_FACTOR,
          g_param_spec_double("gravity-factor", "Gravity factor", "Multiplies the scene's gravity", -16, 16,
                              1, kControlled));
  install(PROP_TURBULENCE_FACTOR,
          g_param_spec_double("turbulence-factor", "Turbulence factor", "Multiplies the scene's turbulence",
                              0, 16, 1, kControlled));
  install(PROP_ATTRACTION_FACTOR,
          g_param_spec_double("attraction-factor", "Attraction factor",
                              "Multiplies the pull of the scene's attractors", -16, 16, 1, kControlled));
}

bool set_particle_property(Guarded<ParticleSettings>& settings, guint id, const GValue* value) {
  if (id == PROP_SCENE) {
    auto scene = choose_scene(text(value, "galaxy"));  // reads a file perhaps, so outside the lock
    settings.with([&](ParticleSettings& s) { s.live.scene = std::move(scene); });
    return true;
  }
  return settings.with([&](ParticleSettings& s) {
    switch (id) {
      case PROP_CAMPAIGN_ID:
        s.campaign_id = text(value, "0");
        return true;
      case PROP_PARTICLES:
        s.live.particles = g_value_get_uint(value);
        return true;
      case PROP_SEED:
        s.seed = g_value_get_uint(value);
        return true;
      case PROP_DEVICE:
        s.device = text(value, "auto");
        return true;
      case PROP_TIME_SCALE:
        s.live.time_scale = g_value_get_double(value);
        return true;
      case PROP_PAUSED:
        s.live.paused = g_value_get_boolean(value);
        return true;
      case PROP_GRAVITY_FACTOR:
        s.live.forces.gravity = g_value_get_double(value);
        return true;
      case PROP_TURBULENCE_FACTOR:
        s.live.forces.turbulence = g_value_get_double(value);
        return true;
      case PROP_ATTRACTION_FACTOR:
        s.live.forces.attraction = g_value_get_double(value);
        return true;
      default:
        return false;
    }
  });
}

bool get_particle_property(Guarded<ParticleSettings>& settings, guint id, GValue* value) {
  return settings.with([&](const ParticleSettings& s) {
    switch (id) {
      case PROP_CAMPAIGN_ID:
        g_value_set_string(value, s.campaign_id.c_str());
        return true;
      case PROP_SCENE:
        g_value_set_string(value, s.live.scene->text.c_str());
        return true;
      case PROP_PARTICLES:
        g_value_set_uint(value, s.live.particles);
        return true;
      case PROP_SEED:
        g_value_set_uint(value, s.seed);
        return true;
      case PROP_DEVICE:
        g_value_set_string(value, s.device.c_str());
        return true;
      case PROP_TIME_SCALE:
        g_value_set_double(value, s.live.time_scale);
        return true;
      case PROP_PAUSED:
        g_value_set_boolean(value, s.live.paused);
        return true;
      case PROP_GRAVITY_FACTOR:
        g_value_set_double(value, s.live.forces.gravity);
        return true;
      case PROP_TURBULENCE_FACTOR:
        g_value_set_double(value, s.live.forces.turbulence);
        return true;
      case PROP_ATTRACTION_FACTOR:
        g_value_set_double(value, s.live.forces.attraction);
        return true;
      default:
        return false;
    }
  });
}

}  // namespace campaign
