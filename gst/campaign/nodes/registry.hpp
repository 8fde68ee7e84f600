// Which nodes there are. Each node writes its record with every heartbeat and reads all; a node is there as
// long as its beat goes on, by the clock of whoever reads: no two clocks are compared. While the store cannot
// be read nobody disappears, and after such a time everybody gets his time anew. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "campaign/nodes/node_record.hpp"
#include "congestion/units.hpp"

namespace campaign::nodes {

struct RegistryTerms {
  congestion::TimeDelta beat_every = congestion::TimeDelta::ms(500);
  congestion::TimeDelta gone_after = congestion::TimeDelta::ms(2500);
  // Whose beat has paused for longer may be dead: nobody is sent there any more.
  congestion::TimeDelta fresh_for = congestion::TimeDelta::ms(1200);
  std::size_t most_nodes = 256;
};

class Registry {
 public:
  explicit Registry(RegistryTerms terms = {}) : terms_(terms) {}

  struct Changes {
    std::vector<std::string> came, went;  // nodes' ids; who restarts under his id does both
  };
  // All records as the store has them now.
  Changes on_read(congestion::Timestamp now, std::vector<NodeRecord> records);

  const NodeRecord* find(const std::string& id) const;
  // Those whose beat had not paused when the records were last read.
  const NodeRecord* find_fresh(const std::string& id) const;
  // By id; those that are there.
  std::vector<NodeRecord> nodes() const;

 private:
  struct Node {
    NodeRecord record;
    congestion::Timestamp beat_at;  // when its beat was last seen to have gone on
    bool there = true;
  };

  RegistryTerms terms_;
  std::map<std::string, Node> nodes_;
  std::optional<congestion::Timestamp> read_at_;
};

}  // namespace campaign::nodes
