// See handler.hpp.
#include "pipelines/server/api/handler.hpp"

#include <glib.h>

#include <algorithm>

#include "pipelines/server/api/openapi_resource.hpp"
#include "pipelines/server/campaign_document.hpp"
#include "pipelines/server/log.hpp"
#include "pipelines/server/stage.hpp"

namespace campaign::server {
namespace {

using nlohmann::json;

std::string dump(const json& body) { return body.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string etag_of(state::Revision revision) { return "\"" + std::to_string(revision) + "\""; }

std::string fresh_id() {
  gchar* uuid = g_uuid_string_random();
  const std::string id = uuid;
  g_free(uuid);
  return id;
}

json load_json(const nodes::Load& load) {
  json out = json::object();
  for (const auto& rule : nodes::kResources) out[std::string(rule.name)] = load[rule.resource];
  return out;
}

json node_json(const nodes::NodeRecord& node) {
  json campaigns = json::array();
  for (const auto& campaign : node.campaigns)
    campaigns.push_back({{"id", campaign.id}, {"viewers", campaign.viewers}});
  return {{"id", node.id},
          {"url", node.url},
          {"draining", node.draining},
          {"capacity", load_json(node.capacity)},
          {"used", load_json(node.used)},
          {"campaigns", std::move(campaigns)}};
}

}  // namespace

ApiResponse to_response(const Denial& denial, const std::string& path) {
  json error{{"code", denial.code}, {"message", denial.message}};
  if (denial.revision) error["revision"] = *denial.revision;
  ApiResponse response{denial.status, dump({{"error", std::move(error)}})};
  if (!denial.location.empty()) response.location = denial.location + path;
  response.allow = denial.allow;
  if (denial.revision) response.etag = etag_of(*denial.revision);
  return response;
}

json ApiHandler::to_json(const CampaignInfo& info) const {
  json out = server::to_json(info.spec);
  out["id"] = info.id;
  out["revision"] = info.document.revision();
  out["state"] = state_of(info.document);
  out["status"] = info.status;
  out["restarts"] = info.restarts;
  out["last_failure"] = info.last_failure.empty() ? json(nullptr) : json(info.last_failure);
  return out;
}

template <class F>
Reply<CampaignInfo> ApiHandler::answer_with(Answer answer, std::string path, F&& body) {
  return [answer = std::move(answer), path = std::move(path),
          body = std::forward<F>(body)](const Result<CampaignInfo, Denial>& outcome) {
    if (!outcome) return answer(to_response(outcome.error(), path));
    ApiResponse response{outcome->created ? 201u : 200u, dump(body(*outcome))};
    response.etag = etag_of(outcome->document.revision());
    if (outcome->created) response.location = "/api/v1/campaigns/" + outcome->id;
    answer(std::move(response));
  };
}

void ApiHandler::handle(const ApiCall& call, const std::string& path, Answer answer) {
  const auto campaign = [this](const CampaignInfo& info) { return to_json(info); };
  const auto state = [](const CampaignInfo& info) -> json {
    return {
        {"campaign_id", info.id}, {"revision", info.document.revision()}, {"state", state_of(info.document)}};
  };
  switch (call.operation) {
    case Operation::describe:
      return answer({200, openapi_text()});
    case Operation::list_campaigns: {
      json all = json::array();
      for (const CampaignInfo& info : campaigns_.list()) all.push_back(to_json(info));
      return answer({200, dump({{"campaigns", std::move(all)}})});
    }
    case Operation::post_campaign:
    case Operation::put_campaign:
      return campaigns_.create(call.campaign.empty() ? fresh_id() : call.campaign, call.spec, call.body,
                               answer_with(answer, path, campaign));
    case Operation::get_campaign:
      return campaigns_.get(call.campaign, answer_with(answer, path, campaign));
    case Operation::patch_campaign:
      return campaigns_.change(call.campaign, call.body, call.expected, answer_with(answer, path, campaign));
    case Operation::delete_campaign:
      return campaigns_.remove(call.campaign, [answer, path](const Result<bool, Denial>& removed) {
        answer(removed ? ApiResponse{204, {}} : to_response(removed.error(), path));
      });
    case Operation::get_state:
      return campaigns_.get(call.campaign, answer_with(answer, path, state));
    case Operation::patch_state:
      return campaigns_.change_state(call.campaign, call.body, call.expected,
                                     answer_with(answer, path, state));
    case Operation::list_viewers:
    case Operation::move_viewer:
    case Operation::remove_viewer:
      return viewers(call, path, std::move(answer));
    case Operation::list_nodes: {
      json all = json::array();
      for (const auto& node : membership_.nodes()) all.push_back(node_json(node));
      return answer({200, dump({{"nodes", std::move(all)}})});
    }
    case Operation::drain:
      drain_();
      return answer({202, dump({{"draining", true}})});
  }
}

void ApiHandler::viewers(const ApiCall& call, const std::string& path, Answer answer) {
  campaigns_.get(call.campaign, [this, call, path, answer](const Result<CampaignInfo, Denial>& found) {
    if (!found) return answer(to_response(found.error(), path));
    json list = json::array();
    bool there = false;
    for (const ViewerInfo& viewer : stage_.report().viewers) {
      if (viewer.campaign != call.campaign) continue;
      there |= viewer.peer == call.peer;
      list.push_back({{"peer", viewer.peer},
                      {"quality", viewer.quality},
                      {"context", viewer.context},
                      {"connected", viewer.connected},
                      {"dropped", viewer.dropped}});
    }
    if (call.operation == Operation::list_viewers) return answer({200, dump({{"viewers", std::move(list)}})});
    const auto deny = [&](unsigned status, const char* code, const std::string& message) {
      answer(to_response({status, code, message}, path));
    };
    if (!there)
      return deny(404, "unknown-viewer",
                  "campaign \"" + call.campaign + "\" has no viewer \"" + call.peer + "\"");
    if (call.operation == Operation::remove_viewer) {
      if (!stage_.remove_viewer(call.peer)) return deny(404, "unknown-viewer", "the viewer has just left");
      log(LogLevel::info, "viewer-removed", "removed through the API",
          {{"campaign", call.campaign}, {"peer", call.peer}});
      return answer({204, {}});
    }
    if (!stage_.move_viewer(call.peer, call.to_campaign, call.quality))
      return deny(409, "not-moved",
                  "campaign \"" + call.to_campaign + "\" in quality \"" + call.quality +
                      "\" is not here to be watched, or full, or the viewer has just left");
    answer({200, dump({{"peer", call.peer}, {"campaign", call.to_campaign}, {"quality", call.quality}})});
  });
}

}  // namespace campaign::server
