// Who may change a campaign: the one node that holds its lease. What a store of leases promises, whatever
// keeps it (Redis, or the simulation in the tests):
//
// A campaign has one record {epoch, kind, node, incarnation, until}. The store alone says what time it is.
//   acquire  a vacant campaign, or one that is offered to this node, or this very holder's own: the caller
//            holds it from now on, under an epoch that nobody had before. Never the old epoch again, so that
//            a release that was delayed on its way cannot take away what was acquired after it. Not if the
//            record's epoch is beyond the one that the caller knows, so that an acquire that was delayed on
//            its way cannot take what somebody has had meanwhile.
//   renew    by its holder, under its epoch: lasts on from now. Also when it has run out, as long as nobody
//            else has taken it: the holder comes back from a time without a store under its old epoch.
//   release  by its holder, under its epoch: vacant at once, or kept for the node it is offered to.
//   offer    a vacant campaign, kept for that node for a while.
//   look     changes nothing.
//
// A store that has just started may have forgotten its last moments. For one lease time after its first
// request it gives out nothing that had run out or that it does not know (`young`): by then whoever held it
// has noticed. Epochs are never lower than the store's clock in milliseconds, so that they grow even past a
// store that has lost everything. What is written under a lease is checked against the record's epoch by the
// store that takes it: a lease alone cannot stop what its holder sent before it lost it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "congestion/units.hpp"

namespace campaign::nodes {

using congestion::TimeDelta;
using congestion::Timestamp;

using Epoch = std::uint64_t;  // 0: none yet

// One run of one node's process: the same node after a restart is another holder.
struct Holder {
  std::string node, incarnation;
  bool operator==(const Holder&) const = default;
};

struct LeaseRequest {
  enum class Kind { look, acquire, renew, release, offer };
  Kind kind = Kind::look;
  std::uint64_t id = 0;  // of this request, among all of this holder's
  std::string campaign;
  Holder holder;
  Epoch epoch = 0;       // renew, release: under it; acquire: of the record, as last seen
  std::string offer_to;  // release (may be empty), offer: a node's id
  TimeDelta time;  // acquire, renew: of the lease; look: the same, for a young store; offered: of the offer
};

struct LeaseReply {
  enum class Outcome {
    granted,  // acquire, renew: `epoch` is the caller's; release, offer: done
    held,     // by `holder`, or offered to holder.node (`offered`), for `remaining` from the store's answer
    vacant,   // nobody has it; `ran_out`: its last holder did not release it and may not know
    young,    // ask again after `remaining`
    failed,   // no answer that can be read
  };
  Outcome outcome = Outcome::failed;
  Epoch epoch = 0;  // of the record
  Holder holder;
  bool offered = false;
  bool ran_out = false;
  TimeDelta remaining;
};

// Asynchronous; on one thread.
class LeaseStore {
 public:
  // With the moment at which the answer is there.
  using Answer = std::function<void(Timestamp now, const LeaseReply&)>;

  virtual ~LeaseStore() = default;

  // `answer` is called once, or never (the caller has its own deadline), and never from inside ask().
  virtual void ask(const LeaseRequest& request, Answer answer) = 0;
};

}  // namespace campaign::nodes
