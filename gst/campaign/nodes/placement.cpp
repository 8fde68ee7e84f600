#include "campaign/nodes/placement.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace campaign::nodes {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): one step.
std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

double loaded_with(const NodeRecord& node, const Load& needs) {
  return utilisation(node.expected() + needs, node.capacity);
}

// The first resource that is not enough; null: it fits.
const ResourceRule* lacking(const NodeRecord& node, const Load& needs) {
  for (const auto& rule : kResources) {
    const double room = node.capacity[rule.resource] * rule.part;
    if (room > 0 && needs[rule.resource] > 0 &&
        node.expected()[rule.resource] + needs[rule.resource] > room * (1 + 1e-9)) {
      return &rule;
    }
  }
  return nullptr;
}

const NodeRecord* better_of_two(const std::vector<const NodeRecord*>& fit, const Load& needs,
                                std::uint64_t random) {
  if (fit.empty()) return nullptr;
  const std::size_t first = mixed(random) % fit.size();
  if (fit.size() == 1) return fit[first];
  std::size_t second = mixed(random + 1) % (fit.size() - 1);
  if (second >= first) ++second;
  return loaded_with(*fit[second], needs) < loaded_with(*fit[first], needs) ? fit[second] : fit[first];
}

std::vector<const NodeRecord*> with_room(const std::vector<NodeRecord>& nodes, const Load& needs) {
  std::vector<const NodeRecord*> fit;
  for (const auto& node : nodes) {
    if (!node.draining && !lacking(node, needs)) fit.push_back(&node);
  }
  // By id, so that everybody means the same node by the same number.
  std::ranges::sort(fit, {}, [](const NodeRecord* node) -> const std::string& { return node->id; });
  return fit;
}

}  // namespace

Result<std::string> place(const std::vector<NodeRecord>& nodes, const Load& needs, std::uint64_t random) {
  if (const NodeRecord* node = better_of_two(with_room(nodes, needs), needs, random)) return node->id;
  std::string detail;
  for (const auto& node : nodes) {
    detail += detail.empty() ? "" : "; ";
    if (node.draining) {
      detail += node.id + " is draining";
      continue;
    }
    const ResourceRule& rule = *lacking(node, needs);
    char amounts[96];
    std::snprintf(amounts, sizeof amounts, ": %.3g of %.3g taken, %.3g needed",
                  node.expected()[rule.resource], node.capacity[rule.resource] * rule.part,
                  needs[rule.resource]);
    detail.append(node.id).append(" lacks ").append(rule.words).append(amounts);
  }
  return Error("No node has room for another campaign.", detail.empty() ? "there is no node" : detail);
}

std::vector<std::string> takers(const std::vector<NodeRecord>& nodes, const Load& needs,
                                std::uint64_t random) {
  struct Rank {
    int group;  // chosen, with room, without
    double load;
    std::string id;
    auto operator<=>(const Rank&) const = default;
  };
  const NodeRecord* chosen = better_of_two(with_room(nodes, needs), needs, random);
  std::vector<Rank> ranks;
  for (const auto& node : nodes) {
    if (node.draining) continue;
    ranks.push_back({&node == chosen ? 0 : lacking(node, needs) ? 2 : 1, loaded_with(node, needs), node.id});
  }
  std::ranges::sort(ranks, [](const Rank& a, const Rank& b) { return a < b; });
  std::vector<std::string> ids;
  for (auto& rank : ranks) ids.push_back(std::move(rank.id));
  return ids;
}

std::uint64_t shared_random(std::string_view campaign, std::uint64_t epoch) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, 64 bits
  for (const char c : campaign) hash = (hash ^ std::uint8_t(c)) * 0x100000001b3;
  return mixed(hash ^ mixed(epoch));
}

void Forecasts::placed(congestion::Timestamp now, std::string node, std::string campaign, const Load& needs) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.campaign == campaign; });
  entries_.push_back({now, std::move(node), std::move(campaign), needs});
}

std::vector<NodeRecord> Forecasts::with(congestion::Timestamp now, std::vector<NodeRecord> nodes) {
  std::erase_if(entries_, [&](const Entry& entry) { return now - entry.at > kept_; });
  for (auto& node : nodes) {
    for (const auto& entry : entries_) {
      if (entry.node != node.id || std::ranges::any_of(node.campaigns, [&](const PlacedCampaign& campaign) {
            return campaign.id == entry.campaign;
          })) {
        continue;
      }
      node.forecast += entry.needs;
    }
  }
  return nodes;
}

}  // namespace campaign::nodes
