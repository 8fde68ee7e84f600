// What a campaign is to be, as a configuration file or the API writes it, checked. Plain C++, any thread.
//
//   {"scene": "galaxy" or {…}, "particles": 500000, "seed": 0, "device": "auto", "framerate": 30,
//    "ladder": {"rungs": […]}, "limits": {"max_viewers": 0}}
//
// Everything may be left out. A scene never names a file here: this comes over the network.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "util/result.hpp"

namespace campaign::server {

struct CampaignSpec {
  std::string scene = "galaxy";  // a preset's name, or JSON
  std::uint32_t particles = 500'000;
  std::uint32_t seed = 0;
  std::string device = "auto";  // as particlesrc's
  int framerate = 30;           // frames a second
  std::string ladder;           // JSON; empty: the default one
  unsigned max_viewers = 0;     // 0: as many as the node takes

  bool operator==(const CampaignSpec&) const = default;
};

// `root` names it in messages. Refused with the place where something stands that does not fit.
Result<CampaignSpec> parse_spec(const nlohmann::json& json, std::string_view root);
nlohmann::json to_json(const CampaignSpec& spec);

// Merged into a specification (RFC 7386). Refused where the outcome does not fit, or a member would change
// that is fixed once there is the campaign (seed, device, framerate).
Result<CampaignSpec> patched(const CampaignSpec& spec, const nlohmann::json& patch);

}  // namespace campaign::server
