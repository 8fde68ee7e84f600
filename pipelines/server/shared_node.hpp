// One node of several that share campaigns through Redis: runs campaign/nodes/cluster.hpp on the main loop,
// with the time, the stores and the hints that it needs. Main loop's thread; callbacks come later on it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "campaign/nodes/cluster.hpp"
#include "events/redis/lease_store.hpp"
#include "events/redis/node_store.hpp"
#include "events/timer.hpp"
#include "pipelines/server/membership.hpp"

namespace campaign::server {

class SharedNode : public Membership,
                   private nodes::Host,
                   private nodes::LeaseStore,
                   private nodes::NodeStore {
 public:
  struct Settings {
    std::string node_id;
    std::string url;       // where the others and viewers reach this one
    std::uint64_t random;  // different in every process
    nodes::ClusterTerms terms = {};
  };
  // `others_changed`: the addresses of the other nodes, whenever they change. Connection, store and runner
  // outlive this.
  SharedNode(Settings settings, events::redis::Connection& connection, state::StateStore& store,
             nodes::Runner& runner, std::function<void(const std::vector<std::string>&)> others_changed);
  ~SharedNode() override;

  void campaigns(const std::vector<std::string>& ids) override;
  void add(const std::string& campaign, nodes::Found found) override;
  void forget(const std::string& campaign) override;
  void find(const std::string& campaign, nodes::Found found) override;
  std::optional<state::Epoch> owned(const std::string& campaign) const override;
  std::vector<nodes::NodeRecord> nodes() const override;
  void drain() override;
  bool drained() const override;
  std::optional<std::string> elsewhere() const override;
  void leave() override;
  bool healthy() const override { return connection_.ready(); }

 private:
  // nodes::Host
  void take(const std::string& campaign, nodes::Epoch epoch) override;
  void keep(const std::string& campaign) override;
  void give(const std::string& campaign, const std::string& url) override;
  nodes::NodeRecord describe() override { return runner_.describe(); }
  nodes::Load needs(const std::string& campaign) override { return runner_.needs(campaign); }
  void hint(const std::string& campaign) override;
  // The stores, each answer followed by a look at what is due next.
  void ask(const nodes::LeaseRequest& request, nodes::LeaseStore::Answer answer) override;
  void beat(const nodes::NodeRecord& record, nodes::NodeStore::Answer answer) override;
  void leave(const std::string& id) override { node_store_.leave(id); }

  void turn();
  void schedule();
  void list(std::function<void()> then = {});
  void listed(const std::vector<std::string>& ids);
  void watch();
  void hinted(const std::string& campaign);
  void look_at_others();

  events::redis::Connection& connection_;
  state::StateStore& store_;
  nodes::Runner& runner_;
  const std::function<void(const std::vector<std::string>&)> others_changed_;
  const std::string node_id_;
  events::redis::LeaseStore lease_store_;
  events::redis::NodeStore node_store_;
  std::set<std::string, std::less<>> stored_;                         // have a document, as last listed
  std::set<std::string, std::less<>> shown_;                          // here, whatever is listed
  std::map<std::string, nodes::Timestamp, std::less<>> about_to_be_;  // and until when that is believed
  std::vector<std::string> others_;
  nodes::Timestamp next_list_;
  bool listing_ = false, gone_ = false;
  std::unique_ptr<nodes::Cluster> cluster_;
  events::Timer timer_{nullptr};
  events::LoopQueue loop_;  // its jobs use the members above
  std::shared_ptr<SharedNode*> alive_;
  Subscription ready_, hints_;
};

}  // namespace campaign::server
