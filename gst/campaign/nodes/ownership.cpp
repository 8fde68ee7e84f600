#include "campaign/nodes/ownership.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace campaign::nodes {

Ownership::Ownership(Holder self, const LeaseTerms& terms, LeaseStore& store, Timestamp now,
                     HoldBack hold_back, OnChange on_change)
    : self_(std::move(self)),
      terms_(terms),
      store_(store),
      hold_back_(std::move(hold_back)),
      on_change_(std::move(on_change)),
      claims_from_(now + terms.patience),
      alive_(std::make_shared<Ownership*>(this)) {}

Lease* Ownership::known(const std::string& campaign) {
  const auto it = leases_.find(campaign);
  return it == leases_.end() ? nullptr : it->second.get();
}

const Lease* Ownership::find(const std::string& campaign) const {
  const auto it = leases_.find(campaign);
  return it == leases_.end() ? nullptr : it->second.get();
}

void Ownership::watch(const std::string& campaign, Timestamp now) {
  auto& lease = leases_[campaign];
  if (!lease) lease = std::make_shared<Lease>(campaign, self_, terms_, now, claims_from_);
}

void Ownership::forget(const std::string& campaign, Timestamp now) {
  const auto it = leases_.find(campaign);
  if (it == leases_.end()) return;
  const auto lease = it->second;
  leases_.erase(it);
  // Said once; if that is lost, it runs out.
  lease->release(now, {});
  if (auto request = lease->poll(now, requests_); request && request->kind == LeaseRequest::Kind::release) {
    send(std::move(*request), now);
  }
}

void Ownership::claim(const std::string& campaign, Timestamp now) {
  if (Lease* lease = known(campaign)) lease->claim(now);
}

void Ownership::release(const std::string& campaign, Timestamp now, std::string offer_to) {
  if (Lease* lease = known(campaign)) lease->release(now, std::move(offer_to));
}

void Ownership::look(const std::string& campaign, Timestamp now) {
  if (Lease* lease = known(campaign)) lease->look(now);
}

void Ownership::offer(const std::string& campaign, const std::string& to, Timestamp now) {
  send({.kind = LeaseRequest::Kind::offer,
        .id = ++requests_,
        .campaign = campaign,
        .holder = self_,
        .offer_to = to,
        .time = terms_.offer},
       now);
}

std::optional<Epoch> Ownership::owned(const std::string& campaign, Timestamp now) const {
  const Lease* lease = find(campaign);
  if (!lease || !lease->owned(now)) return {};
  return lease->epoch();
}

std::optional<Holder> Ownership::holder(const std::string& campaign) const {
  const Lease* lease = find(campaign);
  return lease ? lease->holder() : std::nullopt;
}

void Ownership::store_is_back(Timestamp now) {
  claims_from_ = now + terms_.patience;
  for (auto& [campaign, lease] : leases_) lease->store_is_back(now, claims_from_);
}

void Ownership::tick(Timestamp now) {
  std::vector<std::pair<std::string, std::shared_ptr<Lease>>> due;
  for (auto& [campaign, lease] : leases_) {
    if (lease->next_due() <= now) due.emplace_back(campaign, lease);
  }
  for (auto& [campaign, lease] : due) {
    changed(campaign, *lease, now, lease->advance(now));
    if (find(campaign) != lease.get()) continue;
    if (auto request = lease->poll(now, requests_)) send(std::move(*request), now);
  }
}

Timestamp Ownership::next_due() const {
  Timestamp next = Timestamp::never();
  for (const auto& [campaign, lease] : leases_) next = std::min(next, lease->next_due());
  return next;
}

void Ownership::send(LeaseRequest request, Timestamp now) {
  if (!unanswered_since_) unanswered_since_ = now;
  store_.ask(request, [weak = std::weak_ptr(alive_), request](Timestamp then, const LeaseReply& reply) {
    if (const auto alive = weak.lock()) (*alive)->on_answer(request, then, reply);
  });
}

void Ownership::on_answer(const LeaseRequest& request, Timestamp now, const LeaseReply& reply) {
  if (reply.outcome != LeaseReply::Outcome::failed) {
    // Silent for long enough that leases have run out whose holders are alive.
    const bool was_away = unanswered_since_ && now - *unanswered_since_ > terms_.time * 0.5;
    unanswered_since_.reset();
    if (was_away) store_is_back(now);
  }
  const auto it = leases_.find(request.campaign);
  if (it == leases_.end()) return;
  const auto lease = it->second;
  changed(request.campaign, *lease, now, lease->on_reply(now, request.id, reply));
}

void Ownership::changed(const std::string& campaign, Lease& lease, Timestamp now,
                        std::optional<LeaseChange> change) {
  if (!change) return;
  if (change->kind == LeaseChange::Kind::vacant) {
    if (const auto hold_back = hold_back_(campaign, *change, now)) lease.claim_after(now, *hold_back);
  }
  on_change_(campaign, *change, now);
}

}  // namespace campaign::nodes
