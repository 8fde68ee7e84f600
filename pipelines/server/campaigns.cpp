// See campaigns.hpp.
#include "pipelines/server/campaigns.hpp"

#include <algorithm>

#include "pipelines/server/campaign_document.hpp"
#include "pipelines/server/log.hpp"
#include "pipelines/server/stage.hpp"

namespace campaign::server {
namespace {

using nlohmann::json;
using state::Document;
using state::StoreFailure;

constexpr unsigned kTendMs = 1000;
constexpr int kMostTries = 16;
constexpr gint64 kUnmadeUntil = 10 * G_USEC_PER_SEC;
constexpr gint64 kToldWithin = 2 * G_USEC_PER_SEC;

Denial denial_of(const StoreFailure& failure) {
  switch (failure.code) {
    case StoreFailure::Code::conflict:
      return {409,
              "conflict",
              failure.message,
              {},
              failure.current ? std::optional(failure.current->revision()) : std::nullopt};
    case StoreFailure::Code::fenced:
      return {503, "not-owner", "another node has taken over this campaign; ask again"};
    case StoreFailure::Code::unavailable:
      return {503, "store-unavailable", failure.message};
    case StoreFailure::Code::unknown:
      return {503, "store-unknown", failure.message};
    case StoreFailure::Code::damaged:
      break;
  }
  return {500, "store-damaged", failure.message};
}

Denial unknown(const std::string& id) {
  return {404, "unknown-campaign", "there is no campaign \"" + id + "\""};
}

Denial not_certain() {
  return {503, "not-owner", "it is not certain at the moment whose this campaign is; ask again"};
}

}  // namespace

Campaigns::Campaigns(Stage& stage, state::StateStore& store, events::Bus& bus, const Config& config)
    : stage_(stage),
      store_(store),
      bus_(bus),
      config_(config),
      hosting_(
          stage,
          [this](const std::string& id, Hosting::Status status) {
            publish("campaign:status:v1:update", id, {{"status", name_of(status)}});
          },
          [this] { spare_memory_.some_ended(); }) {
  tending_.start(kTendMs, [this] { tend(); });
}

Campaigns::~Campaigns() = default;

Campaigns::Entry* Campaigns::find(const std::string& id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

Campaigns::Presence Campaigns::presence(const std::string& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return Presence::none;
  if (found->second.spec) return Presence::made;
  return found->second.in_flight > 0 ? Presence::coming : Presence::placed;
}

void Campaigns::begin() {
  store_.list([this](auto listed) {
    if (!listed) {
      log(LogLevel::error, "store-unavailable", listed.error().message);
      loop_.post([this] { begin(); });
      return;
    }
    membership_->campaigns(*listed);
    for (const auto& [id, given] : config_.campaigns) ensure(id, given);
    loaded_ = true;
  });
}

// What the configuration says of a campaign wins over what is stored; the rest of that stays.
void Campaigns::ensure(const std::string& id, const json& given) {
  const auto told = [id](const Result<CampaignInfo, Denial>& outcome) {
    if (!outcome && outcome.error().status != 307)  // its owner has been told the same
      log(LogLevel::error, "campaign-not-configured", outcome.error().message, {{"campaign", id}});
  };
  create(id, *parse_spec(given, "the campaign"), json::object(),
         [this, id, given, told](const Result<CampaignInfo, Denial>& outcome) {
           if (outcome || outcome.error().code != "exists") return told(outcome);
           change(id, given, std::nullopt, told);
         });
}

void Campaigns::configure(const Config& config) {
  const Config before = std::exchange(config_, config);
  stage_.set_max_viewers(config.max_viewers);
  for (const auto& [id, given] : config.campaigns) {
    const auto old = before.campaigns.find(id);
    if (old == before.campaigns.end() || old->second != given) ensure(id, given);
  }
  for (const auto& [id, given] : before.campaigns)
    if (!config.campaigns.contains(id))
      remove(id, [id](const Result<bool, Denial>& outcome) {
        if (!outcome)
          log(LogLevel::error, "campaign-not-removed", outcome.error().message, {{"campaign", id}});
      });
}

// Where it is, and here once its document is known.
void Campaigns::with_entry(const std::string& id, std::function<void(Entry&)> act,
                           std::function<void(const Denial&)> deny) {
  membership_->find(id, [this, id, act = std::move(act), deny = std::move(deny)](const nodes::Where& where) {
    using Kind = nodes::Where::Kind;
    Entry* entry = find(id);
    if (where.kind == Kind::elsewhere)
      return deny({307, "elsewhere", "node \"" + where.node + "\" has this campaign", where.url});
    if (!entry) return deny(unknown(id));
    if (entry->loaded) return act(*entry);
    entry->when_loaded.push_back([this, id, act, deny] {
      if (Entry* loaded = find(id))
        act(*loaded);
      else
        deny(unknown(id));
    });
  });
}

void Campaigns::create(const std::string& id, const CampaignSpec& spec, const json& state,
                       Reply<CampaignInfo> reply) {
  const auto deny = [reply](const Denial& denial) { reply(denial); };
  const auto make = [this, id, spec, state, reply](Entry& entry) {
    if (entry.spec) {
      if (*entry.spec == spec) return reply(info(entry));
      return reply(Denial{409,
                          "exists",
                          "there is a campaign \"" + id + "\" that is not the same; change it with PATCH",
                          {},
                          entry.document.revision()});
    }
    write(
        id,
        [id, spec, state](const Entry& now) -> Result<json, Denial> {
          if (now.spec) return Denial{409, "exists", "there is a campaign \"" + id + "\" by now"};
          return json{{"campaign", to_document(spec)}, {"state", state}};
        },
        std::nullopt,
        [this, id, reply](Result<CampaignInfo, Denial> made) {
          if (made) made->created = true;
          if (const Entry* now = find(id); !made && now && !now->spec && now->in_flight == 0) {
            membership_->forget(id);
            end(id);
          }
          reply(std::move(made));
        });
  };
  if (find(id)) return with_entry(id, make, deny);
  if (draining_)
    return loop_.post([reply] { reply(Denial{503, "draining", "this server takes no new campaigns"}); });
  if (entries_.size() >= config_.max_campaigns)
    return loop_.post([this, reply] {
      reply(Denial{507, "too-many-campaigns",
                   "all " + std::to_string(config_.max_campaigns) + " places for campaigns are taken"});
    });
  membership_->add(id, [this, id, make, deny](const nodes::Where&) { with_entry(id, make, deny); });
}

void Campaigns::change(const std::string& id, const json& patch, std::optional<state::Revision> expected,
                       Reply<CampaignInfo> reply) {
  write(
      id,
      [id, patch](const Entry& entry) -> Result<json, Denial> {
        if (!entry.spec) return unknown(id);
        const auto head = from_document(entry.head.json().value("campaign", json::object()));
        auto spec = patched(head ? *head : *entry.spec, patch);
        if (!spec) return Denial{422, "bad-campaign", spec.error().for_user()};
        return json{{"campaign", to_document(*spec)}};
      },
      expected, std::move(reply));
}

void Campaigns::change_state(const std::string& id, const json& patch,
                             std::optional<state::Revision> expected, Reply<CampaignInfo> reply) {
  write(
      id,
      [id, patch](const Entry& entry) -> Result<json, Denial> {
        if (!entry.spec) return unknown(id);
        return json{{"state", patch}};
      },
      expected, std::move(reply));
}

// Changes follow each other to the store without waiting for its answers; one that meets a conflict though it
// expected no revision is made again from what is there.
void Campaigns::write(const std::string& id, std::function<Result<json, Denial>(const Entry&)> patch,
                      std::optional<state::Revision> expected, Reply<CampaignInfo> reply, int tries) {
  with_entry(
      id,
      [this, id, patch = std::move(patch), expected, reply, tries](Entry& entry) {
        const auto epoch = membership_->owned(id);
        if (!epoch) return reply(not_certain());
        if (expected && *expected != entry.head.revision())
          return reply(Denial{409,
                              "conflict",
                              "the campaign is at revision " + std::to_string(entry.head.revision()) +
                                  ", not " + std::to_string(*expected),
                              {},
                              entry.head.revision()});
        const auto body = patch(entry);
        if (!body) return reply(body.error());
        const auto parsed = state::Patch::parse(body->dump());
        const auto change =
            parsed ? state::Change::of(entry.head, *parsed) : Result<state::Change>(parsed.error());
        if (!change) return reply(Denial{422, "bad-state", change.error().for_user()});
        entry.head = change->after;
        ++entry.in_flight;
        store_.commit(id, *epoch, *change, [this, id, patch, expected, reply, tries](auto stored) {
          Entry* now = find(id);
          if (now) --now->in_flight;
          if (!stored) {
            const auto& failure = stored.error();
            if (now) now->head = failure.current ? *failure.current : now->document;
            if (failure.code == StoreFailure::Code::conflict && !expected && tries < kMostTries)
              return write(id, patch, expected, reply, tries + 1);
            return reply(denial_of(failure));
          }
          // What was just made is there for whoever asks next, before the store has told it to its followers.
          if (now && !now->spec) told(id, {*stored, std::nullopt});
          now = find(id);
          if (!now) return reply(unknown(id));
          now->unanswered.push_back({stored->revision(), g_get_monotonic_time() + kToldWithin,
                                     [this, id, reply, document = *stored] {
                                       const Entry* then = find(id);
                                       if (!then) return reply(unknown(id));
                                       CampaignInfo outcome = info(*then);
                                       outcome.document = document;
                                       reply(std::move(outcome));
                                     }});
          answer_changes(id);
        });
      },
      [reply](const Denial& denial) { reply(denial); });
}

void Campaigns::remove(const std::string& id, Reply<bool> reply) {
  with_entry(
      id,
      [this, id, reply](Entry& entry) {
        const auto epoch = membership_->owned(id);
        if (!entry.spec) return reply(unknown(id));
        if (!epoch) return reply(not_certain());
        store_.remove(id, *epoch, [this, id, reply](auto removed) {
          if (!removed) return reply(denial_of(removed.error()));
          membership_->forget(id);
          end(id);
          publish("campaign:registry:v1:delete", id, json::object());
          log(LogLevel::info, "campaign-deleted", "the campaign was deleted", {{"campaign", id}});
          reply(true);
        });
      },
      [reply](const Denial& denial) { reply(denial); });
}

void Campaigns::get(const std::string& id, Reply<CampaignInfo> reply) {
  with_entry(
      id,
      [this, id, reply](Entry& entry) {
        if (!entry.spec) return reply(unknown(id));
        reply(info(entry));
      },
      [reply](const Denial& denial) { reply(denial); });
}

std::vector<CampaignInfo> Campaigns::list() const {
  std::vector<CampaignInfo> all;
  for (const auto& [id, entry] : entries_)
    if (entry.spec) all.push_back(info(entry));
  return all;
}

CampaignInfo Campaigns::info(const Entry& entry) const {
  CampaignInfo info{entry.id, entry.spec.value_or(CampaignSpec{}), entry.document, "starting", {}, 0, false};
  if (const HostedCampaign* hosted = hosting_.find(entry.id)) {
    info.status = name_of(hosted->status());
    info.last_failure = hosted->last_failure();
    info.restarts = hosted->restarts();
  }
  return info;
}

void Campaigns::take(const std::string& id, state::Epoch epoch) {
  if (stopping_) return;
  Entry& entry = entries_[id];
  if (!entry.id.empty()) {
    // It runs. A store that was away may have lost what it had.
    if (entry.loaded && entry.document.revision() > 0) restore(entry, epoch);
    return;
  }
  entry.id = id;
  entry.watched_at = g_get_monotonic_time();
  store_.load(id, [this, id](auto loaded) {
    Entry* now = find(id);
    if (!now || now->loaded) return;
    if (!loaded) {
      log(LogLevel::error, "campaign-not-loaded", loaded.error().message, {{"campaign", id}});
      membership_->forget(id);
      entries_.erase(id);
      return;
    }
    now->loaded = true;
    now->document = now->head = *loaded;
    now->following =
        store_.follow(id, Document(), [this, id](const state::Update& update) { told(id, update); });
    if (loaded->revision() > 0) told(id, {*loaded, std::nullopt});
    for (const auto& job : std::exchange(now->when_loaded, {})) job();
  });
}

void Campaigns::give(const std::string& id, const std::string& url) {
  for (const ViewerInfo& viewer : stage_.report().viewers)
    if (viewer.campaign == id && !url.empty()) stage_.redirect(viewer.peer, url);
  end(id);
}

void Campaigns::restore(const Entry& entry, state::Epoch epoch) {
  store_.restore(entry.id, epoch, entry.document, [id = entry.id](const auto& restored) {
    if (!restored)
      log(LogLevel::warning, "campaign-not-restored", restored.error().message, {{"campaign", id}});
  });
}

// The one way from the store to this node's world and viewers.
void Campaigns::told(const std::string& id, const state::Update& update) {
  act_on(id, update);
  answer_changes(id);
}

void Campaigns::answer_changes(const std::string& id) {
  Entry* entry = find(id);
  if (!entry || entry->unanswered.empty()) return;
  const auto due = std::ranges::stable_partition(
      entry->unanswered,
      [revision = entry->document.revision(), now = g_get_monotonic_time()](const Unanswered& change) {
        return change.revision > revision && now < change.until;
      });
  std::vector<Unanswered> answered(std::make_move_iterator(due.begin()), std::make_move_iterator(due.end()));
  entry->unanswered.erase(due.begin(), due.end());
  for (const Unanswered& change : answered) change.answer();
}

void Campaigns::act_on(const std::string& id, const state::Update& update) {
  Entry* entry = find(id);
  if (!entry) return;
  if (update.document.revision() < entry->document.revision()) {
    // The store has lost data. What runs here is newer, and goes back there as soon as this node may write.
    if (const auto epoch = membership_->owned(id)) restore(*entry, *epoch);
    return;
  }
  const bool news = entry->document.revision() != update.document.revision() || !entry->spec;
  entry->document = update.document;
  if (entry->in_flight == 0 && update.document.revision() > entry->head.revision())
    entry->head = update.document;
  const auto stored = update.document.json().find("campaign");
  if (stored == update.document.json().end()) return;  // deleted, or not made yet
  auto spec = from_document(*stored);
  if (!spec) {
    log(LogLevel::error, "campaign-damaged", spec.error().for_user(), {{"campaign", id}});
    return;
  }
  entry->spec = *spec;
  hosting_.run(id, *spec);
  json state = state_of(update.document);
  stage_.set_state(id, state.dump(), update.document.revision());
  if (!news) return;
  publish("campaign:state:v1:update", id,
          {{"revision", update.document.revision()}, {"state", std::move(state)}});
}

void Campaigns::end(const std::string& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  stage_.set_state(id, "", 0);
  auto waiting = std::exchange(found->second.when_loaded, {});
  const auto unanswered = std::exchange(found->second.unanswered, {});
  hosting_.end(id);
  entries_.erase(found);
  for (const auto& job : waiting) job();
  for (const Unanswered& change : unanswered) change.answer();
}

// A place was kept for a campaign that nobody then made.
void Campaigns::end_unmade() {
  std::vector<std::string> unmade;
  for (const auto& [id, entry] : entries_)
    if (entry.loaded && !entry.spec && entry.in_flight == 0 &&
        g_get_monotonic_time() - entry.watched_at > kUnmadeUntil)
      unmade.push_back(id);
  for (const std::string& id : unmade) {
    membership_->forget(id);
    end(id);
  }
}

void Campaigns::tend() {
  tending_.start(kTendMs, [this] { tend(); });
  std::vector<std::string> waited_for;
  for (const auto& [id, entry] : entries_)
    if (!entry.unanswered.empty()) waited_for.push_back(id);
  for (const std::string& id : waited_for) answer_changes(id);
  spare_memory_.give_back();
  end_unmade();
}

void Campaigns::drain() {
  draining_ = true;
  stage_.accept_viewers(false);
  membership_->drain();
}

void Campaigns::stop() {
  stopping_ = true;
  std::vector<std::string> all;
  for (const auto& [id, entry] : entries_) all.push_back(id);
  for (const std::string& id : all) end(id);
}

void Campaigns::publish(const std::string& type, const std::string& id, json data) {
  const auto published = bus_.publish({type, id, g_get_real_time() / 1000, std::move(data), {}});
  if (!published)
    log(LogLevel::warning, "event-not-published", published.error().for_user(), {{"campaign", id}});
}

// Simulating and drawing cost about this much of a core here; see the README's table of the benchmark.
nodes::Load Campaigns::needs(const std::string& id) {
  const Entry* entry = find(id);
  const CampaignSpec spec = entry && entry->spec ? *entry->spec : CampaignSpec{};
  constexpr double kSecondsAMillionFrames = 0.004, kBytesAParticle = 64, kRungs = 4;
  nodes::Load load;
  load[nodes::Resource::frame_time] = kSecondsAMillionFrames * spec.particles / 1e6 * spec.framerate;
  load[nodes::Resource::encoder_slots] = kRungs;
  load[nodes::Resource::memory] = kBytesAParticle * spec.particles;
  return load;
}

nodes::NodeRecord Campaigns::describe() {
  nodes::NodeRecord record;
  record.capacity[nodes::Resource::frame_time] = g_get_num_processors();
  record.capacity[nodes::Resource::viewers] = config_.max_viewers;
  const StageReport report = stage_.report();
  const gint64 now = g_get_monotonic_time();
  for (auto& [id, entry] : entries_) {
    if (!entry.spec) continue;
    nodes::PlacedCampaign placed{id, 0, 0, needs(id)};
    for (const ViewerInfo& viewer : report.viewers) placed.viewers += viewer.campaign == id;
    if (placed.viewers > 0) entry.watched_at = now;
    placed.idle_for = placed.viewers > 0 ? 0 : double(now - entry.watched_at) / G_USEC_PER_SEC;
    nodes::Load used = placed.needs;
    used[nodes::Resource::viewers] = placed.viewers;
    record.used += used;
    // The others send viewers here once they see it.
    const HostedCampaign* hosted = hosting_.find(id);
    if (hosted && hosted->status() == HostedCampaign::Status::running)
      record.campaigns.push_back(std::move(placed));
  }
  return record;
}

}  // namespace campaign::server
