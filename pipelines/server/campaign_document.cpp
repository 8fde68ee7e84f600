// See campaign_document.hpp.
#include "pipelines/server/campaign_document.hpp"

namespace campaign::server {

using nlohmann::json;

json to_document(const CampaignSpec& spec) {
  json out = to_json(spec);
  out["scene"] = spec.scene;
  out["ladder"] = spec.ladder;
  return out;
}

Result<CampaignSpec> from_document(json stored) {
  if (!stored.is_object()) return Error("the stored campaign is not an object");
  if (auto scene = stored.find("scene"); scene != stored.end() && scene->is_string()) {
    const std::string text = scene->get<std::string>();
    if (text.starts_with('{')) *scene = json::parse(text, nullptr, false);
  }
  if (auto ladder = stored.find("ladder"); ladder != stored.end() && ladder->is_string()) {
    const std::string text = ladder->get<std::string>();
    *ladder = text.empty() ? json(nullptr) : json::parse(text, nullptr, false);
  }
  return parse_spec(stored, "the stored campaign");
}

json state_of(const state::Document& document) { return document.json().value("state", json::object()); }

}  // namespace campaign::server
