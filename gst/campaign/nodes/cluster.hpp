// One node among others: puts ownership, the registry, placement and balancing together, and tells its host
// which campaigns to run. Vacant campaigns are taken without a word between the nodes: all make the same
// choice from what they know of each other, and the next in line steps in if the first does not. Who gives a
// campaign away goes on showing it until the other node does.
// One thread; time comes in; the stores answer in their own time. Run by a loop: tick() when next_due() says.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "campaign/nodes/balancing.hpp"
#include "campaign/nodes/node_store.hpp"
#include "campaign/nodes/ownership.hpp"
#include "campaign/nodes/placement.hpp"
#include "campaign/nodes/registry.hpp"
#include "campaign/nodes/runner.hpp"

namespace campaign::nodes {

// What runs campaigns, and speaks with the other nodes. Called from tick() and the stores' answers only; may
// call the cluster back, but for tick().
class Host : public Runner {
 public:
  // The store is silent: go on showing it, write nothing.
  virtual void keep(const std::string& campaign) = 0;
  // Tell the other nodes that it has changed hands, or is to be taken: a hint that may be lost.
  virtual void hint(const std::string& campaign) = 0;
};

struct ClusterTerms {
  LeaseTerms lease;
  RegistryTerms registry;
  BalanceTerms balance;
  TimeDelta step_in = TimeDelta::ms(500);        // how much later each next in line takes what is vacant
  TimeDelta ready_within = TimeDelta::ms(8000);  // for the new node to show what the old one gives away
  TimeDelta balance_every = TimeDelta::ms(500);
};

class Cluster {
 public:
  // `self` and `url` are this process's; all references outlive this.
  Cluster(Holder self, std::string url, const ClusterTerms& terms, LeaseStore& leases, NodeStore& nodes,
          Host& host, std::uint64_t random, Timestamp now);

  // The campaigns that there are, all of them: those that are new are taken by somebody, those that are gone
  // are let go of (the host stops them).
  void campaigns(const std::vector<std::string>& ids, Timestamp now);
  // Somebody hinted at it.
  void on_hint(const std::string& campaign, Timestamp now);
  // The connection to the stores was away and is back.
  void store_is_back(Timestamp now);

  // Where it runs, for a viewer or a request: answered now if it is known, else as soon as it is, and with
  // `nowhere` after `within`.
  void find(const std::string& campaign, Timestamp now, TimeDelta within, Found found);

  // Gives all campaigns away, and takes no more.
  void drain(Timestamp now);
  bool draining() const { return draining_; }
  // Nothing that others could take is shown here any more.
  bool drained() const { return shown_.empty(); }
  // The end: lets go of what it still has. Nothing is called afterwards.
  void leave(Timestamp now);

  // The epoch to write with, if it may be written now.
  std::optional<Epoch> owned(const std::string& campaign, Timestamp now) const {
    return ownership_.owned(campaign, now);
  }
  // What this node says of itself.
  NodeRecord describe() { return self_record(); }
  // The nodes that there are, as they last said.
  std::vector<NodeRecord> nodes() const { return registry_.nodes(); }
  std::optional<Holder> holder(const std::string& campaign) const { return ownership_.holder(campaign); }

  void tick(Timestamp now);
  Timestamp next_due() const;

 private:
  enum class Shown { owned, lapsed, given };
  struct Showing {
    Shown as = Shown::owned;
    Timestamp since;           // given: since when
    std::optional<Holder> to;  // given: whose it is now
  };
  struct Question {
    std::string campaign;
    Timestamp until;
    Found found;
  };

  void on_change(const std::string& campaign, const LeaseChange& change, Timestamp now);
  std::optional<TimeDelta> hold_back(const std::string& campaign, const LeaseChange& vacancy, Timestamp now);
  void beat(Timestamp now);
  void on_nodes(Timestamp now, const Result<std::vector<NodeRecord>>& records);
  void balance(Timestamp now);
  void finish_giving(Timestamp now);
  std::optional<Where> known(const std::string& campaign) const;
  void answer_questions(Timestamp now);
  NodeRecord self_record();

  Holder self_;
  std::string url_;
  ClusterTerms terms_;
  NodeStore& node_store_;
  Host& host_;
  std::uint64_t random_;
  Registry registry_;
  Balancer balancer_;
  Forecasts forecasts_;
  std::set<std::string, std::less<>> campaigns_;
  std::map<std::string, Showing> shown_;
  std::vector<Question> questions_;
  bool draining_ = false;
  std::uint64_t beats_ = 0;
  Timestamp settled_from_, next_beat_, next_balance_;
  std::shared_ptr<Cluster*> alive_;
  Ownership ownership_;  // last: its callbacks use what is above
};

}  // namespace campaign::nodes
