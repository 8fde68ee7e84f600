// The worlds that run on this node, one for each campaign of it. Main loop's thread.
//
// A world takes a while to stop: a campaign that is wanted again meanwhile is started when the old one is
// gone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "events/loop_queue.hpp"
#include "pipelines/server/hosted_campaign.hpp"

namespace campaign::server {

class Hosting {
 public:
  using Status = HostedCampaign::Status;

  // `changed` tells of a campaign's new status, later, on the main loop; `ended` that a world has stopped.
  Hosting(Stage& stage, std::function<void(const std::string& id, Status)> changed,
          std::function<void()> ended);

  void run(const std::string& id, const CampaignSpec& spec);  // or changes what runs
  void end(const std::string& id);
  // Blames whose element it is; `campaign` where that is known, or empty.
  void failed(GstObject* element, const std::string& campaign, const Error& what);

  const HostedCampaign* find(const std::string& id) const;  // null: it waits to be started, or is not wanted
  bool idle() const { return wanted_.empty() && ending_.empty(); }

 private:
  struct Wanted {
    CampaignSpec spec;
    std::unique_ptr<HostedCampaign> hosted;
  };

  void start(const std::string& id, Wanted& wanted);
  void reap();

  Stage& stage_;
  const std::function<void(const std::string& id, Status)> changed_;
  const std::function<void()> ended_;
  std::map<std::string, Wanted, std::less<>> wanted_;
  std::vector<std::unique_ptr<HostedCampaign>> ending_;
  events::LoopQueue loop_;  // last: its jobs use the members above
};

}  // namespace campaign::server
