// Which of its campaigns a node should give to another. Each node decides for its own. Only campaigns that
// nobody watches are moved to make nodes even, one at a time; a watched one moves only when its node drains,
// after the idle ones, those with the fewest viewers first. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "campaign/nodes/node_record.hpp"
#include "congestion/units.hpp"

namespace campaign::nodes {

struct BalanceTerms {
  // By how much more than another a node must be loaded before it gives something away: less would move
  // campaigns to and fro for nothing.
  double gap = 0.25;
  double idle_for = 10;                                           // seconds: who just left may come back
  congestion::TimeDelta pause = congestion::TimeDelta::ms(5000);  // after a move: to see what it did
  congestion::TimeDelta move_within = congestion::TimeDelta::ms(5000);  // then it is planned anew
  std::size_t at_once = 4;                                              // while draining
};

struct Move {
  std::string campaign, to;
  bool operator==(const Move&) const = default;
};

class Balancer {
 public:
  explicit Balancer(BalanceTerms terms = {}) : terms_(terms) {}

  // The moves to begin now. `self` as it would say it now, `others` as they last said.
  std::vector<Move> plan(congestion::Timestamp now, const NodeRecord& self, std::vector<NodeRecord> others,
                         std::uint64_t random);

 private:
  std::vector<Move> drain(congestion::Timestamp now, const NodeRecord& self, std::vector<NodeRecord> others,
                          std::uint64_t random);

  BalanceTerms terms_;
  std::map<std::string, congestion::Timestamp> under_way_;  // campaigns, and until when to wait for them
  congestion::Timestamp next_;
};

}  // namespace campaign::nodes
