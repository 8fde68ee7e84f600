// What viewers may choose among, and what is chosen for them; see audience.hpp.
#include "viewer/audience.hpp"

#include <algorithm>

namespace campaign::viewer {
namespace {

using signalling::Refusal;
using signalling::RefusalCode;

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

void add_unique(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

}  // namespace

Result<std::shared_ptr<Rendition>, Refusal> Audience::choose(const std::string& campaign,
                                                             const std::string& quality) {
  const auto renditions = renditions_.snapshot();
  std::vector<std::string> campaigns, qualities;
  for (const auto& rendition : renditions) add_unique(campaigns, rendition->campaign());
  if (campaigns.empty()) return Refusal{RefusalCode::not_ready, "no campaign is served here yet"};
  const std::string& wanted = campaign.empty() ? campaigns.front() : campaign;
  const bool any = quality.empty() || quality == "auto";
  std::shared_ptr<Rendition> best;
  for (const auto& rendition : renditions) {  // the lowest first
    if (rendition->campaign() != wanted) continue;
    if (rendition->below_ladder() && !any) continue;
    if (any ? !best || rendition->rank() <= kStartBandwidth : quality == rendition->quality())
      best = rendition;
    if (!rendition->below_ladder()) add_unique(qualities, rendition->quality());
  }
  if (best) return best;
  if (qualities.empty())
    return Refusal{RefusalCode::unknown_campaign,
                   "there is no campaign \"" + wanted + "\" here; there is: " + list(campaigns), campaigns};
  return Refusal{RefusalCode::unknown_quality, "campaign \"" + wanted + "\" has no quality \"" + quality +
                                                   "\"; it has: auto, " + list(qualities)};
}

std::shared_ptr<Rendition> Audience::find(const std::string& campaign, const std::string& quality) {
  return renditions_.with([&](const auto& renditions) -> std::shared_ptr<Rendition> {
    for (const auto& rendition : renditions)
      if (rendition->campaign() == campaign && rendition->quality() == quality) return rendition;
    return nullptr;
  });
}

signalling::Choice Audience::choice_of(const std::string& campaign) {
  signalling::Choice choice;
  choice.campaign = campaign;
  for (const auto& rendition : renditions_.snapshot()) {
    add_unique(choice.campaigns, rendition->campaign());
    if (rendition->campaign() == campaign && !rendition->below_ladder())
      add_unique(choice.qualities, rendition->quality());
  }
  return choice;
}

// Campaigns and rungs come and go while their viewers watch.
void Audience::renew_choices() {
  loop_->post([this] {
    for (auto& [connection, viewer] : viewers_) renew_choice(connection, viewer);
  });
}

// The last of a campaign's rungs is gone: its viewers are told that, and not that there is nothing to choose.
void Audience::renew_choice(ConnectionId connection, Viewer& viewer) {
  const signalling::Choice choice = choice_of(viewer.campaign);
  if (choice.qualities.empty() || !server_) return;
  std::string message = to_json(choice);
  if (viewer.choice == message) return;
  viewer.choice = std::move(message);
  server_->send(connection, viewer.choice);
}

}  // namespace campaign::viewer
