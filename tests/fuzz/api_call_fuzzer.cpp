// Feeds anything to the parser of the API's requests; whatever it lets through must keep its promises.
// libFuzzer's entry, and the one of the seeded test that runs everywhere. The input: a line each of method,
// path, Content-Type and If-Match, then the body.
#include "pipelines/server/api/call.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "campaign/ladder.hpp"
#include "particles/presets.hpp"
#include "particles/scene_json.hpp"
#include "util/id.hpp"

namespace {

using namespace campaign;
using namespace campaign::server;

void require(bool promise) {
  if (!promise) std::abort();
}

std::string line(std::string_view& rest) {
  const auto end = std::min(rest.find('\n'), rest.size());
  std::string text(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return text;
}

void require_sound(const CampaignSpec& spec) {
  require(spec.particles >= 1 && spec.framerate >= 1 && spec.framerate <= 240);
  require(spec.device.size() <= 64);
  bool preset = false;
  for (const auto& known : particles::presets()) preset |= known.name == spec.scene;
  require(preset || bool(particles::parse_scene(spec.scene)));  // never the name of a file
  require(spec.ladder.empty() || bool(Ladder::parse(spec.ladder)));
  const auto again = parse_spec(to_json(spec), "again");
  require(again && *again == spec);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  ApiRequest request;
  request.method = line(rest);
  request.path = line(rest);
  request.content_type = line(rest);
  request.if_match = line(rest);
  request.body = rest;
  const auto call = parse_call(request);
  if (!call) {
    const Denial& denial = call.error();
    require(denial.status >= 400 && denial.status < 500 && !denial.code.empty() && !denial.message.empty());
    require((denial.status == 405) == !denial.allow.empty());
    return 0;
  }
  require(call->campaign.empty() || is_valid_id(call->campaign));
  require(call->peer.empty() || is_valid_id(call->peer));
  require(!call->expected || *call->expected <= state::kMaxRevision);
  switch (call->operation) {
    case Operation::post_campaign:
    case Operation::put_campaign:
      require_sound(call->spec);
      require(call->body.is_object());
      break;
    case Operation::patch_campaign:
      require(call->body.is_object());
      if (const auto changed = patched(CampaignSpec{}, call->body)) require_sound(*changed);
      break;
    case Operation::patch_state:
      require(call->body.is_object());
      break;
    case Operation::move_viewer:
      require(is_valid_id(call->to_campaign) && is_valid_id(call->quality));
      break;
    default:
      break;
  }
  return 0;
}
