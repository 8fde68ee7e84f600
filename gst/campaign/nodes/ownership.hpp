// All campaigns as one node sees them: which it owns, who owns the others, and what it asks the store of
// leases to find out and to keep it so. Time comes in with every call; the store answers in its own time.
// One thread. Made to be run by a loop: tick() when next_due() says so, and after each other call.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "campaign/nodes/lease.hpp"

namespace campaign::nodes {

class Ownership {
 public:
  // What has changed, in order; from tick() or an answer of the store. May call anything here but tick().
  using OnChange = std::function<void(const std::string& campaign, const LeaseChange& change, Timestamp now)>;
  // A campaign is vacant: how long to leave it to others before trying. Empty: it is for others altogether
  // (asked again while it stays vacant).
  using HoldBack = std::function<std::optional<TimeDelta>(const std::string& campaign,
                                                          const LeaseChange& vacancy, Timestamp now)>;

  // The store must outlive this; answers that come later are dropped.
  Ownership(Holder self, const LeaseTerms& terms, LeaseStore& store, Timestamp now, HoldBack hold_back,
            OnChange on_change);

  // A campaign that there is. Does nothing if it is known.
  void watch(const std::string& campaign, Timestamp now);
  // A campaign that there is no longer; lets go of it.
  void forget(const std::string& campaign, Timestamp now);

  // As in Lease; of campaigns that are watched.
  void claim(const std::string& campaign, Timestamp now);
  void release(const std::string& campaign, Timestamp now, std::string offer_to = {});
  void look(const std::string& campaign, Timestamp now);
  // Keeps a vacant campaign for another node. Nothing happens if somebody has it.
  void offer(const std::string& campaign, const std::string& to, Timestamp now);

  // The epoch to write with, if it may be written now.
  std::optional<Epoch> owned(const std::string& campaign, Timestamp now) const;
  // As last seen.
  std::optional<Holder> holder(const std::string& campaign) const;
  const Lease* find(const std::string& campaign) const;
  const Holder& self() const { return self_; }

  // The connection to the store was away. Noticed by itself too, when requests went unanswered.
  void store_is_back(Timestamp now);

  void tick(Timestamp now);
  Timestamp next_due() const;

 private:
  void send(LeaseRequest request, Timestamp now);
  void on_answer(const LeaseRequest& request, Timestamp now, const LeaseReply& reply);
  void changed(const std::string& campaign, Lease& lease, Timestamp now, std::optional<LeaseChange> change);
  Lease* known(const std::string& campaign);

  Holder self_;
  LeaseTerms terms_;
  LeaseStore& store_;
  HoldBack hold_back_;
  OnChange on_change_;
  // Shared, since a change may make its listener forget the campaign that is just being looked at.
  std::map<std::string, std::shared_ptr<Lease>, std::less<>> leases_;
  std::uint64_t requests_ = 0;
  Timestamp claims_from_;
  std::optional<Timestamp> unanswered_since_;
  std::shared_ptr<Ownership*> alive_;  // last: what answers hold weakly
};

}  // namespace campaign::nodes
