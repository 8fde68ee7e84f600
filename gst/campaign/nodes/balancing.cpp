#include "campaign/nodes/balancing.hpp"

#include <algorithm>
#include <utility>

#include "campaign/nodes/placement.hpp"

namespace campaign::nodes {

std::vector<Move> Balancer::plan(congestion::Timestamp now, const NodeRecord& self,
                                 std::vector<NodeRecord> others, std::uint64_t random) {
  std::erase_if(others, [&](const NodeRecord& node) { return node.draining || node.id == self.id; });
  if (self.draining) return drain(now, self, std::move(others), random);
  under_way_.clear();
  if (now < next_) return {};

  const double here = utilisation(self.expected(), self.capacity);
  std::vector<Move> moves;
  double evenest = here;
  for (const auto& campaign : self.campaigns) {
    if (campaign.viewers > 0 || campaign.idle_for < terms_.idle_for) continue;
    // Only to a node that is much less loaded, and stays less loaded with it than this one is now.
    std::vector<NodeRecord> lighter;
    for (const auto& node : others) {
      if (here - utilisation(node.expected(), node.capacity) >= terms_.gap) lighter.push_back(node);
    }
    const auto to = place(lighter, campaign.needs, random);
    if (!to) continue;
    const auto& target = *std::ranges::find(lighter, *to, &NodeRecord::id);
    const double heavier = std::max(utilisation(self.expected() - campaign.needs, self.capacity),
                                    utilisation(target.expected() + campaign.needs, target.capacity));
    if (heavier >= evenest) continue;
    evenest = heavier;
    moves = {{campaign.id, *to}};
  }
  if (!moves.empty()) next_ = now + terms_.pause;
  return moves;
}

std::vector<Move> Balancer::drain(congestion::Timestamp now, const NodeRecord& self,
                                  std::vector<NodeRecord> others, std::uint64_t random) {
  std::erase_if(under_way_, [&](const auto& entry) {
    return now >= entry.second || std::ranges::none_of(self.campaigns, [&](const PlacedCampaign& campaign) {
             return campaign.id == entry.first;
           });
  });
  std::vector<const PlacedCampaign*> waiting;
  for (const auto& campaign : self.campaigns) {
    if (!under_way_.contains(campaign.id)) waiting.push_back(&campaign);
  }
  std::ranges::stable_sort(waiting, {}, [](const PlacedCampaign* campaign) { return campaign->viewers; });

  std::vector<Move> moves;
  for (const PlacedCampaign* campaign : waiting) {
    if (under_way_.size() >= terms_.at_once) break;
    // It has to go, to whoever can best take it even if nobody has room.
    const auto order = takers(others, campaign->needs, random++);
    if (order.empty()) break;
    std::ranges::find(others, order.front(), &NodeRecord::id)->forecast += campaign->needs;
    under_way_[campaign->id] = now + terms_.move_within;
    moves.push_back({campaign->id, order.front()});
  }
  return moves;
}

}  // namespace campaign::nodes
