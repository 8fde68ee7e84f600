// A campaign that runs on this node: its world is started, watched, and started again after a failure, alone
// and ever later if it keeps failing. Main loop's thread; what waits for devices runs on a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "events/loop_queue.hpp"
#include "events/timer.hpp"
#include "pipelines/server/campaign_spec.hpp"
#include "pipelines/server/world.hpp"
#include "util/worker.hpp"

namespace campaign::server {

class Stage;

class HostedCampaign {
 public:
  enum class Status { starting, running, restarting, stopping };

  // `changed` is called when the status has changed, and for the last time when it has stopped; later, on the
  // main loop.
  HostedCampaign(Stage& stage, std::string id, CampaignSpec spec, std::function<void()> changed);
  HostedCampaign(const HostedCampaign&) = delete;
  ~HostedCampaign();  // waits for the world to end; stop() before makes that short

  const std::string& id() const { return id_; }
  Status status() const { return status_; }
  bool stopped() const { return stopped_; }
  unsigned restarts() const { return restarts_; }
  const std::string& last_failure() const { return last_failure_; }

  void change(const CampaignSpec& spec);
  bool contains(GstObject* element) const { return world_ && world_->contains(element); }
  void failed(const Error& why);  // an element of it did
  void stop();

 private:
  void start();
  void started(unsigned run, const Result<void>& outcome);
  void watch();
  void take_down(std::function<void()> then);
  void set_status(Status status);

  Stage& stage_;
  const std::string id_;
  CampaignSpec spec_;
  const std::function<void()> changed_;
  Status status_ = Status::starting;
  bool stopped_ = false;
  unsigned run_ = 0;  // what is told of an earlier one is ignored
  unsigned restarts_ = 0, failures_in_a_row_ = 0;
  std::string last_failure_;
  std::int64_t since_ = 0, progress_at_ = 0;  // monotonic microseconds
  std::uint64_t frames_seen_ = 0;
  std::shared_ptr<World> world_;
  events::Timer watchdog_{nullptr}, retry_{nullptr};
  events::LoopQueue loop_;
  Worker worker_{"campaign-host"};  // last: it posts to the loop
};

std::string_view name_of(HostedCampaign::Status status);

}  // namespace campaign::server
