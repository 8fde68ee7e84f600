#include "campaign/nodes/cluster.hpp"

#include <algorithm>
#include <utility>

namespace campaign::nodes {

using Kind = LeaseChange::Kind;

Cluster::Cluster(Holder self, std::string url, const ClusterTerms& terms, LeaseStore& leases,
                 NodeStore& nodes, Host& host, std::uint64_t random, Timestamp now)
    : self_(self),
      url_(std::move(url)),
      terms_(terms),
      node_store_(nodes),
      host_(host),
      random_(random),
      registry_(terms.registry),
      balancer_(terms.balance),
      settled_from_(now + terms.registry.beat_every * 2.2),
      next_beat_(now),
      next_balance_(now),
      alive_(std::make_shared<Cluster*>(this)),
      ownership_(
          std::move(self), terms.lease, leases, now,
          [this](const std::string& campaign, const LeaseChange& vacancy, Timestamp then) {
            return hold_back(campaign, vacancy, then);
          },
          [this](const std::string& campaign, const LeaseChange& change, Timestamp then) {
            on_change(campaign, change, then);
          }) {}

void Cluster::campaigns(const std::vector<std::string>& ids, Timestamp now) {
  std::set<std::string, std::less<>> there(ids.begin(), ids.end());
  for (const auto& id : campaigns_) {
    if (there.contains(id)) continue;
    ownership_.forget(id, now);
    shown_.erase(id);
  }
  campaigns_ = std::move(there);
  for (const auto& id : campaigns_) ownership_.watch(id, now);
  answer_questions(now);
}

void Cluster::on_hint(const std::string& campaign, Timestamp now) { ownership_.look(campaign, now); }

void Cluster::store_is_back(Timestamp now) {
  ownership_.store_is_back(now);
  next_beat_ = now;
}

std::optional<Where> Cluster::known(const std::string& campaign) const {
  // What is given away is shown until the other node shows it, and who comes now is sent there at once.
  const auto shown = shown_.find(campaign);
  if (shown != shown_.end() && shown->second.as != Shown::given)
    return Where{Where::Kind::here, self_.node, url_};
  if (const auto holder = ownership_.holder(campaign); holder && holder->node != self_.node) {
    const NodeRecord* node = registry_.find_fresh(holder->node);
    if (node && node->incarnation == holder->incarnation) {
      return Where{Where::Kind::elsewhere, node->id, node->url};
    }
  }
  return {};
}

void Cluster::find(const std::string& campaign, Timestamp now, TimeDelta within, Found found) {
  if (const auto where = known(campaign)) return found(*where);
  ownership_.look(campaign, now);
  questions_.push_back({campaign, now + within, std::move(found)});
}

void Cluster::answer_questions(Timestamp now) {
  std::vector<std::pair<Found, Where>> answers;
  std::erase_if(questions_, [&](Question& question) {
    auto where = known(question.campaign);
    if (!where && now < question.until) return false;
    answers.emplace_back(std::move(question.found), where.value_or(Where{}));
    return true;
  });
  for (auto& [found, where] : answers) found(where);
}

std::optional<TimeDelta> Cluster::hold_back(const std::string& campaign, const LeaseChange& vacancy,
                                            Timestamp now) {
  if (draining_) return {};
  auto nodes = registry_.nodes();
  // Whose lease has run out is not there, whatever the registry still thinks.
  std::erase_if(nodes, [&](const NodeRecord& node) {
    return node.id == self_.node ||
           (node.id == vacancy.holder.node && node.incarnation == vacancy.holder.incarnation);
  });
  nodes.push_back(self_record());
  const Load needs = host_.needs(campaign);
  const auto order =
      takers(forecasts_.with(now, std::move(nodes)), needs, shared_random(campaign, vacancy.epoch));
  forecasts_.placed(now, order.front(), campaign, needs);
  const auto place = std::ranges::find(order, self_.node) - order.begin();
  // Right after its start a node does not know the others yet.
  return terms_.step_in * double(place) + std::max(settled_from_ - now, TimeDelta());
}

void Cluster::on_change(const std::string& campaign, const LeaseChange& change, Timestamp now) {
  switch (change.kind) {
    case Kind::owned:
      shown_[campaign] = {.as = Shown::owned};
      host_.take(campaign, change.epoch);
      host_.hint(campaign);
      break;
    case Kind::lapsed:
      shown_[campaign].as = Shown::lapsed;
      host_.keep(campaign);
      break;
    case Kind::lost:
    case Kind::moved: {
      const auto shown = shown_.find(campaign);
      if (shown == shown_.end()) break;
      if (shown->second.as != Shown::given) shown->second.since = now;
      shown->second.as = Shown::given;
      // What is offered is nobody's yet.
      if (const auto holder = ownership_.holder(campaign)) shown->second.to = holder;
      if (change.kind == Kind::lost) host_.keep(campaign);
      break;
    }
    case Kind::released:
      host_.hint(campaign);
      break;
    case Kind::vacant:
      break;
  }
  answer_questions(now);
}

void Cluster::drain(Timestamp now) {
  draining_ = true;
  next_beat_ = next_balance_ = now;
}

void Cluster::leave(Timestamp now) {
  for (const auto& [campaign, showing] : shown_) ownership_.release(campaign, now);
  ownership_.tick(now);
  alive_.reset();
  node_store_.leave(self_.node);
}

NodeRecord Cluster::self_record() {
  NodeRecord record = host_.describe();
  record.id = self_.node;
  record.incarnation = self_.incarnation;
  record.url = url_;
  record.draining = draining_;
  record.beat = beats_;
  return record;
}

void Cluster::beat(Timestamp now) {
  ++beats_;
  node_store_.beat(self_record(), [weak = std::weak_ptr(alive_)](
                                      Timestamp then, const Result<std::vector<NodeRecord>>& records) {
    if (const auto alive = weak.lock()) (*alive)->on_nodes(then, records);
  });
  next_beat_ = now + terms_.registry.beat_every;
}

void Cluster::on_nodes(Timestamp now, const Result<std::vector<NodeRecord>>& records) {
  if (!records) return;  // whoever keeps the records says why
  registry_.on_read(now, *records);
  finish_giving(now);
  answer_questions(now);
}

void Cluster::balance(Timestamp now) {
  next_balance_ = now + terms_.balance_every;
  NodeRecord self = self_record();
  // Only what is ours to give, and not twice.
  std::erase_if(self.campaigns,
                [&](const PlacedCampaign& campaign) { return !ownership_.owned(campaign.id, now); });
  for (const auto& move : balancer_.plan(now, self, registry_.nodes(), ++random_)) {
    ownership_.release(move.campaign, now, move.to);
    shown_[move.campaign] = {.as = Shown::given, .since = now};
    host_.keep(move.campaign);
  }
}

// Given away for good once the new node says that it shows it, or when it should have.
void Cluster::finish_giving(Timestamp now) {
  std::vector<std::pair<std::string, std::string>> done;
  for (const auto& [campaign, showing] : shown_) {
    if (showing.as != Shown::given || !showing.to) continue;
    const NodeRecord* node = registry_.find(showing.to->node);
    const bool shows =
        node && node->incarnation == showing.to->incarnation &&
        std::ranges::find(node->campaigns, campaign, &PlacedCampaign::id) != node->campaigns.end();
    if (shows || now - showing.since >= terms_.ready_within) {
      done.emplace_back(campaign, node ? node->url : std::string());
    }
  }
  for (const auto& [campaign, url] : done) {
    shown_.erase(campaign);
    host_.give(campaign, url);
  }
}

void Cluster::tick(Timestamp now) {
  if (now >= next_beat_) beat(now);
  ownership_.tick(now);
  if (now >= next_balance_) {
    finish_giving(now);
    balance(now);
    ownership_.tick(now);
  }
  answer_questions(now);
}

Timestamp Cluster::next_due() const {
  Timestamp next = std::min({ownership_.next_due(), next_beat_, next_balance_});
  for (const auto& question : questions_) next = std::min(next, question.until);
  return next;
}

}  // namespace campaign::nodes
