// Scenes from JSON. Every field is optional but one emitter; an unknown field, a wrong type or a number out
// of its range is refused with the place where it stands. Pure functions, safe from any thread.
#pragma once

#include <string_view>

#include "particles/scene.hpp"
#include "util/result.hpp"

namespace campaign::particles {

inline constexpr size_t kLargestSceneText = 64 * 1024;  // bytes

Result<Scene> parse_scene(std::string_view json);

}  // namespace campaign::particles
