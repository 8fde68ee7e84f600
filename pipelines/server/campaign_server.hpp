// The server as a whole: puts stage, store, bus, campaigns and API together, and ends them in order. Main
// loop's thread.
#pragma once

#include <memory>
#include <string>

#include "events/in_process_bus.hpp"
#include "events/redis/connection.hpp"
#include "events/timer.hpp"
#include "pipelines/server/api/http.hpp"
#include "pipelines/server/arrivals.hpp"
#include "pipelines/server/campaigns.hpp"
#include "pipelines/server/stage.hpp"

namespace campaign::server {

class CampaignServer {
 public:
  static Result<std::unique_ptr<CampaignServer>> open(const Config& config);
  CampaignServer(const CampaignServer&) = delete;
  ~CampaignServer();

  std::string url() const;  // where others reach it
  void reload(const Config& config);
  // Takes no new viewers, tells those there where to go, and stops when nobody is left or the time is up.
  // Again: at once.
  void drain();
  // Ends every campaign, then calls `ended`.
  void stop();
  void on_end(std::function<void()> ended) { ended_ = std::move(ended); }

 private:
  explicit CampaignServer(const Config& config) : config_(config) {}
  Result<void> build();
  Result<void> open_store();
  void begin();
  void check_drain();
  void check_stop();
  ApiResponse healthz() const;
  ApiResponse readyz();

  Config config_;
  std::string temporary_state_;                       // folder to be removed
  std::unique_ptr<events::redis::Connection> redis_;  // none: a single node
  std::unique_ptr<state::StateStore> store_;
  std::unique_ptr<events::Bus> bus_;
  // The stage's thread uses the API, and the campaigns play on the stage.
  std::unique_ptr<HttpApi> http_;
  std::unique_ptr<Stage> stage_;
  std::unique_ptr<Campaigns> campaigns_;
  std::unique_ptr<Membership> membership_;
  std::unique_ptr<Arrivals> arrivals_;
  std::unique_ptr<ApiHandler> api_;
  std::function<void()> ended_;
  bool draining_ = false, stopping_ = false, has_run_ = false;
  gint64 deadline_ = 0;  // of the drain or the stop, monotonic microseconds
  events::Timer ending_{nullptr}, asked_to_drain_{nullptr};
};

}  // namespace campaign::server
