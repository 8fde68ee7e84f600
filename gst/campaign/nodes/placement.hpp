// Which node a campaign should run on: of two chosen at random among those with room for it, the one that is
// less loaded afterwards (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001: nearly
// as even as always taking the least loaded, without everybody who decides at the same time taking the same
// one). The random number is an argument: nodes that use the same one and see the same records choose the
// same node without a word. Pure functions, and a ledger for one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "campaign/nodes/node_record.hpp"
#include "congestion/units.hpp"
#include "util/result.hpp"

namespace campaign::nodes {

// A node's id, or what each node lacks.
Result<std::string> place(const std::vector<NodeRecord>& nodes, const Load& needs, std::uint64_t random);

// All nodes that are not draining, in the order in which they should try to take a campaign that has to run
// somewhere: the one that place() chooses, the others with room, and those without, least loaded first.
std::vector<std::string> takers(const std::vector<NodeRecord>& nodes, const Load& needs,
                                std::uint64_t random);

// The same number on every node, for a campaign that was last held under an epoch.
std::uint64_t shared_random(std::string_view campaign, std::uint64_t epoch);

// What this node has placed on others lately and they do not say yet.
class Forecasts {
 public:
  explicit Forecasts(congestion::TimeDelta kept = congestion::TimeDelta::ms(5000)) : kept_(kept) {}

  void placed(congestion::Timestamp now, std::string node, std::string campaign, const Load& needs);
  // The records with what is not in them yet.
  std::vector<NodeRecord> with(congestion::Timestamp now, std::vector<NodeRecord> nodes);

 private:
  struct Entry {
    congestion::Timestamp at;
    std::string node, campaign;
    Load needs;
  };
  congestion::TimeDelta kept_;
  std::vector<Entry> entries_;
};

}  // namespace campaign::nodes
