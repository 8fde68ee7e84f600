// Several nodes in simulated time around one store: who takes what, who gives it away, and what its viewers
// see of that.
#include "campaign/nodes/cluster.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "made_nodes.hpp"
#include "support/leases/lease_records.hpp"
#include "support/network/event_queue.hpp"

namespace campaign::nodes {
namespace {

using network::EventQueue;

// One store for all, a millisecond away; it can fall silent.
struct Site {
  EventQueue queue;
  test::LeaseRecords leases;
  std::map<std::string, NodeRecord> records;
  bool silent = false;
  Timestamp now() const { return queue.now(); }
};

class Machine : public Host, public LeaseStore, public NodeStore {
 public:
  Machine(Site& site, const std::string& id, std::vector<Machine*>& all) : site_(site), id_(id), all_(all) {
    cluster = std::make_unique<Cluster>(Holder{id, "first"}, "http://" + id, ClusterTerms{},
                                        static_cast<LeaseStore&>(*this), static_cast<NodeStore&>(*this),
                                        *this, 1, site.now());
    run();
  }

  void kill() { cluster.reset(); }

  struct Shown {
    bool writes = false;
    Epoch epoch = 0;
    int viewers = 0;
    Timestamp since;
  };
  std::map<std::string, Shown> shows;
  std::vector<std::pair<std::string, std::string>> given;  // campaign, url
  int takes = 0, keeps = 0;
  Load capacity = test::load(1);
  Load base;
  std::unique_ptr<Cluster> cluster;

  // Host
  void take(const std::string& campaign, Epoch epoch) override {
    ++takes;
    if (!shows.contains(campaign)) shows[campaign].since = site_.now();
    shows[campaign].writes = true;
    shows[campaign].epoch = epoch;
  }
  void keep(const std::string& campaign) override {
    ++keeps;
    shows[campaign].writes = false;
  }
  void give(const std::string& campaign, const std::string& url) override {
    for (Machine* other : all_) {  // its viewers follow
      if (other->cluster && "http://" + other->id_ == url)
        other->shows[campaign].viewers += shows[campaign].viewers;
    }
    given.emplace_back(campaign, url);
    shows.erase(campaign);
  }
  NodeRecord describe() override {
    NodeRecord record{.capacity = capacity, .used = base};
    for (const auto& [campaign, shown] : shows) {
      const bool watched = shown.viewers > 0;
      record.campaigns.push_back({.id = campaign,
                                  .viewers = shown.viewers,
                                  .idle_for = watched ? 0 : (site_.now() - shown.since).seconds(),
                                  .needs = needs(campaign)});
      (watched ? record.used : record.forecast) += needs(campaign);
    }
    return record;
  }
  Load needs(const std::string&) override { return test::load(0.05); }
  void hint(const std::string& campaign) override {
    if (site_.silent) return;
    for (Machine* other : all_) {
      if (!other->cluster) continue;
      site_.queue.after(TimeDelta::ms(1), [other, campaign] {
        if (other->cluster) other->cluster->on_hint(campaign, other->site_.now());
      });
    }
  }

  // the stores
  void ask(const LeaseRequest& request, LeaseStore::Answer answer) override {
    if (site_.silent) return;
    site_.queue.after(TimeDelta::ms(1), [this, request, answer] {
      const auto reply = site_.leases.answer(request, site_.now().ns() / 1'000'000);
      site_.queue.after(TimeDelta::ms(1), [this, reply, answer] { answer(site_.now(), reply); });
    });
  }
  void beat(const NodeRecord& record, NodeStore::Answer answer) override {
    if (site_.silent) return;
    site_.queue.after(TimeDelta::ms(1), [this, record, answer] {
      site_.records[record.id] = record;
      std::vector<NodeRecord> all;
      for (const auto& [id, each] : site_.records) all.push_back(each);
      site_.queue.after(TimeDelta::ms(1), [this, all, answer] { answer(site_.now(), all); });
    });
  }
  void leave(const std::string& id) override { site_.records.erase(id); }

 private:
  void run() {
    if (!cluster) return;
    cluster->tick(site_.now());
    site_.queue.after(TimeDelta::ms(5), [this] { run(); });
  }

