// The campaigns of this node: their documents, which of them run here, and every change to them. Main loop's
// thread; replies come later on that loop.
//
// A campaign's document in the store is {"campaign": what it is to be, "state": what its viewers are sent}.
// Only the owner writes it. What the store tells back is what is acted on and sent to viewers: so everybody
// sees every revision, in order, whoever asked for it. A change is answered when this node has been told of
// it, so that who asks next finds it here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "events/bus.hpp"
#include "events/loop_queue.hpp"
#include "events/timer.hpp"
#include "pipelines/server/campaign_spec.hpp"
#include "pipelines/server/config.hpp"
#include "pipelines/server/denial.hpp"
#include "pipelines/server/hosting.hpp"
#include "pipelines/server/membership.hpp"
#include "pipelines/server/spare_memory.hpp"

namespace campaign::server {

template <class T>
using Reply = std::function<void(Result<T, Denial>)>;

struct CampaignInfo {
  std::string id;
  CampaignSpec spec;
  state::Document document;
  std::string status, last_failure;
  unsigned restarts = 0;
  bool created = false;  // by this very request
};

class Campaigns : public nodes::Runner {
 public:
  Campaigns(Stage& stage, state::StateStore& store, events::Bus& bus, const Config& config);
  ~Campaigns() override;
  void set_membership(Membership& membership) { membership_ = &membership; }

  // Loads what the store has and lets the membership give each an owner; then creates what is configured.
  void begin();
  bool loaded() const { return loaded_; }
  // The configuration was read again.
  void configure(const Config& config);

  void create(const std::string& id, const CampaignSpec& spec, const nlohmann::json& state,
              Reply<CampaignInfo> reply);
  void change(const std::string& id, const nlohmann::json& patch, std::optional<state::Revision> expected,
              Reply<CampaignInfo> reply);
  void change_state(const std::string& id, const nlohmann::json& patch,
                    std::optional<state::Revision> expected, Reply<CampaignInfo> reply);
  void remove(const std::string& id, Reply<bool> reply);
  void get(const std::string& id, Reply<CampaignInfo> reply);
  std::vector<CampaignInfo> list() const;  // those that run here, by id

  // Of a campaign here: a place is kept for it, a document of it is being stored, there is one.
  enum class Presence { none, placed, coming, made };
  Presence presence(const std::string& id) const;

  // `campaign`: whose element it is where that is known, or empty.
  void failed(GstObject* element, const std::string& campaign, const Error& what) {
    hosting_.failed(element, campaign, what);
  }
  void viewer_left() { spare_memory_.some_ended(); }

  void drain();
  bool draining() const { return draining_; }
  void stop();  // every one of them, without forgetting any
  bool idle() const { return entries_.empty() && hosting_.idle(); }

  void take(const std::string& campaign, state::Epoch epoch) override;
  void give(const std::string& campaign, const std::string& url) override;
  nodes::NodeRecord describe() override;
  nodes::Load needs(const std::string& campaign) override;

 private:
  // A change that is stored, and that the store has not told back yet.
  struct Unanswered {
    state::Revision revision = 0;
    gint64 until = 0;  // monotonic microseconds: then it is answered all the same
    std::function<void()> answer;
  };

  struct Entry {
    std::string id;
    bool loaded = false;
    state::Document document;  // as the store told it last
    state::Document head;      // with what was sent to the store and is not answered yet
    unsigned in_flight = 0;
    std::vector<Unanswered> unanswered;
    std::optional<CampaignSpec> spec;  // none: there is no such campaign yet
    Subscription following;
    gint64 watched_at = 0;  // monotonic microseconds
    std::vector<std::function<void()>> when_loaded;
  };

  Entry* find(const std::string& id);
  void with_entry(const std::string& id, std::function<void(Entry&)> act,
                  std::function<void(const Denial&)> deny);
  void write(const std::string& id, std::function<Result<nlohmann::json, Denial>(const Entry&)> patch,
             std::optional<state::Revision> expected, Reply<CampaignInfo> reply, int tries = 0);
  void told(const std::string& id, const state::Update& update);
  void act_on(const std::string& id, const state::Update& update);
  void answer_changes(const std::string& id);
  void restore(const Entry& entry, state::Epoch epoch);
  void end(const std::string& id);
  void tend();
  void end_unmade();
  CampaignInfo info(const Entry& entry) const;
  void publish(const std::string& type, const std::string& id, nlohmann::json data);
  void ensure(const std::string& id, const nlohmann::json& given);

  Stage& stage_;
  state::StateStore& store_;
  events::Bus& bus_;
  Config config_;
  Membership* membership_ = nullptr;
  bool loaded_ = false, draining_ = false, stopping_ = false;
  std::map<std::string, Entry, std::less<>> entries_;
  Hosting hosting_;
  SpareMemory spare_memory_;
  events::Timer tending_{nullptr};
  events::LoopQueue loop_;  // last: its jobs use the members above
};

}  // namespace campaign::server
