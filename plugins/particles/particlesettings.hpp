// What a user sets on particlesrc, in one value: written from any thread, read by the streaming thread.
#pragma once

#include <glib-object.h>

#include <algorithm>
#include <memory>
#include <string>

#include "particles/scene.hpp"
#include "particles/world.hpp"
#include "util/guarded.hpp"
#include "util/result.hpp"

namespace campaign {

// A scene as somebody wrote it, and what became of that. Never changes, so that every frame shares it.
struct SceneChoice {
  std::string text;
  Result<particles::Scene> parsed;
};
using SharedScene = std::shared_ptr<const SceneChoice>;

SharedScene choose_scene(std::string preset_path_or_json);  // reads the file
// What comes over the network never names a file.
SharedScene choose_scene_for_viewer(std::string preset_or_json);

// What may change from one frame to the next. Copied for each of them, so nothing here allocates.
struct LiveSettings {
  SharedScene scene = choose_scene("galaxy");
  uint32_t particles = 500'000;
  double time_scale = 1;
  bool paused = false;
  particles::ForceFactors forces;

  // From downstream and from viewers, rather than from properties.
  uint32_t most_particles = UINT32_MAX;  // campaign-quality lowers the count to this
  particles::Pointer pointer;
  double zoom = 1;  // pending factor, taken by the next frame

  uint32_t wanted_particles() const { return std::min(particles, most_particles); }
};

struct ParticleSettings {
  std::string campaign_id = "0";
  uint32_t seed = 0;
  std::string device = "auto";
  LiveSettings live;
};

// Installs particlesrc's properties, and carries values between GObject and the settings.
// `set` returns false for an id that is not among them.
void install_particle_properties(GObjectClass* klass);
bool set_particle_property(Guarded<ParticleSettings>& settings, guint id, const GValue* value);
bool get_particle_property(Guarded<ParticleSettings>& settings, guint id, GValue* value);

}  // namespace campaign