  Site& site_;
  std::string id_;
  std::vector<Machine*>& all_;
};

class ACluster : public testing::Test {
 protected:
  ACluster() {
    site.queue.run_until(Timestamp::seconds(100));
    for (const char* id : {"a", "b", "c"}) {
      owned_.push_back(std::make_unique<Machine>(site, id, machines));
      machines.push_back(owned_.back().get());
    }
  }
  ~ACluster() override {
    for (Machine* machine : machines) machine->kill();
  }

  void play(double seconds) { site.queue.run_until(site.now() + TimeDelta::seconds(seconds)); }
  void with_campaigns(int count) {
    for (int i = 0; i < count; ++i) campaigns.push_back("c" + std::to_string(i));
    for (Machine* machine : machines) machine->cluster->campaigns(campaigns, site.now());
    play(8);
  }
  // How many write each campaign now: all of them exactly one?
  ::testing::AssertionResult each_has_one_writer() {
    for (const auto& campaign : campaigns) {
      int writers = 0;
      for (Machine* machine : machines) {
        writers += machine->cluster && machine->shows.contains(campaign) && machine->shows[campaign].writes;
      }
      if (writers != 1) return testing::AssertionFailure() << campaign << " has " << writers;
    }
    return testing::AssertionSuccess();
  }
  // The time until `condition`, or a failure.
  double until(const std::function<bool()>& condition, double most) {
    const Timestamp from = site.now();
    while (!condition()) {
      if ((site.now() - from).seconds() > most) {
        ADD_FAILURE() << "not within " << most << " s";
        break;
      }
      play(0.01);
    }
    return (site.now() - from).seconds();
  }
  Machine* owner(const std::string& campaign) {
    for (Machine* machine : machines) {
      if (machine->cluster && machine->shows.contains(campaign) && machine->shows[campaign].writes)
        return machine;
    }
    return nullptr;
  }

  Site site;
  std::vector<std::string> campaigns;
  std::vector<Machine*> machines;

