// See membership.hpp.
#include "pipelines/server/membership.hpp"

namespace campaign::server {

void SingleNode::take(const std::string& campaign) {
  if (owned_.insert(campaign).second) loop_.post([this, campaign] { runner_.take(campaign, kEpoch); });
}

void SingleNode::campaigns(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) take(id);
}

void SingleNode::add(const std::string& campaign, nodes::Found found) {
  take(campaign);
  find(campaign, std::move(found));
}

void SingleNode::find(const std::string& campaign, nodes::Found found) {
  loop_.post([this, campaign, found = std::move(found)] {
    found({owned_.contains(campaign) ? nodes::Where::Kind::here : nodes::Where::Kind::nowhere, {}, {}});
  });
}

std::optional<state::Epoch> SingleNode::owned(const std::string& campaign) const {
  if (!owned_.contains(campaign)) return std::nullopt;
  return kEpoch;
}

std::vector<nodes::NodeRecord> SingleNode::nodes() const {
  nodes::NodeRecord record = runner_.describe();
  record.id = id_;
  record.url = url_();
  record.draining = draining_;
  return {record};
}

}  // namespace campaign::server
