#include "particles/presets.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "particles/scene_json.hpp"

namespace campaign::particles {
namespace {

// Two blue arms around a warm bulge, with a thin rose ring of young stars and a halo that barely moves.
constexpr std::string_view kGalaxy = R"({
  "name": "galaxy",
  "emitters": [
    { "shape": "disc", "share": 62, "size": [1.9, 0.045, 0], "bias": 0.75,
      "life": { "min": 5, "max": 9 }, "orbit": { "speed": 0.5, "core": 0.35 }, "jitter": 0.02,
      "arms": { "count": 2, "winding": -0.42, "spread": 0.07 },
      "slow": "#1c46e0", "fast": "#5fa2ff", "full_speed": 0.62 },
    { "shape": "ball", "share": 18, "size": [0.42, 0.62, 0],
      "life": { "min": 4, "max": 8 }, "orbit": { "speed": 0.34, "core": 0.2 }, "jitter": 0.1,
      "slow": "#ff6a1c", "fast": "#ffc078", "full_speed": 0.45, "brightness": 1.2 },
    { "shape": "disc", "share": 12, "size": [1.6, 0.02, 0], "bias": 0.4,
      "life": { "min": 3, "max": 6 }, "orbit": { "speed": 0.5, "core": 0.35 }, "jitter": 0.04,
      "arms": { "count": 2, "winding": -0.42, "spread": 0.025, "phase": -0.03 },
      "slow": "#ff1466", "fast": "#ff5aa8", "full_speed": 0.7, "brightness": 1.7 },
    { "shape": "ball", "share": 8, "size": [2.6, 0.8, 0],
      "life": { "min": 6, "max": 10 }, "jitter": 0.03,
      "slow": "#5a6cff", "fast": "#c0b0ff", "full_speed": 0.5, "brightness": 0.5 }
  ],
  "attractors": [ { "position": [0, 0, 0], "strength": 0.25, "softening": 0.35, "falloff": "linear" } ],
  "turbulence": { "strength": 0.09, "size": 2.4, "drift": [0.02, 0.03, 0.01] },
  "drag": 0.02,
  "camera": { "distance": 3.5, "elevation": 0.55, "turning": 0.05, "field_of_view": 0.95 },
  "look": { "exposure": 1.05, "glow": 0.8, "glow_size": 0.07, "background": "#06070d" }
})";

// The engine's yardstick: every force once.
constexpr std::string_view kBenchmark = R"({
  "name": "benchmark",
  "emitters": [
    { "shape": "ball", "share": 1, "size": [1.2, 1, 0], "life": { "min": 6, "max": 10 }, "jitter": 0.3,
      "slow": "#3060ff", "fast": "#ffd090", "full_speed": 1.5 }
  ],
  "gravity": [0, -0.3, 0],
  "attractors": [
    { "position": [0.8, 0.2, 0], "strength": 0.6, "softening": 0.2, "falloff": "linear" },
    { "position": [-0.8, -0.1, 0.3], "strength": 0.4, "softening": 0.2, "falloff": "square", "spin": 0.2 }
  ],
  "spheres": [ { "position": [0, -0.6, 0], "radius": 0.5 } ],
  "turbulence": { "strength": 0.5, "size": 3 },
  "drag": 0.1
})";

constexpr Preset kPresets[] = {{"galaxy", kGalaxy}, {"benchmark", kBenchmark}};

}  // namespace

std::span<const Preset> presets() { return kPresets; }

std::string preset_names() {
  std::string names;
  for (const auto& preset : kPresets) names.append(names.empty() ? "" : ", ").append(preset.name);
  return names;
}

namespace {

// An ordinary one: to open others may take for ever, as a pipe that nobody writes to.
Result<std::string> read_file(const std::string& path) {
  std::error_code problem;
  const auto type = std::filesystem::status(path, problem).type();
  if (path.empty() || type == std::filesystem::file_type::none ||
      type == std::filesystem::file_type::not_found) {
    return Error("There is no scene '" + path.substr(0, 200) + "'. Use one of " + preset_names() +
                     ", the path of a JSON file, or JSON in braces.",
                 "stat: " + problem.message());
  }
  if (type == std::filesystem::file_type::directory) {
    return Error("'" + path + "' is a folder, not a scene file. Use the path of a JSON file in it.");
  }
  if (type != std::filesystem::file_type::regular) {
    return Error("'" + path +
                 "' is not an ordinary file. Write the scene to one, or give it as JSON in braces.");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const auto reason = std::generic_category().message(errno);
    return Error("The scene file '" + path + "' cannot be opened: " + reason + ".");
  }
  const auto size = std::filesystem::file_size(path, problem);
  if (!problem && size > kLargestSceneText) {
    return Error::invalid("The scene file '" + path + "'",
                          "at most " + std::to_string(kLargestSceneText) + " bytes", std::to_string(size));
  }
  std::string text(kLargestSceneText + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (file.bad()) return Error("The scene file '" + path + "' cannot be read.");
  return text;
}

}  // namespace

Result<Scene> find_scene(std::string_view wanted) {
  for (const auto& preset : kPresets) {
    if (wanted == preset.name) return parse_scene(preset.json);
  }
  auto start = wanted.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && wanted[start] == '{') return parse_scene(wanted);

  const std::string path(wanted);
  auto text = read_file(path);
  if (!text) return text.error();
  auto scene = parse_scene(*text);
  if (!scene) return Error("In the scene file '" + path + "', " + scene.error().for_user());
  return scene;
}

}  // namespace campaign::particles
