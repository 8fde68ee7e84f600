// See arrivals.hpp.
#include "pipelines/server/arrivals.hpp"

#include <utility>
#include <vector>

#include "pipelines/server/log.hpp"

namespace campaign::server {
namespace {

using nlohmann::json;
using Presence = Campaigns::Presence;

constexpr unsigned kTendMs = 1000;

}  // namespace

Arrivals::Arrivals(Campaigns& campaigns, Membership& membership, Stage& stage, const Config& config)
    : campaigns_(campaigns), membership_(membership), stage_(stage), config_(config) {
  tending_.start(kTendMs, [this] { end_idle(); });
}

void Arrivals::arrived(const std::string& peer, const std::string& id) {
  if (campaigns_.draining()) {
    const auto elsewhere = membership_.elsewhere();
    if (elsewhere)
      stage_.redirect(peer, *elsewhere);
    else
      stage_.refuse(peer, "draining", "this server takes no new viewers, it is about to end");
    return;
  }
  if (campaigns_.presence(id) == Presence::made) {
    log(LogLevel::debug, "viewer-waits", "a viewer waits for the campaign to start",
        {{"campaign", id}, {"peer", peer}});
    return;
  }
  membership_.find(id, [this, peer, id](const nodes::Where& where) {
    if (where.kind == nodes::Where::Kind::elsewhere) {
      log(LogLevel::info, "viewer-redirected", "another node has the campaign",
          {{"campaign", id}, {"peer", peer}, {"node", where.node}});
      stage_.redirect(peer, where.url);
      return;
    }
    // It is on its way; or the node where its first viewer came has sent him here, to have it made.
    const Presence presence = campaigns_.presence(id);
    if (presence >= Presence::coming || (presence == Presence::placed && !config_.create_on_arrival)) return;
    make(peer, id);
  });
}

void Arrivals::make(const std::string& peer, const std::string& id) {
  const auto refuse = [this, peer](const std::string& why) { stage_.refuse(peer, "unknown-campaign", why); };
  if (!config_.create_on_arrival) return refuse("there is no campaign \"" + id + "\" here");
  campaigns_.create(id, *parse_spec(config_.arrival, "on_arrival.campaign"), json::object(),
                    [this, id, peer, refuse](const Result<CampaignInfo, Denial>& made) {
                      if (made) {
                        if (made->created) watched_at_[id] = g_get_monotonic_time();
                      } else if (made.error().status == 307) {
                        stage_.redirect(peer, made.error().location);
                      } else if (made.error().code != "exists") {
                        refuse(made.error().message);
                      }
                    });
}

void Arrivals::end_idle() {
  tending_.start(kTendMs, [this] { end_idle(); });
  std::erase_if(watched_at_,
                [this](const auto& made) { return campaigns_.presence(made.first) == Presence::none; });
  if (config_.idle_seconds == 0 || watched_at_.empty()) return;
  const gint64 now = g_get_monotonic_time();
  for (const ViewerInfo& viewer : stage_.report().viewers)
    if (const auto made = watched_at_.find(viewer.campaign); made != watched_at_.end()) made->second = now;
  std::vector<std::string> idle;
  for (const auto& [id, watched_at] : watched_at_)
    if (now - watched_at > gint64(config_.idle_seconds) * G_USEC_PER_SEC) idle.push_back(id);
  for (const std::string& id : idle) {
    watched_at_.erase(id);  // once
    campaigns_.remove(id, [](const Result<bool, Denial>&) {});
  }
}

}  // namespace campaign::server
