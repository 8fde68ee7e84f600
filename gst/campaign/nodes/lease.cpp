#include "campaign/nodes/lease.hpp"

#include <algorithm>
#include <utility>

namespace campaign::nodes {
namespace {

using Kind = LeaseRequest::Kind;
using Outcome = LeaseReply::Outcome;
using Change = LeaseChange::Kind;

// How soon to look whether a campaign was taken by whom it was offered to.
constexpr TimeDelta kLookAtOffer = TimeDelta::ms(100);

}  // namespace

Lease::Lease(std::string campaign, Holder self, const LeaseTerms& terms, Timestamp now, Timestamp claims_from)
    : campaign_(std::move(campaign)),
      self_(std::move(self)),
      terms_(terms),
      due_(now),
      claims_from_(claims_from) {}

void Lease::claim_after(Timestamp now, TimeDelta hold_back) {
  if (state_ != State::watching) return;
  claim_at_ = std::max(now, seen_ == Seen::free ? now : claims_from_) + hold_back;
  due_ = *claim_at_;
}

void Lease::claim(Timestamp now) {
  if (state_ == State::held || state_ == State::lapsed) return;
  unwanted_ = false;
  claim_at_ = now;
  if (state_ == State::watching) due_ = now;
}

void Lease::release(Timestamp now, std::string offer_to) {
  claim_at_.reset();
  if (state_ == State::claiming) {
    unwanted_ = true;
    offer_to_ = std::move(offer_to);
  }
  if (state_ != State::held && state_ != State::lapsed) return;
  state_ = State::releasing;
  announced_ = false;
  offer_to_ = std::move(offer_to);
  release_until_ = now + terms_.time;
  asked_ = 0;
  due_ = now;
}

void Lease::look(Timestamp now) {
  if (state_ == State::watching) due_ = std::min(due_, now);
}

void Lease::store_is_back(Timestamp now, Timestamp claims_from) {
  claims_from_ = claims_from;
  seen_ = Seen::nothing;
  due_ = std::min(due_, now);
}

std::optional<LeaseRequest> Lease::poll(Timestamp now, std::uint64_t& id) {
  if (asked_ && now >= asked_at_ + terms_.answer_within) on_timeout(now);
  if (asked_ || now < due_) return {};
  if (state_ == State::releasing && now >= release_until_) watch_on(now);  // it has run out instead

  LeaseRequest request{.campaign = campaign_, .holder = self_, .time = terms_.time};
  switch (state_) {
    case State::watching:
      // Looked at first: after a time without answers this would take what its holder is about to renew.
      if (claim_at_ && now >= *claim_at_ &&
          (seen_ == Seen::free || (seen_ == Seen::ran_out && now >= claims_from_))) {
        request.kind = Kind::acquire;
        request.epoch = epoch_;
        state_ = State::claiming;
        unwanted_ = false;
      }
      break;
    case State::claiming:  // its answer is waited for, or it is watching again
      return {};
    case State::held:
    case State::lapsed:
      request.kind = anew_ ? Kind::acquire : Kind::renew;
      request.epoch = epoch_;
      break;
    case State::releasing:
      request.kind = Kind::release;
      request.epoch = epoch_;
      request.offer_to = offer_to_;
      request.time = terms_.offer;
      break;
  }
  asked_ = request.id = ++id;
  asked_for_ = request.kind;
  asked_at_ = now;
  return request;
}

void Lease::on_timeout(Timestamp now) {
  asked_ = 0;
  due_ = now;
  seen_ = Seen::nothing;
  if (state_ != State::claiming) return;
  // It may have been granted: then we see ourselves there, or it runs out.
  state_ = State::watching;
  if (unwanted_) claim_at_.reset();
  unwanted_ = false;
}

std::optional<LeaseChange> Lease::advance(Timestamp now) {
  if (state_ == State::held && now >= owned_until_) return lapse();
  return {};
}

std::optional<LeaseChange> Lease::on_reply(Timestamp now, std::uint64_t id, const LeaseReply& reply) {
  if (id == 0 || id != asked_) return {};
  asked_ = 0;
  if (reply.outcome == Outcome::failed) {
    const Timestamp again = now + terms_.answer_within * (1.0 / 3);
    on_timeout(now);
    due_ = again;
    return {};
  }
  switch (state_) {
    case State::watching:
    case State::claiming:
      return on_watched(now, reply);
    case State::held:
    case State::lapsed:
      return on_renewed(now, reply);
    case State::releasing:
      watch_on(now + kLookAtOffer);
      return LeaseChange{Change::released, epoch_, {}};
  }
  return {};
}

std::optional<LeaseChange> Lease::on_watched(Timestamp now, const LeaseReply& reply) {
  state_ = State::watching;
  switch (reply.outcome) {
    case Outcome::granted:
      if (asked_for_ != Kind::acquire || reply.epoch == 0) break;
      if (unwanted_) {
        epoch_ = reply.epoch;
        state_ = State::held;
        release(now, std::exchange(offer_to_, {}));
        return {};
      }
      return hold(now, reply.epoch);
    case Outcome::held: {
      epoch_ = reply.epoch;
      // Our own, if an answer was lost; or kept for us: nobody else can have it now.
      const bool ours = reply.offered ? reply.holder.node == self_.node : reply.holder == self_;
      if (ours) {
        LeaseReply free = reply;
        free.ran_out = false;
        if (reply.offered) claim_at_ = now;
        return on_vacant(now, free);
      }
      seen_ = Seen::taken;
      claim_at_.reset();
      if (reply.offered) {
        holder_.reset();
        due_ = now + std::min(bounded(reply.remaining), kLookAtOffer);
        return {};
      }
      due_ = now + bounded(reply.remaining);
      if (holder_ == reply.holder) return {};
      holder_ = reply.holder;
      return LeaseChange{Change::moved, epoch_, *holder_};
    }
    case Outcome::vacant:
      return on_vacant(now, reply);
    case Outcome::young:
      // It has forgotten more than we have: whoever had it comes first.
      seen_ = Seen::nothing;
      if (epoch_ != 0) claims_from_ = std::max(claims_from_, now + terms_.patience);
      due_ = now + bounded(reply.remaining);
      return {};
    case Outcome::failed:
      break;
  }
  due_ = now + terms_.answer_within;
  return {};
}

std::optional<LeaseChange> Lease::on_vacant(Timestamp now, const LeaseReply& reply) {
  const bool forgotten = reply.epoch == 0 && epoch_ != 0;
  if (!forgotten) epoch_ = reply.epoch;
  holder_.reset();
  if (forgotten && seen_ != Seen::ran_out) claims_from_ = std::max(claims_from_, now + terms_.patience);
  seen_ = reply.ran_out || forgotten ? Seen::ran_out : Seen::free;
  if (claim_at_) {
    due_ = std::max(*claim_at_, seen_ == Seen::free ? now : claims_from_);
    return {};
  }
  due_ = now + terms_.time;
  return LeaseChange{Change::vacant, epoch_, reply.ran_out ? reply.holder : Holder{}};
}

std::optional<LeaseChange> Lease::hold(Timestamp now, Epoch epoch) {
  state_ = State::held;
  epoch_ = epoch;
  holder_ = self_;
  anew_ = false;
  claim_at_.reset();
  owned_until_ = asked_at_ + terms_.owned_for();
  due_ = std::max(now, asked_at_ + terms_.renew_every());
  if (now >= owned_until_) return lapse();  // the answer took longer than what it granted
  if (std::exchange(announced_, true)) return {};
  return LeaseChange{Change::owned, epoch_, self_};
}

std::optional<LeaseChange> Lease::on_renewed(Timestamp now, const LeaseReply& reply) {
  switch (reply.outcome) {
    case Outcome::granted:
      if (asked_for_ == Kind::renew && reply.epoch == epoch_) return hold(now, epoch_);
      if (asked_for_ == Kind::acquire && reply.epoch != 0) return hold(now, reply.epoch);
      break;
    case Outcome::held:
      if (reply.offered ? reply.holder.node != self_.node : reply.holder != self_) return lose(now, reply);
      [[fallthrough]];  // ours under another epoch, or kept for us
    case Outcome::vacant:
      anew_ = true;
      due_ = now;
      epoch_ = std::max(epoch_, reply.epoch);
      return lapse();
    case Outcome::young:
      due_ = now + bounded(reply.remaining);
      return {};
    case Outcome::failed:
      break;
  }
  due_ = now + terms_.answer_within;
  return {};
}

std::optional<LeaseChange> Lease::lapse() {
  state_ = State::lapsed;
  if (!std::exchange(announced_, false)) return {};
  return LeaseChange{Change::lapsed, epoch_, self_};
}

std::optional<LeaseChange> Lease::lose(Timestamp now, const LeaseReply& reply) {
  watch_on(now + (reply.offered ? kLookAtOffer : bounded(reply.remaining)));
  epoch_ = reply.epoch;
  if (!reply.offered) holder_ = reply.holder;
  return LeaseChange{Change::lost, reply.epoch, reply.holder};
}

void Lease::watch_on(Timestamp due) {
  state_ = State::watching;
  holder_.reset();
  announced_ = anew_ = false;
  seen_ = Seen::nothing;
  due_ = due;
}

TimeDelta Lease::bounded(TimeDelta remaining) const {
  return std::clamp(remaining, TimeDelta::ms(1), std::max(terms_.time, terms_.offer));
}

Timestamp Lease::next_due() const {
  const Timestamp next = asked_ ? asked_at_ + terms_.answer_within : due_;
  return state_ == State::held ? std::min(next, owned_until_) : next;
}

}  // namespace campaign::nodes
