// See campaign_spec.hpp.
#include "pipelines/server/campaign_spec.hpp"

#include <algorithm>

#include "campaign/ladder.hpp"
#include "particles/presets.hpp"
#include "particles/scene_json.hpp"
#include "util/json_reader.hpp"

namespace campaign::server {
namespace {

using nlohmann::json;

constexpr std::uint32_t kMostParticles = 100'000'000;
constexpr int kHighestFramerate = 240;
constexpr unsigned kMostViewers = 100'000;

void read_scene(JsonReader& in, std::string& to, std::optional<Error>& error) {
  const json* scene = in.find("scene");
  if (!scene) return;
  if (scene->is_string()) {
    const auto& name = scene->get_ref<const std::string&>();
    const auto is_named = [&](const particles::Preset& preset) { return preset.name == name; };
    if (!std::ranges::any_of(particles::presets(), is_named))
      return in.fail("scene", "one of " + particles::preset_names() + ", or an object", *scene);
    to = name;
    return;
  }
  if (!scene->is_object()) return in.fail("scene", "a built-in scene's name or an object", *scene);
  to = scene->dump(-1, ' ', false, json::error_handler_t::replace);
  if (const auto parsed = particles::parse_scene(to); !parsed)
    error = Error("scene: " + parsed.error().for_user());
}

void read_ladder(JsonReader& in, std::string& to, std::optional<Error>& error) {
  const json* ladder = in.find("ladder");
  if (!ladder || ladder->is_null()) return;
  if (!ladder->is_object()) return in.fail("ladder", "an object", *ladder);
  to = ladder->dump(-1, ' ', false, json::error_handler_t::replace);
  if (const auto parsed = Ladder::parse(to); !parsed) error = Error("ladder: " + parsed.error().for_user());
}

}  // namespace

Result<CampaignSpec> parse_spec(const json& from, std::string_view root) {
  CampaignSpec spec;
  std::optional<Error> error;
  JsonReader in(from, root, "", error);
  in.allow({"scene", "particles", "seed", "device", "framerate", "ladder", "limits"});
  read_scene(in, spec.scene, error);
  in.integer("particles", spec.particles, 1u, kMostParticles);
  in.integer("seed", spec.seed, 0u, UINT32_MAX);
  in.text("device", spec.device);
  in.integer("framerate", spec.framerate, 1, kHighestFramerate);
  read_ladder(in, spec.ladder, error);
  in.object("limits", [&](JsonReader& limits) {
    limits.allow({"max_viewers"});
    limits.integer("max_viewers", spec.max_viewers, 0u, kMostViewers);
  });
  if (error) return *error;
  return spec;
}

json to_json(const CampaignSpec& spec) {
  json out{{"particles", spec.particles},
           {"seed", spec.seed},
           {"device", spec.device},
           {"framerate", spec.framerate},
           {"limits", {{"max_viewers", spec.max_viewers}}}};
  out["scene"] = spec.scene.starts_with('{') ? json::parse(spec.scene) : json(spec.scene);
  out["ladder"] = spec.ladder.empty() ? json(nullptr) : json::parse(spec.ladder);
  return out;
}

Result<CampaignSpec> patched(const CampaignSpec& spec, const json& patch) {
  if (!patch.is_object()) return Error::invalid("the change", "an object", patch.type_name());
  json merged = to_json(spec);
  // A scene and a ladder are replaced as wholes: their members only mean something together.
  for (const char* whole : {"scene", "ladder"})
    if (patch.contains(whole)) merged.erase(whole);
  merged.merge_patch(patch);
  auto changed = parse_spec(merged, "the campaign");
  if (!changed) return changed;
  if (changed->seed != spec.seed || changed->device != spec.device || changed->framerate != spec.framerate)
    return Error(
        "seed, device and framerate are fixed once there is the campaign; delete it and create it anew");
  return changed;
}

}  // namespace campaign::server
