// See call.hpp.
#include "pipelines/server/api/call.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "util/id.hpp"
#include "util/json_reader.hpp"

namespace campaign::server {
namespace {

using nlohmann::json;

constexpr std::string_view kRoot = "/api/v1";
constexpr std::size_t kMaxPath = 512;

struct Route {
  std::string_view method, path;  // {campaign} and {peer} are ids
  Operation operation;
};
constexpr Route kRoutes[] = {
    {"GET", "/openapi.json", Operation::describe},
    {"GET", "/campaigns", Operation::list_campaigns},
    {"POST", "/campaigns", Operation::post_campaign},
    {"PUT", "/campaigns/{campaign}", Operation::put_campaign},
    {"GET", "/campaigns/{campaign}", Operation::get_campaign},
    {"PATCH", "/campaigns/{campaign}", Operation::patch_campaign},
    {"DELETE", "/campaigns/{campaign}", Operation::delete_campaign},
    {"GET", "/campaigns/{campaign}/state", Operation::get_state},
    {"PATCH", "/campaigns/{campaign}/state", Operation::patch_state},
    {"GET", "/campaigns/{campaign}/viewers", Operation::list_viewers},
    {"POST", "/campaigns/{campaign}/viewers/{peer}/move", Operation::move_viewer},
    {"DELETE", "/campaigns/{campaign}/viewers/{peer}", Operation::remove_viewer},
    {"GET", "/nodes", Operation::list_nodes},
    {"POST", "/drain", Operation::drain},
};

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

bool fits(std::string_view pattern, std::string_view path, ApiCall& call) {
  const auto wanted = parts_of(pattern), there = parts_of(path);
  if (wanted.size() != there.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "{campaign}")
      call.campaign = there[i];
    else if (wanted[i] == "{peer}")
      call.peer = there[i];
    else if (wanted[i] != there[i])
      return false;
  }
  return true;
}

bool makes_campaign(Operation operation) {
  return operation == Operation::post_campaign || operation == Operation::put_campaign;
}

bool has_body(Operation operation) {
  return makes_campaign(operation) || operation == Operation::patch_campaign ||
         operation == Operation::patch_state || operation == Operation::move_viewer ||
         operation == Operation::drain;
}

bool is_patch(Operation operation) {
  return operation == Operation::patch_campaign || operation == Operation::patch_state;
}

Denial bad(std::string message) { return {400, "bad-request", std::move(message)}; }

// A strong ETag as we send it, or its number alone.
Result<std::optional<state::Revision>, Denial> revision_in(std::string_view if_match) {
  if (if_match.empty() || if_match == "*") return std::optional<state::Revision>();
  std::string_view digits = if_match;
  if (digits.size() >= 2 && digits.starts_with('"') && digits.ends_with('"'))
    digits = digits.substr(1, digits.size() - 2);
  state::Revision revision = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), revision);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
      revision > state::kMaxRevision)
    return bad("If-Match must be the revision in quotes, as ETag has it");
  return std::optional(revision);
}

Result<json, Denial> read_body(const ApiRequest& request, Operation operation) {
  if (request.body.size() > kMaxApiBody) return body_too_large();
  const bool merge_patch = request.content_type == "application/merge-patch+json" && is_patch(operation);
  if (request.content_type != "application/json" && !merge_patch)
    return Denial{415, "unsupported-media-type",
                  std::string("the body must be application/json") +
                      (is_patch(operation) ? " or application/merge-patch+json" : "")};
  auto body = parse_json(request.body, "the body", {kMaxApiBody, kMaxApiDepth});
  if (!body) return bad(body.error().for_user());
  if (!body->is_object()) return bad("the body must be a JSON object, not " + std::string(body->type_name()));
  return std::move(*body);
}

Result<void, Denial> read_move(const json& body, ApiCall& call) {
  std::optional<Error> error;
  JsonReader in(body, "the body", "", error);
  in.allow({"campaign", "quality"});
  call.quality = "auto";
  in.text("campaign", call.to_campaign);
  in.text("quality", call.quality);
  if (error) return bad(error->for_user());
  if (call.to_campaign.empty()) call.to_campaign = call.campaign;
  if (!is_valid_id(call.to_campaign))
    return Denial{400, "bad-id", "campaign must be " + std::string(kIdRule)};
  if (!is_valid_id(call.quality)) return Denial{400, "bad-id", "quality must be " + std::string(kIdRule)};
  return {};
}

}  // namespace

Denial body_too_large() {
  return {413, "too-large", "a body may have at most " + std::to_string(kMaxApiBody / 1024) + " KiB"};
}

Result<ApiCall, Denial> parse_call(const ApiRequest& request) {
  const std::string_view path = request.path;
  const auto nothing = [] {
    return Denial{404, "not-found", "there is nothing here; /api/v1/openapi.json says what there is"};
  };
  if (path.size() > kMaxPath || !path.starts_with(kRoot)) return nothing();
  const std::string_view below = path.substr(kRoot.size());
  if (below.empty() || below.front() != '/') return nothing();

  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::optional<ApiCall> call;
  std::string allowed;
  for (const Route& route : kRoutes) {
    ApiCall candidate;
    if (!fits(route.path, below, candidate)) continue;
    allowed.append(allowed.empty() ? "" : ", ").append(route.method);
    if (route.method == "GET") allowed.append(", HEAD");
    if (route.method != method) continue;
    candidate.operation = route.operation;
    call = std::move(candidate);
  }
  if (allowed.empty()) return nothing();
  if (!call) return Denial{405, "method-not-allowed", "here works " + allowed, {}, std::nullopt, allowed};

  for (const auto& [what, id] : {std::pair{"campaign", &call->campaign}, std::pair{"peer", &call->peer}})
    if (!id->empty() && !is_valid_id(*id))
      return Denial{400, "bad-id", std::string("the ") + what + "'s id must be " + std::string(kIdRule)};
  if (path.find("//") != std::string_view::npos || path.ends_with('/')) return nothing();
  auto expected = revision_in(request.if_match);
  if (!expected) return expected.error();
  call->expected = *expected;
  if (!has_body(call->operation)) {
    if (!request.body.empty()) return bad("this request takes no body");
    return *call;
  }
  auto body = read_body(request, call->operation);
  if (!body) return body.error();
  call->body = std::move(*body);
  if (makes_campaign(call->operation)) {
    if (const auto id = call->body.find("id");
        call->operation == Operation::post_campaign && id != call->body.end()) {
      if (!id->is_string() || !is_valid_id(id->get_ref<const std::string&>()))
        return Denial{400, "bad-id", "the campaign's id must be " + std::string(kIdRule)};
      call->campaign = id->get<std::string>();
      call->body.erase(id);
    }
    json state = json::object();
    if (const auto given = call->body.find("state"); given != call->body.end()) {
      if (!given->is_object()) return Denial{422, "bad-campaign", "state must be an object"};
      state = *given;
      call->body.erase(given);
    }
    auto spec = parse_spec(call->body, "the campaign");
    if (!spec) return Denial{422, "bad-campaign", spec.error().for_user()};
    call->spec = std::move(*spec);
    call->body = std::move(state);
  } else if (call->operation == Operation::move_viewer) {
    if (auto read = read_move(call->body, *call); !read) return read.error();
  } else if (call->operation == Operation::drain && !call->body.empty()) {
    return bad("the body must be an empty object");
  }
  return *call;
}

}  // namespace campaign::server
