// The built-in scenes, and finding a scene by whatever a user wrote.
#pragma once

#include <span>
#include <string_view>

#include "particles/scene.hpp"
#include "util/result.hpp"

namespace campaign::particles {

struct Preset {
  std::string_view name;
  std::string_view json;  // as a user could have written it
};

std::span<const Preset> presets();
std::string preset_names();  // "galaxy, …" for messages and blurbs

// A preset's name, inline JSON (starts with '{'), or the path of a JSON file.
Result<Scene> find_scene(std::string_view preset_path_or_json);

}  // namespace campaign::particles
