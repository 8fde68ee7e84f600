// Where nodes say that they are there, and find the others.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "campaign/nodes/node_record.hpp"
#include "congestion/units.hpp"
#include "util/result.hpp"

namespace campaign::nodes {

// Asynchronous; on one thread.
class NodeStore {
 public:
  // With the moment at which the answer is there.
  using Answer = std::function<void(congestion::Timestamp now, const Result<std::vector<NodeRecord>>&)>;

  virtual ~NodeStore() = default;

  // Keeps this record in place of the node's last one, and answers with all there are, this one too. The
  // answer comes once or never, and never from inside the call.
  virtual void beat(const NodeRecord& record, Answer answer) = 0;
  // This node goes. Said once, without an answer; if that is lost, its beat is seen to have stopped.
  virtual void leave(const std::string& id) = 0;
};

}  // namespace campaign::nodes
