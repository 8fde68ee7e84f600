// See shared_node.hpp.
#include "pipelines/server/shared_node.hpp"

#include <algorithm>

#include "events/lease_clock.hpp"
#include "pipelines/server/log.hpp"
#include "util/hex.hpp"
#include "util/id.hpp"

namespace campaign::server {
namespace {

using events::lease_clock;
using nodes::TimeDelta;
using nodes::Timestamp;

// A channel: the id of a campaign that has changed hands, or is to be taken.
constexpr const char* kHints = "campaign:leases";
constexpr TimeDelta kListEvery = TimeDelta::ms(2000);
// From a first word of a campaign until its document is there, or will not be.
constexpr TimeDelta kAboutToBe = TimeDelta::ms(15'000);
constexpr TimeDelta kFindWithin = TimeDelta::ms(8000);  // a dead node's lease, and its campaign's new start
constexpr unsigned kLongestRestMs = 500;

}  // namespace

SharedNode::SharedNode(Settings settings, events::redis::Connection& connection, state::StateStore& store,
                       nodes::Runner& runner,
                       std::function<void(const std::vector<std::string>&)> others_changed)
    : connection_(connection),
      store_(store),
      runner_(runner),
      others_changed_(std::move(others_changed)),
      node_id_(settings.node_id),
      lease_store_(connection),
      node_store_(connection),
      next_list_(lease_clock() + kListEvery),
      cluster_(std::make_unique<nodes::Cluster>(
          nodes::Holder{settings.node_id, hex(settings.random)}, settings.url, settings.terms,
          static_cast<nodes::LeaseStore&>(*this), static_cast<nodes::NodeStore&>(*this),
          static_cast<nodes::Host&>(*this), settings.random, lease_clock())),
      alive_(std::make_shared<SharedNode*>(this)),
      ready_(connection.on_ready([this](bool ready) {
        log(ready ? LogLevel::info : LogLevel::warning, ready ? "redis-ready" : "redis-away",
            ready ? "Redis answers" : connection_.trouble(), {{"redis", connection_.address().shown()}});
        if (!ready) return;
        cluster_->store_is_back(lease_clock());
        list();
        schedule();
      })),
      hints_(connection.subscribe(kHints, [this](std::string_view text) { hinted(std::string(text)); })) {
  timer_.start(0, [this] { turn(); });
}

SharedNode::~SharedNode() { leave(); }

void SharedNode::leave() {
  if (std::exchange(gone_, true)) return;
  timer_.stop();
  cluster_->leave(lease_clock());
}

void SharedNode::turn() {
  if (gone_) return;
  const Timestamp now = lease_clock();
  if (now >= next_list_) list();
  cluster_->tick(now);
  schedule();
}

void SharedNode::schedule() {
  if (gone_) return;
  const TimeDelta rest = std::min(cluster_->next_due(), next_list_) - lease_clock();
  const auto ms = std::clamp<std::int64_t>(rest.ns() / 1'000'000 + 1, 1, kLongestRestMs);
  timer_.start(unsigned(ms), [this] { turn(); });
}

void SharedNode::ask(const nodes::LeaseRequest& request, nodes::LeaseStore::Answer answer) {
  lease_store_.ask(request, [weak = std::weak_ptr(alive_), answer = std::move(answer)](
                                Timestamp now, const nodes::LeaseReply& reply) {
    answer(now, reply);
    if (const auto alive = weak.lock()) (*alive)->schedule();
  });
}

void SharedNode::beat(const nodes::NodeRecord& record, nodes::NodeStore::Answer answer) {
  node_store_.beat(record, [weak = std::weak_ptr(alive_), answer = std::move(answer)](
                               Timestamp now, const Result<std::vector<nodes::NodeRecord>>& records) {
    answer(now, records);
    if (const auto alive = weak.lock()) {
      (*alive)->look_at_others();
      (*alive)->schedule();
    }
  });
}

void SharedNode::look_at_others() {
  std::vector<std::string> others;
  for (const auto& node : cluster_->nodes())
    if (node.id != node_id_ && !node.draining) others.push_back(node.url);
  if (others == others_) return;
  others_ = others;
  others_changed_(others_);
}

void SharedNode::list(std::function<void()> then) {
  next_list_ = lease_clock() + kListEvery;
  if (std::exchange(listing_, true) && !then) return;
  store_.list([weak = std::weak_ptr(alive_), then = std::move(then)](const auto& ids) {
    const auto alive = weak.lock();
    if (!alive) return;
    (*alive)->listing_ = false;
    if (ids) (*alive)->listed(*ids);
    if (then) then();
  });
}

void SharedNode::listed(const std::vector<std::string>& ids) {
  stored_ = std::set<std::string, std::less<>>(ids.begin(), ids.end());
  for (const std::string& id : ids) about_to_be_.erase(id);
  watch();
}

// What is shown here ends by its owner's own hand, not because a list lacks it: Redis may have lost it.
void SharedNode::watch() {
  if (gone_) return;
  const Timestamp now = lease_clock();
  std::erase_if(about_to_be_, [&](const auto& entry) { return now >= entry.second; });
  auto all = stored_;
  all.insert(shown_.begin(), shown_.end());
  for (const auto& [id, until] : about_to_be_) all.insert(id);
  cluster_->campaigns({all.begin(), all.end()}, now);
  schedule();
}

void SharedNode::campaigns(const std::vector<std::string>& ids) { listed(ids); }

void SharedNode::add(const std::string& campaign, nodes::Found found) {
  about_to_be_[campaign] = lease_clock() + kAboutToBe;
  watch();
  hint(campaign);  // whoever is to have it may be another
  find(campaign, std::move(found));
}

void SharedNode::forget(const std::string& campaign) {
  shown_.erase(campaign);
  stored_.erase(campaign);
  about_to_be_.erase(campaign);
  watch();
}

void SharedNode::find(const std::string& campaign, nodes::Found found) {
  const auto ask = [this, campaign, found] {
    cluster_->find(campaign, lease_clock(), kFindWithin,
                   [weak = std::weak_ptr(alive_), found](const nodes::Where& where) {
                     if (const auto alive = weak.lock())
                       (*alive)->loop_.post([found, where] { found(where); });
                   });
    schedule();
  };
  if (stored_.contains(campaign) || shown_.contains(campaign) || about_to_be_.contains(campaign))
    return ask();
  list([this, campaign, ask, found] {
    if (stored_.contains(campaign)) return ask();
    loop_.post([found] { found({}); });
  });
}

void SharedNode::hint(const std::string& campaign) {
  connection_.command({"PUBLISH", kHints, campaign}, [](const events::redis::Reply&) {});
}

void SharedNode::hinted(const std::string& campaign) {
  if (gone_ || !is_valid_id(campaign)) return;
  if (!stored_.contains(campaign) && !shown_.contains(campaign)) {
    about_to_be_[campaign] = lease_clock() + kAboutToBe;
    watch();
  }
  cluster_->on_hint(campaign, lease_clock());
  schedule();
}

void SharedNode::take(const std::string& campaign, nodes::Epoch epoch) {
  shown_.insert(campaign);
  log(LogLevel::info, "campaign-taken", "this node owns the campaign",
      {{"campaign", campaign}, {"epoch", epoch}});
  runner_.take(campaign, epoch);
}

void SharedNode::keep(const std::string& campaign) {
  log(LogLevel::warning, "campaign-kept", "the campaign is shown on, and nothing of it is written",
      {{"campaign", campaign}});
}

void SharedNode::give(const std::string& campaign, const std::string& url) {
  shown_.erase(campaign);
  log(LogLevel::info, "campaign-given", "another node has the campaign",
      {{"campaign", campaign}, {"url", url}});
  runner_.give(campaign, url);
}

std::optional<state::Epoch> SharedNode::owned(const std::string& campaign) const {
  return cluster_->owned(campaign, lease_clock());
}

std::vector<nodes::NodeRecord> SharedNode::nodes() const {
  auto all = cluster_->nodes();
  const bool listed =
      std::ranges::any_of(all, [&](const nodes::NodeRecord& node) { return node.id == node_id_; });
  if (!listed) all.push_back(cluster_->describe());
  return all;
}

void SharedNode::drain() {
  cluster_->drain(lease_clock());
  schedule();
}

bool SharedNode::drained() const { return cluster_->drained() || others_.empty(); }

// A campaign's viewers are sent to where it is given to, once it runs there; nobody is sent away before.
std::optional<std::string> SharedNode::elsewhere() const {
  if (!cluster_->drained() || others_.empty()) return std::nullopt;
  return others_.front();
}

}  // namespace campaign::server
