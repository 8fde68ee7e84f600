// Leases in Redis (campaign/nodes/lease_store.hpp has the rules). A campaign's record is a hash (keys.hpp)
// {epoch, kind, node, incarnation, until}; one Lua script reads and writes it, by Redis' own clock in
// milliseconds. `campaign:store` {run, since} tells a store that has just started: the
// run_id that Redis changes with every start, and when it was first asked after that. Records stay for
// a day when they have run out. One Redis server, as pub/sub and this last key want it: not a
// Redis Cluster. Loop's thread only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "campaign/nodes/lease_store.hpp"
#include "events/redis/connection.hpp"

namespace campaign::events::redis {

inline constexpr const char* kStoreKey = "campaign:store";

class LeaseStore : public nodes::LeaseStore {
 public:
  explicit LeaseStore(Connection& connection) : connection_(connection) {}  // which outlives this

  void ask(const nodes::LeaseRequest& request, Answer answer) override;

 private:
  Connection& connection_;
};

// The parts of the above, for tests.
extern const std::string_view kLeaseScript;
std::vector<std::string> lease_arguments(const nodes::LeaseRequest& request);
nodes::LeaseReply read_lease_reply(const Reply& reply);

}  // namespace campaign::events::redis
