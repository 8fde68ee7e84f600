// See hosted_campaign.hpp.
#include "pipelines/server/hosted_campaign.hpp"

#include <algorithm>
#include <cmath>

#include "pipelines/server/log.hpp"
#include "pipelines/server/stage.hpp"

namespace campaign::server {
namespace {

constexpr unsigned kWatchMs = 250;
constexpr std::int64_t kSecond = G_USEC_PER_SEC;
constexpr std::int64_t kStartWithin = 120 * kSecond;  // a software driver that compiles every shader anew
constexpr std::int64_t kStalled = 10 * kSecond;
constexpr std::int64_t kHealthyAfter = 60 * kSecond;
constexpr double kFirstRetry = 0.5, kLastRetry = 30;  // seconds

double seconds_since(std::int64_t then) { return double(g_get_monotonic_time() - then) / kSecond; }

}  // namespace

std::string_view name_of(HostedCampaign::Status status) {
  switch (status) {
    case HostedCampaign::Status::starting:
      return "starting";
    case HostedCampaign::Status::running:
      return "running";
    case HostedCampaign::Status::restarting:
      return "restarting";
    case HostedCampaign::Status::stopping:
      break;
  }
  return "stopping";
}

HostedCampaign::HostedCampaign(Stage& stage, std::string id, CampaignSpec spec, std::function<void()> changed)
    : stage_(stage), id_(std::move(id)), spec_(std::move(spec)), changed_(std::move(changed)) {
  start();
}

HostedCampaign::~HostedCampaign() {
  ++run_;
  if (world_)
    worker_.post([world = std::move(world_)]() mutable {
      world->stop();
      world.reset();
    });
  worker_.stop();
}

void HostedCampaign::set_status(Status status) {
  if (status_ == status) return;
  status_ = status;
  loop_.post([this] { changed_(); });
}

void HostedCampaign::start() {
  const unsigned run = ++run_;
  since_ = progress_at_ = g_get_monotonic_time();
  frames_seen_ = 0;
  world_ = std::make_shared<World>(stage_, id_, spec_);
  worker_.post([this, run, world = world_] {
    loop_.post([this, run, outcome = world->start()] { started(run, outcome); });
  });
  watchdog_.start(kWatchMs, [this] { watch(); });
}

// It runs once frames come; the watchdog sees to that.
void HostedCampaign::started(unsigned run, const Result<void>& outcome) {
  if (run == run_ && !outcome) failed(outcome.error());
}

void HostedCampaign::watch() {
  const std::int64_t now = g_get_monotonic_time();
  const std::uint64_t frames = world_ ? world_->frames() : 0;
  if (frames > frames_seen_) {
    frames_seen_ = frames;
    progress_at_ = now;
    if (status_ != Status::running) {
      log(LogLevel::info, "campaign-running", "the campaign runs",
          {{"campaign", id_}, {"seconds", seconds_since(since_)}});
      since_ = now;
      set_status(Status::running);
    } else if (failures_in_a_row_ > 0 && now - since_ > kHealthyAfter) {
      failures_in_a_row_ = 0;
    }
  } else if (status_ != Status::running) {
    if (now - since_ > kStartWithin) return failed(Error("no frame came within two minutes"));
    // Progress for whoever waits: once a second, from the second second on.
    const double seconds = seconds_since(since_);
    if (seconds >= 1 && std::fmod(seconds, 1.0) < kWatchMs / 1000.0)
      log(LogLevel::info, "campaign-starting", "the campaign is still being started",
          {{"campaign", id_}, {"seconds", std::floor(seconds)}});
  } else if (now - progress_at_ > kStalled) {
    return failed(Error("no frame came for ten seconds"));
  }
  watchdog_.start(kWatchMs, [this] { watch(); });
}

void HostedCampaign::change(const CampaignSpec& spec) {
  spec_ = spec;
  if (world_) world_->change(spec);
}

// One failure is often told by several elements; the first counts.
void HostedCampaign::failed(const Error& why) {
  if (status_ == Status::stopping || !world_) return;
  last_failure_ = why.for_user();
  ++restarts_;
  const double wait = std::min(kLastRetry, kFirstRetry * std::pow(2.0, failures_in_a_row_++)) *
                      g_random_double_range(0.8, 1.2);
  log(LogLevel::error, "campaign-failed", why.for_user(),
      {{"campaign", id_}, {"detail", why.detail()}, {"retry_seconds", wait}, {"restarts", restarts_}});
  watchdog_.stop();
  set_status(Status::restarting);
  take_down([this, wait] { retry_.start(unsigned(wait * 1000), [this] { start(); }); });
}

void HostedCampaign::take_down(std::function<void()> then) {
  const unsigned run = ++run_;
  worker_.post([this, run, world = std::exchange(world_, nullptr), then = std::move(then)]() mutable {
    if (world) world->stop();
    world.reset();
    loop_.post([this, run, then = std::move(then)] {
      if (run == run_) then();
    });
  });
}

void HostedCampaign::stop() {
  if (status_ == Status::stopping) return;
  watchdog_.stop();
  retry_.stop();
  set_status(Status::stopping);
  take_down([this] {
    stopped_ = true;
    changed_();
  });
}

}  // namespace campaign::server
