// Which campaigns are this node's, and where the others are. One node alone has all of them; several share
// them. Main loop's thread; callbacks come later on that loop.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "campaign/nodes/runner.hpp"
#include "campaign/state/store.hpp"
#include "events/loop_queue.hpp"

namespace campaign::server {

class Membership {
 public:
  virtual ~Membership() = default;

  // These campaigns have a document: each gets an owner, whose runner is told to take it.
  virtual void campaigns(const std::vector<std::string>& ids) = 0;
  // One that is about to be made: it gets an owner, too, and `found` says which.
  virtual void add(const std::string& campaign, nodes::Found found) = 0;
  virtual void forget(const std::string& campaign) = 0;  // it was deleted
  virtual void find(const std::string& campaign, nodes::Found found) = 0;
  // The epoch to write with, if it may be written now.
  virtual std::optional<state::Epoch> owned(const std::string& campaign) const = 0;
  virtual std::vector<nodes::NodeRecord> nodes() const = 0;  // this one among them

  // Gives all campaigns away where somebody takes them; `elsewhere` is where a viewer may go meanwhile.
  virtual void drain() = 0;
  virtual bool drained() const = 0;
  virtual std::optional<std::string> elsewhere() const = 0;

  // This node ends: others may have what it still has, at once.
  virtual void leave() {}

  virtual bool healthy() const = 0;  // what it shares with other nodes can be reached
};

class SingleNode : public Membership {
 public:
  SingleNode(std::string id, std::function<std::string()> url, nodes::Runner& runner)
      : id_(std::move(id)), url_(std::move(url)), runner_(runner) {}

  void campaigns(const std::vector<std::string>& ids) override;
  void add(const std::string& campaign, nodes::Found found) override;
  void forget(const std::string& campaign) override { owned_.erase(campaign); }
  void find(const std::string& campaign, nodes::Found found) override;
  std::optional<state::Epoch> owned(const std::string& campaign) const override;
  std::vector<nodes::NodeRecord> nodes() const override;
  void drain() override { draining_ = true; }
  bool drained() const override { return true; }  // there is nobody who could take them
  std::optional<std::string> elsewhere() const override { return std::nullopt; }
  bool healthy() const override { return true; }

 private:
  static constexpr state::Epoch kEpoch = 1;

  void take(const std::string& campaign);

  const std::string id_;
  const std::function<std::string()> url_;
  nodes::Runner& runner_;
  std::set<std::string, std::less<>> owned_;
  bool draining_ = false;
  events::LoopQueue loop_;  // last: its jobs use the members above
};

}  // namespace campaign::server
