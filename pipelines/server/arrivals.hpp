// Viewers who come for a campaign that does not play here: each waits for it, goes to the node that has it,
// or has it made; what was made for one ends some time after the last one. Main loop's thread.
#pragma once

#include <map>
#include <string>

#include "events/timer.hpp"
#include "pipelines/server/campaigns.hpp"
#include "pipelines/server/config.hpp"
#include "pipelines/server/membership.hpp"
#include "pipelines/server/stage.hpp"

namespace campaign::server {

class Arrivals {
 public:
  Arrivals(Campaigns& campaigns, Membership& membership, Stage& stage, const Config& config);

  // The configuration was read again.
  void configure(const Config& config) { config_ = config; }
  // A viewer asks for a campaign that does not play here.
  void arrived(const std::string& peer, const std::string& campaign);

 private:
  void make(const std::string& peer, const std::string& campaign);
  void end_idle();

  Campaigns& campaigns_;
  Membership& membership_;
  Stage& stage_;
  Config config_;
  std::map<std::string, gint64> watched_at_;  // of what was made for a viewer, monotonic microseconds
  events::Timer tending_{nullptr};
};

}  // namespace campaign::server
