// See campaign_server.hpp.
#include "pipelines/server/campaign_server.hpp"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "events/file_state_store.hpp"
#include "events/redis/bus.hpp"
#include "events/redis/state_store.hpp"
#include "pipelines/server/log.hpp"
#include "pipelines/server/shared_node.hpp"
#include "viewer/ice.hpp"

namespace campaign::server {
namespace {

using nlohmann::json;

constexpr unsigned kDrainCheckMs = 250, kDrainAfterMs = 200;
constexpr unsigned kStopCheckMs = 20;
constexpr gint64 kStopWithin = 15 * G_USEC_PER_SEC;

bool is_loopback(const std::string& host) {
  GInetAddress* address = g_inet_address_new_from_string(host.c_str());
  if (!address) return host == "localhost";
  const bool loopback = g_inet_address_get_is_loopback(address);
  g_object_unref(address);
  return loopback;
}

std::uint64_t any_number() { return std::uint64_t(g_random_int()) << 32 | g_random_int(); }

}  // namespace

Result<std::unique_ptr<CampaignServer>> CampaignServer::open(const Config& config) {
  std::unique_ptr<CampaignServer> server(new CampaignServer(config));
  if (auto built = server->build(); !built) return built.error();
  server->begin();
  return server;
}

Result<void> CampaignServer::open_store() {
  if (!config_.redis.empty()) {
    auto address = events::redis::parse_url(config_.redis);
    if (!address) return address.error();
    redis_ = std::make_unique<events::redis::Connection>(*address, events::redis::Timing{}, any_number());
    store_ = std::make_unique<events::redis::RedisStateStore>(*redis_, any_number());
    bus_ = std::make_unique<events::redis::RedisBus>(*redis_, any_number());
    return {};
  }
  std::string folder = config_.state;
  if (folder == "none") {
    std::string pattern = (std::filesystem::temp_directory_path() / "campaign-server-XXXXXX").string();
    if (!mkdtemp(pattern.data())) return Error("No temporary folder can be made in " + pattern + ".");
    folder = temporary_state_ = pattern;
  }
  auto store = events::FileStateStore::open(folder);
  if (!store)
    return Error("The campaigns' state cannot be kept: " + store.error().for_user() +
                 ". --state names another folder, or none.");
  store_ = std::move(*store);
  bus_ = std::make_unique<events::InProcessBus>();
  return {};
}

Result<void> CampaignServer::build() {
  if (auto opened = open_store(); !opened) return opened.error();

  HttpAnswers answers;
  answers.api = [this](const ApiCall& call, const std::string& path, ApiHandler::Answer answer) {
    api_->handle(call, path, std::move(answer));
  };
  answers.healthz = [this] { return healthz(); };
  answers.readyz = [this] { return readyz(); };
  http_ = std::make_unique<HttpApi>(
      signalling::OriginPolicy(config_.allowed_origins, is_loopback(config_.host)), std::move(answers));
  http_->set_token(config_.api_token);

  Stage::Events events;
  events.http_setup = [this](SoupServer* server) { http_->attach(server); };
  events.viewer_added = [](const std::string& peer, const std::string& campaign) {
    log(LogLevel::info, "viewer-added", "a viewer came", {{"campaign", campaign}, {"peer", peer}});
  };
  events.viewer_removed = [this](const std::string& peer, const std::string& campaign) {
    campaigns_->viewer_left();
    log(LogLevel::info, "viewer-removed", "a viewer left", {{"campaign", campaign}, {"peer", peer}});
  };
  events.campaign_wanted = [this](const std::string& peer, const std::string& campaign) {
    arrivals_->arrived(peer, campaign);
  };
  events.failed = [this](GstObject* element, const std::string& campaign, const Error& what) {
    campaigns_->failed(element, campaign, what);
  };
  auto stage = Stage::open(config_, std::move(events));
  if (!stage) return stage.error();
  stage_ = std::move(*stage);

  campaigns_ = std::make_unique<Campaigns>(*stage_, *store_, *bus_, config_);
  if (redis_)
    membership_ = std::make_unique<SharedNode>(
        SharedNode::Settings{config_.node_id, url(), any_number()}, *redis_, *store_, *campaigns_,
        [this](const std::vector<std::string>& urls) { stage_->set_other_servers(urls); });
  else
    membership_ = std::make_unique<SingleNode>(
        config_.node_id, [this] { return url(); }, *campaigns_);
  campaigns_->set_membership(*membership_);
  arrivals_ = std::make_unique<Arrivals>(*campaigns_, *membership_, *stage_, config_);
  api_ = std::make_unique<ApiHandler>(*campaigns_, *membership_, *stage_, [this] {
    // Once the answer to who asked for it is on its way.
    asked_to_drain_.start(kDrainAfterMs, [this] { drain(); });
  });
  return {};
}

void CampaignServer::begin() {
  log(LogLevel::info, "listening", "the page is at " + url() + "/",
      {{"url", url()}, {"port", stage_->port()}, {"node", config_.node_id}, {"state", config_.state}});
  campaigns_->begin();
}

CampaignServer::~CampaignServer() {
  if (membership_) membership_->leave();
  arrivals_.reset();
  campaigns_.reset();
  stage_.reset();  // nobody asks the API any more
  if (temporary_state_.empty()) return;
  store_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(temporary_state_, ignored);
}

std::string CampaignServer::url() const {
  if (!config_.advertise.empty()) return config_.advertise;
  std::string host = config_.host;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(stage_->port());
}

void CampaignServer::reload(const Config& config) {
  const auto fixed = Config::fixed_differences(config_, config);
  for (const std::string& name : fixed)
    log(LogLevel::warning, "not-reloaded", name + " changes when the server starts anew",
        {{"setting", name}});
  // What is fixed stays as it is.
  Config next = config_;
  next.max_viewers = config.max_viewers;
  next.api_token = config.api_token;
  next.max_campaigns = config.max_campaigns;
  next.drain_seconds = config.drain_seconds;
  next.log_level = config.log_level;
  next.create_on_arrival = config.create_on_arrival;
  next.idle_seconds = config.idle_seconds;
  next.arrival = config.arrival;
  next.campaigns = config.campaigns;
  config_ = next;
  set_log_level(config_.log_level);
  http_->set_token(config_.api_token);
  campaigns_->configure(config_);
  arrivals_->configure(config_);
  log(LogLevel::info, "reloaded", "the configuration was read again",
      {{"campaigns", config_.campaigns.size()}});
}

void CampaignServer::drain() {
  if (draining_) return;
  draining_ = true;
  deadline_ = g_get_monotonic_time() + gint64(config_.drain_seconds) * G_USEC_PER_SEC;
  log(LogLevel::info, "draining", "no new viewers are taken", {{"seconds", config_.drain_seconds}});
  campaigns_->drain();
  check_drain();
}

// Viewers go where there is somewhere to go; the others may watch until the time is up.
void CampaignServer::check_drain() {
  const auto viewers = stage_->report().viewers;
  const gint64 left = deadline_ - g_get_monotonic_time();
  if (const auto elsewhere = membership_->elsewhere())
    for (const ViewerInfo& viewer : viewers) stage_->redirect(viewer.peer, *elsewhere);
  if ((viewers.empty() && membership_->drained()) || left <= 0) return stop();
  if (left / G_USEC_PER_SEC != (left - kDrainCheckMs * 1000) / G_USEC_PER_SEC)
    log(LogLevel::info, "draining", "viewers are still there",
        {{"viewers", viewers.size()}, {"seconds", double(left) / G_USEC_PER_SEC}});
  ending_.start(kDrainCheckMs, [this] { check_drain(); });
}

void CampaignServer::stop() {
  if (std::exchange(stopping_, true)) return;
  log(LogLevel::info, "stopping", "every campaign is ended");
  deadline_ = g_get_monotonic_time() + kStopWithin;
  campaigns_->stop();
  membership_->leave();
  check_stop();
}

void CampaignServer::check_stop() {
  if (campaigns_->idle() || g_get_monotonic_time() > deadline_) {
    log(LogLevel::info, "stopped", "the server ends");
    if (ended_) ended_();
    return;
  }
  ending_.start(kStopCheckMs, [this] { check_stop(); });
}

// That the main loop came round to answer is what this says.
ApiResponse CampaignServer::healthz() const { return {200, R"({"status":"ok"})"}; }

ApiResponse CampaignServer::readyz() {
  const auto all = campaigns_->list();
  // The device is known to work once a campaign has run on it, until all fail.
  const auto has = [&](std::string_view status) {
    return std::ranges::any_of(all, [&](const CampaignInfo& info) { return info.status == status; });
  };
  if (has("running")) has_run_ = true;
  const bool device = all.empty() || has("running") || (has_run_ && !has("restarting"));
  const bool ready = campaigns_->loaded() && membership_->healthy() && device && !draining_;
  const json body{{"ready", ready},
                  {"loaded", campaigns_->loaded()},
                  {"nodes", membership_->healthy()},
                  {"device", device},
                  {"draining", draining_}};
  return {ready ? 200u : 503u, body.dump()};
}

}  // namespace campaign::server
