// See hosting.hpp.
#include "pipelines/server/hosting.hpp"

#include <algorithm>

#include "pipelines/server/log.hpp"
#include "pipelines/server/stage.hpp"

namespace campaign::server {

Hosting::Hosting(Stage& stage, std::function<void(const std::string& id, Status)> changed,
                 std::function<void()> ended)
    : stage_(stage), changed_(std::move(changed)), ended_(std::move(ended)) {}

const HostedCampaign* Hosting::find(const std::string& id) const {
  const auto found = wanted_.find(id);
  return found == wanted_.end() ? nullptr : found->second.hosted.get();
}

void Hosting::run(const std::string& id, const CampaignSpec& spec) {
  Wanted& wanted = wanted_[id];
  wanted.spec = spec;
  if (wanted.hosted)
    wanted.hosted->change(spec);
  else
    start(id, wanted);
}

void Hosting::start(const std::string& id, Wanted& wanted) {
  const auto same = [&](const auto& hosted) { return hosted->id() == id; };
  if (std::ranges::any_of(ending_, same)) return;  // reap() comes back to it
  log(LogLevel::info, "campaign-starting", "the campaign is started", {{"campaign", id}});
  wanted.hosted = std::make_unique<HostedCampaign>(stage_, id, wanted.spec, [this, id] {
    loop_.post([this, id] {  // it may be the one that goes
      reap();
      if (const HostedCampaign* now = find(id)) changed_(id, now->status());
    });
  });
}

void Hosting::end(const std::string& id) {
  const auto found = wanted_.find(id);
  if (found == wanted_.end()) return;
  if (auto hosted = std::move(found->second.hosted)) {
    hosted->stop();
    ending_.push_back(std::move(hosted));
  }
  wanted_.erase(found);
}

void Hosting::reap() {
  const auto gone = std::ranges::stable_partition(ending_, [](const auto& h) { return !h->stopped(); });
  if (gone.empty()) return;
  std::vector<std::string> ids;
  for (const auto& hosted : gone) ids.push_back(hosted->id());
  ending_.erase(gone.begin(), gone.end());
  ended_();
  for (const std::string& id : ids)
    if (const auto again = wanted_.find(id); again != wanted_.end()) start(id, again->second);
}

void Hosting::failed(GstObject* element, const std::string& campaign, const Error& what) {
  for (auto& [id, wanted] : wanted_)
    if (wanted.hosted && wanted.hosted->contains(element)) return wanted.hosted->failed(what);
  // What is no longer in the pipeline repeats what its campaign was restarted for.
  if (element && !gst_object_has_as_ancestor(element, GST_OBJECT(stage_.bin()))) return;
  const auto named = wanted_.find(campaign);
  if (named != wanted_.end() && named->second.hosted) return named->second.hosted->failed(what);
  log(LogLevel::error, "element-failed", what.for_user(),
      {{"element", element ? GST_OBJECT_NAME(element) : ""}, {"detail", what.detail()}});
}

}  // namespace campaign::server