 private:
  std::vector<std::unique_ptr<Machine>> owned_;
};

TEST_F(ACluster, RunsEachCampaignOnceAndSpreadsThem) {
  with_campaigns(12);
  EXPECT_TRUE(each_has_one_writer());
  for (Machine* machine : machines) {
    EXPECT_GE(machine->shows.size(), 2u);
    EXPECT_LE(machine->shows.size(), 6u);
  }
}

TEST_F(ACluster, TakesOverWhatADeadNodeHadWithinTheLeaseTimeAndALittle) {
  with_campaigns(12);
  machines[0]->kill();
  const double took = until([this] { return bool(each_has_one_writer()); }, 10);
  EXPECT_LE(took, 2.1);
  EXPECT_GE(machines[1]->shows.size(), 3u);
  EXPECT_GE(machines[2]->shows.size(), 3u);
}

TEST_F(ACluster, GoesOnThroughAnOutageOfItsStoreAndIsTheSameAfterwards) {
  with_campaigns(6);
  std::map<std::string, Epoch> epochs;
  for (const auto& campaign : campaigns) {
    epochs[campaign] = owner(campaign)->shows[campaign].epoch;
    owner(campaign)->shows[campaign].viewers = 2;
  }
  std::vector<std::size_t> before;
  for (Machine* machine : machines) before.push_back(machine->shows.size());

  site.silent = true;
  play(60);
  for (std::size_t i = 0; i < machines.size(); ++i) {
    EXPECT_EQ(machines[i]->shows.size(), before[i]);
    for (const auto& [campaign, shown] : machines[i]->shows) EXPECT_FALSE(shown.writes);
  }
  Where where;
  Machine* other = owner("c0") == machines[0] ? machines[1] : machines[0];
  other->cluster->find("c0", site.now(), TimeDelta::seconds(1), [&](const auto& found) { where = found; });
  EXPECT_NE(where.kind, Where::Kind::nowhere);  // viewers still find their way

  site.silent = false;
  EXPECT_LE(until([this] { return bool(each_has_one_writer()); }, 10), 2);
  play(10);
  EXPECT_TRUE(each_has_one_writer());
  for (const auto& campaign : campaigns) EXPECT_EQ(owner(campaign)->shows[campaign].epoch, epochs[campaign]);
  for (Machine* machine : machines) EXPECT_TRUE(machine->given.empty());
}

TEST_F(ACluster, TakesOverAfterAnOutageWhatDiedInIt) {
  with_campaigns(6);
  site.silent = true;
  play(20);
  machines[2]->kill();
  play(20);
  site.silent = false;
  EXPECT_LE(until([this] { return bool(each_has_one_writer()); }, 10), 6);
}

TEST_F(ACluster, SendsViewersOfADrainingNodeToWhereTheirCampaignAlreadyRuns) {
  with_campaigns(9);
  Machine& draining = *machines[1];
  int viewers = 0;
  for (auto& [campaign, shown] : draining.shows) viewers += shown.viewers = viewers % 3;
  const auto had = draining.shows.size();
  draining.cluster->drain(site.now());
  EXPECT_LE(until([&] { return draining.cluster->drained(); }, 20), 10);
  EXPECT_EQ(draining.given.size(), had);
  for (const auto& [campaign, url] : draining.given) {
    EXPECT_EQ(url, owner(campaign) == machines[0] ? "http://a" : "http://c") << campaign;
  }
  play(10);
  EXPECT_TRUE(draining.shows.empty());
  EXPECT_TRUE(each_has_one_writer());
}

TEST_F(ACluster, FindsACampaignFromEveryNode) {
  with_campaigns(3);
  for (const auto& campaign : campaigns) {
    for (Machine* machine : machines) {
      Where where;
      machine->cluster->find(campaign, site.now(), TimeDelta::seconds(1),
                             [&](const auto& found) { where = found; });
      if (owner(campaign) == machine) {
        EXPECT_EQ(where.kind, Where::Kind::here);
      } else {
        EXPECT_EQ(where.kind, Where::Kind::elsewhere);
        EXPECT_EQ(where.url, "http://" + where.node);
        EXPECT_EQ(machines[std::size_t(where.node[0] - 'a')], owner(campaign));
      }
    }
  }
}

TEST_F(ACluster, FindsANewCampaignAsSoonAsSomebodyHasTakenIt) {
  with_campaigns(3);
  campaigns.push_back("new");
  int answers = 0;
  Timestamp asked = site.now(), answered;
  for (Machine* machine : machines) {
    machine->cluster->campaigns(campaigns, site.now());
    machine->cluster->find("new", site.now(), TimeDelta::seconds(5), [&](const auto& found) {
      EXPECT_NE(found.kind, Where::Kind::nowhere);
      ++answers;
      answered = site.now();
    });
  }
  play(5);
  EXPECT_EQ(answers, 3);
  EXPECT_LE((answered - asked).ms(), 100);
}

TEST_F(ACluster, SaysNowhereWhenNobodyTakesItInTime) {
  with_campaigns(1);
  bool nowhere = false;
  machines[0]->cluster->find("no-such", site.now(), TimeDelta::seconds(2),
                             [&](const auto& found) { nowhere = found.kind == Where::Kind::nowhere; });
  play(1.9);
  EXPECT_FALSE(nowhere);
  play(0.2);
  EXPECT_TRUE(nowhere);
}

TEST_F(ACluster, MovesIdleCampaignsAwayFromANodeThatGetsBusyButNoWatchedOne) {
  with_campaigns(12);
  Machine& busy = *machines[0];
  std::set<std::string> watched;
  for (auto& [campaign, shown] : busy.shows) {
    if (watched.size() < 2) {
      shown.viewers = 1;
      watched.insert(campaign);
    }
  }
  const auto had = busy.shows.size();
  busy.base = test::load(0.6);
  play(60);
  EXPECT_EQ(busy.shows.size(), 2u) << "of " << had;
  for (const auto& campaign : watched) EXPECT_EQ(owner(campaign), &busy);
  EXPECT_TRUE(each_has_one_writer());
}

TEST_F(ACluster, StopsWhatIsDeleted) {
  with_campaigns(3);
  campaigns.pop_back();
  for (Machine* machine : machines) {
    machine->cluster->campaigns(campaigns, site.now());
    machine->shows.erase("c2");
  }
  play(10);
  EXPECT_EQ(owner("c2"), nullptr);
  EXPECT_TRUE(each_has_one_writer());
}

}  // namespace
}  // namespace campaign::nodes
