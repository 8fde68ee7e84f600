#include "campaign/nodes/registry.hpp"

#include <utility>

namespace campaign::nodes {

Registry::Changes Registry::on_read(congestion::Timestamp now, std::vector<NodeRecord> records) {
  Changes changes;
  const bool was_away = read_at_ && now - *read_at_ > terms_.gone_after * 0.6;
  read_at_ = now;
  if (was_away) {
    for (auto& [id, node] : nodes_) node.beat_at = now;
  }
  for (auto& record : records) {
    const auto it = nodes_.find(record.id);
    if (it == nodes_.end()) {
      if (nodes_.size() >= terms_.most_nodes) continue;
      // Not known to live before its beat is seen to go on: what a dead node left behind looks the same.
      const std::string id = record.id;
      nodes_.emplace(id, Node{std::move(record), now, false});
      continue;
    }
    Node& node = it->second;
    const bool restarted = node.record.incarnation != record.incarnation;
    if (!restarted && node.record.beat == record.beat) continue;
    if (restarted && node.there) changes.went.push_back(record.id);
    if (restarted || !node.there) changes.came.push_back(record.id);
    node = {std::move(record), now, true};
  }
  for (auto it = nodes_.begin(); it != nodes_.end();) {
    if (now - it->second.beat_at <= terms_.gone_after) {
      ++it;
      continue;
    }
    if (it->second.there) changes.went.push_back(it->first);
    // Its record may stay in the store; it is then a stranger whose beat does not go on.
    it = nodes_.erase(it);
  }
  return changes;
}

const NodeRecord* Registry::find(const std::string& id) const {
  const auto it = nodes_.find(id);
  return it == nodes_.end() || !it->second.there ? nullptr : &it->second.record;
}

const NodeRecord* Registry::find_fresh(const std::string& id) const {
  const auto it = nodes_.find(id);
  const bool fresh =
      it != nodes_.end() && it->second.there && *read_at_ - it->second.beat_at <= terms_.fresh_for;
  return fresh ? &it->second.record : nullptr;
}

std::vector<NodeRecord> Registry::nodes() const {
  std::vector<NodeRecord> nodes;
  for (const auto& [id, node] : nodes_) {
    if (node.there) nodes.push_back(node.record);
  }
  return nodes;
}

}  // namespace campaign::nodes
