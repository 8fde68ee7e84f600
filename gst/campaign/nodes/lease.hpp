// One campaign as one node sees it: watches who holds it, claims it when it is vacant, and while it holds
// it, renews it at a third of its time. A state machine without a clock and without a store: poll() says what
// to ask next, on_reply() takes the answer. One thread.
//
// It owns the campaign from a granted answer until the lease's time after the request *was sent*, less what
// clocks may differ in speed; the store counts from when the request came in, which is later. So it stops
// owning before anybody else can start, however late the answer was and however long the process slept, by
// its own clock alone. After that it has lapsed: it goes on asking, and either owns again or has lost to
// another holder. A store that does not answer makes it lapse, never lose.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "campaign/nodes/lease_store.hpp"

namespace campaign::nodes {

struct LeaseTerms {
  TimeDelta time = TimeDelta::ms(2000);  // of a lease; the same on every node
  // After so long an answer is not waited for any more.
  TimeDelta answer_within = TimeDelta::ms(600);
  // By how much a second may be longer on the store's or a node's clock than on another, together.
  double drift = 0.02;
  // What has run out is left alone for so long after this node (re)gained its store: whoever held it comes
  // back from the same outage and takes it on, and its viewers see nothing.
  TimeDelta patience = TimeDelta::ms(3500);
  TimeDelta offer = TimeDelta::ms(1500);  // how long a campaign is kept for whom it is offered to

  TimeDelta renew_every() const { return time * (1.0 / 3); }
  TimeDelta owned_for() const { return time * (1 - drift); }
};

struct LeaseChange {
  enum class Kind {
    owned,   // now, or again after lapsing; `epoch` to write with
    lapsed,  // keep the streams running, write nothing
    lost,    // another has it (`holder`): send the viewers there, and stop
    // Somebody should have it: claim_after() says whether and when we try. `holder`: whose has run out under
    // `epoch`; empty if it was let go of.
    vacant,
    released,  // as was asked for: others may take it from now on
    moved,     // seen at another holder than before
  };
  Kind kind;
  Epoch epoch = 0;
  Holder holder;
};

class Lease {
 public:
  enum class State { watching, claiming, held, lapsed, releasing };

  // What has run out is claimed no earlier than `claims_from`.
  Lease(std::string campaign, Holder self, const LeaseTerms& terms, Timestamp now, Timestamp claims_from);

  // Whether it may be written now. Ask right before writing, with the time of now.
  bool owned(Timestamp now) const { return state_ == State::held && now < owned_until_; }
  State state() const { return state_; }
  Epoch epoch() const { return epoch_; }  // ours, while held or lapsed; of what was last seen otherwise
  // Who has it, as last seen; empty: nobody. Ourselves while held or lapsed.
  const std::optional<Holder>& holder() const { return holder_; }

  // The answer to `vacant`: try in that time. Without it, `vacant` is said again after a lease's time.
  void claim_after(Timestamp now, TimeDelta hold_back);
  // Try now; whoever has it keeps it. Does nothing while held.
  void claim(Timestamp now);
  // Lets go of it, to nobody or to a node. Does nothing unless held, lapsed or claiming.
  void release(Timestamp now, std::string offer_to);
  // Looks again now: somebody says that it has changed hands.
  void look(Timestamp now);
  // The store answers again after it did not.
  void store_is_back(Timestamp now, Timestamp claims_from);

  // The request that is due, if one is. `id` grows by one with every request of this node.
  std::optional<LeaseRequest> poll(Timestamp now, std::uint64_t& id);
  // What time alone changes; before poll().
  std::optional<LeaseChange> advance(Timestamp now);
  // An answer to anything but the last request changes nothing.
  std::optional<LeaseChange> on_reply(Timestamp now, std::uint64_t id, const LeaseReply& reply);
  // When poll() or advance() next has something to do.
  Timestamp next_due() const;

 private:
  std::optional<LeaseChange> on_watched(Timestamp now, const LeaseReply& reply);
  std::optional<LeaseChange> on_renewed(Timestamp now, const LeaseReply& reply);
  std::optional<LeaseChange> on_vacant(Timestamp now, const LeaseReply& reply);
  std::optional<LeaseChange> hold(Timestamp now, Epoch epoch);
  std::optional<LeaseChange> lose(Timestamp now, const LeaseReply& reply);
  std::optional<LeaseChange> lapse();
  void watch_on(Timestamp due);
  void on_timeout(Timestamp now);
  // Within what a store can mean.
  TimeDelta bounded(TimeDelta remaining) const;

  std::string campaign_;
  Holder self_;
  LeaseTerms terms_;

  State state_ = State::watching;
  Epoch epoch_ = 0;
  std::optional<Holder> holder_;
  Timestamp owned_until_;
  bool announced_ = false;  // `owned` was said, and neither `lapsed` nor `lost` since
  bool anew_ = false;       // lapsed, and our record is gone: to be acquired instead of renewed

  Timestamp due_;            // of the next request
  std::uint64_t asked_ = 0;  // the request whose answer counts; 0: none
  LeaseRequest::Kind asked_for_ = LeaseRequest::Kind::look;
  Timestamp asked_at_, claims_from_, release_until_;
  std::optional<Timestamp> claim_at_;  // watching: when to try
  // Watching: what the store last said, if it has answered since it last did not. `ran_out`: its holder may
  // not know that it has lost it.
  enum class Seen { nothing, taken, free, ran_out };
  Seen seen_ = Seen::nothing;
  bool unwanted_ = false;  // claiming: release it as soon as it is granted
  std::string offer_to_;
};

}  // namespace campaign::nodes
