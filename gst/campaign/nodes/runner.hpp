// What runs campaigns on a node, as whoever decides which of them are this node's sees it; and where one
// runs.
#pragma once

#include <functional>
#include <string>

#include "campaign/nodes/lease_store.hpp"
#include "campaign/nodes/node_record.hpp"

namespace campaign::nodes {

class Runner {
 public:
  virtual ~Runner() = default;
  // It is this node's, now or again: run it if it does not run, and write under `epoch`.
  virtual void take(const std::string& campaign, Epoch epoch) = 0;
  // It is another node's now and runs there: send its viewers to `url` and stop it. Empty: nobody knows
  // where, viewers are to come again.
  virtual void give(const std::string& campaign, const std::string& url) = 0;
  // Load, capacity and running campaigns of this node; whoever asks fills in the rest.
  virtual NodeRecord describe() = 0;
  // What a campaign is forecast to need here.
  virtual Load needs(const std::string& campaign) = 0;
};

struct Where {
  enum class Kind { here, elsewhere, nowhere };
  Kind kind = Kind::nowhere;
  std::string node, url;  // elsewhere
};
using Found = std::function<void(const Where&)>;

}  // namespace campaign::nodes
