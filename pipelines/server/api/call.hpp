// What a request to /api/v1 asks for, checked before anything is done. Plain C++, no state, any thread.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "pipelines/server/campaign_spec.hpp"
#include "pipelines/server/denial.hpp"
#include "util/result.hpp"

namespace campaign::server {

inline constexpr std::size_t kMaxApiBody = 160 * 1024;  // a scene and a state of 64 KiB each, and the rest
inline constexpr int kMaxApiDepth = 20;

struct ApiRequest {
  std::string method, path;  // the path as it was decoded, without the query
  std::string content_type;  // without parameters
  std::string if_match;
  std::string_view body;
};

enum class Operation {
  describe,  // openapi.json
  list_campaigns,
  post_campaign,
  put_campaign,
  get_campaign,
  patch_campaign,
  delete_campaign,
  get_state,
  patch_state,
  list_viewers,
  move_viewer,
  remove_viewer,
  list_nodes,
  drain,
};

struct ApiCall {
  Operation operation = Operation::describe;
  // Checked ids, where the path names them, or the body of post_campaign; empty there: any that is free.
  std::string campaign, peer;
  std::optional<state::Revision> expected;  // If-Match
  CampaignSpec spec = {};                   // of post_campaign and put_campaign
  nlohmann::json body;                      // a patch; of a campaign to be made its "state"
  std::string to_campaign, quality;         // of move_viewer
};

Denial body_too_large();
Result<ApiCall, Denial> parse_call(const ApiRequest& request);

}  // namespace campaign::server
