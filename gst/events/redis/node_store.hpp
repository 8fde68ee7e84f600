// Nodes' records in Redis: the hash `campaign:nodes`, by id, and `campaign:beats`, when each was last written
// by Redis' clock. What was not written for a minute is cleared away by whoever writes next. Loop's thread
// only.
#pragma once

#include "campaign/nodes/node_store.hpp"
#include "events/redis/connection.hpp"

namespace campaign::events::redis {

class NodeStore : public nodes::NodeStore {
 public:
  explicit NodeStore(Connection& connection) : connection_(connection) {}  // which outlives this

  // Records that cannot be read are left out; `refused` counts them.
  void beat(const nodes::NodeRecord& record, Answer answer) override;
  void leave(const std::string& id) override;

  std::uint64_t refused() const { return *refused_; }

 private:
  Connection& connection_;
  std::shared_ptr<std::uint64_t> refused_ = std::make_shared<std::uint64_t>(0);
};

}  // namespace campaign::events::redis
