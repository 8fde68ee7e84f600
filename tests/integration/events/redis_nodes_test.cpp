// Leases and nodes in a real redis-server: the script answers as the reference does, and three nodes keep to
// one owner a campaign while Redis hangs, dies, forgets, and while one of them sleeps.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

#include "campaign/nodes/cluster.hpp"
#include "events/lease_clock.hpp"
#include "events/redis/keys.hpp"
#include "events/redis/lease_store.hpp"
#include "events/redis/node_store.hpp"
#include "leases/lease_records.hpp"
#include "redis_server.hpp"
#include "wait.hpp"

namespace {

using namespace campaign;
using namespace campaign::nodes;
namespace redis = campaign::events::redis;
using campaign::events::lease_clock;
using campaign::test::RedisServer;
using campaign::test::wait_until;

constexpr redis::Timing kQuick{
    .connect = 500, .heartbeat = 100, .answer = 300, .back_off = 20, .most_back_off = 200};

std::unique_ptr<redis::Connection> connect(const RedisServer& server, std::uint64_t seed = 1) {
  auto made = std::make_unique<redis::Connection>(*redis::parse_url(server.url()), kQuick, seed);
  EXPECT_TRUE(wait_until([&] { return made->ready(); })) << made->trouble();
  return made;
}

const char* name(LeaseReply::Outcome outcome) {
  constexpr const char* kNames[] = {"granted", "held", "vacant", "young", "failed"};
  return kNames[std::size_t(outcome)];
}

void restart(RedisServer& server, const redis::Connection& connection) {
  server.kill();
  ASSERT_TRUE(wait_until([&] { return !connection.ready(); }));
  server.start();
  ASSERT_TRUE(wait_until([&] { return connection.ready(); }));
}

// What Redis answers and the reference says to the same request at the same time of the store, until they
// differ.
class Comparison {
 public:
  explicit Comparison(unsigned seed) : random_(seed) {}

  void ask(redis::Connection& connection, int requests) {
    int waiting = 0;
    for (int i = 0; i < requests && !testing::Test::HasFatalFailure(); ++i) {
      ++waiting;
      const auto request = any();
      connection.eval(redis::kLeaseScript, {redis::lease_key(request.campaign), "campaign:store"},
                      redis::lease_arguments(request), [this, request, &waiting](const redis::Reply& reply) {
                        --waiting;
                        ASSERT_TRUE(reply.ok()) << reply.trouble();
                        compare(request, redis::read_lease_reply(reply),
                                std::stoll(std::string(reply[7].text().value_or("0"))));
                      });
      if (i % 10 == 9) {
        ASSERT_TRUE(wait_until([&] { return waiting == 0; }));
      }
    }
    ASSERT_TRUE(wait_until([&] { return waiting == 0; }));
  }
  void restarted(bool remembers) {
    records_.restart_with(remembers ? records_ : nodes::test::LeaseRecords());
  }
  std::map<std::string, int> seen;

 private:
  LeaseRequest any() {
    const auto below = [&](unsigned limit) { return unsigned(random_() % limit); };
    LeaseRequest request;
    request.kind = LeaseRequest::Kind(below(5));
    request.campaign = "c" + std::to_string(below(3));
    request.holder = {"n" + std::to_string(below(3)), std::to_string(below(2))};
    const auto held = held_.find(request.campaign);
    if (held != held_.end() && below(2)) {
      request.holder = held->second.first;
      request.epoch = held->second.second - below(4) / 3;
    }
    if (request.kind == LeaseRequest::Kind::acquire && below(8)) request.epoch = Epoch(1) << 50;
    if (request.kind == LeaseRequest::Kind::offer || below(2))
      request.offer_to = "n" + std::to_string(below(3));
    request.time = TimeDelta::ms(2 + below(12));
    return request;
  }

  void compare(const LeaseRequest& request, const LeaseReply& reply, std::int64_t now_ms) {
    const auto expected = records_.answer(request, now_ms);
    ASSERT_EQ(std::string(name(reply.outcome)), name(expected.outcome));
    ASSERT_EQ(reply.epoch, expected.epoch);
    ++seen[std::to_string(int(request.kind)) + name(reply.outcome)];
    if (request.kind == LeaseRequest::Kind::acquire && reply.outcome == LeaseReply::Outcome::granted) {
      held_[request.campaign] = {request.holder, reply.epoch};
    }
    if (reply.outcome == LeaseReply::Outcome::granted) return;
    ASSERT_EQ(reply.holder, expected.holder);
    ASSERT_EQ(reply.offered, expected.offered);
    ASSERT_EQ(reply.ran_out, expected.ran_out);
    ASSERT_EQ(reply.remaining, expected.remaining);
  }

  std::mt19937 random_;
  nodes::test::LeaseRecords records_;
  std::map<std::string, std::pair<Holder, Epoch>> held_;
};

TEST(RedisLeases, AreGivenOutAsTheReferenceDoes) {
  RedisServer server({.durable = true});
  Comparison comparison(20);
  auto connection = connect(server);
  comparison.ask(*connection, 6000);
  restart(server, *connection);
  comparison.restarted(true);
  comparison.ask(*connection, 3000);
  // Every answer that there is to every question.
  EXPECT_EQ(comparison.seen.size(), 15u);
  for (const auto& [what, times] : comparison.seen) EXPECT_GE(times, 1) << what;
}

TEST(RedisLeases, AreNotGivenOutByARedisThatHasForgottenAll) {
  RedisServer server;
  Comparison comparison(21);
  auto connection = connect(server);
  comparison.ask(*connection, 500);
  restart(server, *connection);
  comparison.restarted(false);
  comparison.ask(*connection, 500);
}

TEST(RedisLeases, AreAnsweredWithAFailureWhenRedisIsGoneOrItsAnswerCannotBeRead) {
  RedisServer server;
  auto connection = connect(server);
  redis::LeaseStore store(*connection);
  server.ask({"SET", redis::lease_key("odd"), "no hash"});
  std::vector<LeaseReply> replies;
  const auto keep = [&](Timestamp, const LeaseReply& reply) { replies.push_back(reply); };
  store.ask({.campaign = "odd", .holder = {"n", "1"}, .time = TimeDelta::ms(100)}, keep);
  EXPECT_TRUE(replies.empty());
  ASSERT_TRUE(wait_until([&] { return replies.size() == 1; }));
  EXPECT_EQ(replies[0].outcome, LeaseReply::Outcome::failed);
  server.kill();
  ASSERT_TRUE(wait_until([&] { return !connection->ready(); }));
  store.ask({.campaign = "c", .holder = {"n", "1"}, .time = TimeDelta::ms(100)}, keep);
  ASSERT_TRUE(wait_until([&] { return replies.size() == 2; }));
  EXPECT_EQ(replies[1].outcome, LeaseReply::Outcome::failed);
}

NodeRecord record(const std::string& id, std::uint64_t beat) {
  return {.id = id, .incarnation = "1", .beat = beat, .url = "http://" + id + ":1"};
}

TEST(RedisNodes, FindEachOtherAndLeave) {
  RedisServer server;
  auto first = connect(server, 1), second = connect(server, 2);
  redis::NodeStore a(*first), b(*second);
  std::vector<NodeRecord> seen;
  int answers = 0;
  const auto see = [&](Timestamp, const Result<std::vector<NodeRecord>>& records) {
    ++answers;
    ASSERT_TRUE(records);
    seen = *records;
    std::ranges::sort(seen, {}, &NodeRecord::id);
  };
  a.beat(record("a", 1), see);
  ASSERT_TRUE(wait_until([&] { return answers == 1; }));
  EXPECT_EQ(seen, (std::vector{record("a", 1)}));
  b.beat(record("b", 7), see);
  ASSERT_TRUE(wait_until([&] { return answers == 2; }));
  EXPECT_EQ(seen, (std::vector{record("a", 1), record("b", 7)}));
  // Somebody writes what is no record: it is left out, and counted.
  server.ask({"HSET", "campaign:nodes", "x", "{\"id\":17}"});
  a.beat(record("a", 2), see);
  ASSERT_TRUE(wait_until([&] { return answers == 3; }));
  EXPECT_EQ(seen, (std::vector{record("a", 2), record("b", 7)}));
  EXPECT_EQ(a.refused(), 1u);
  b.leave("b");
  ASSERT_TRUE(wait_until([&] { return server.ask({"HEXISTS", "campaign:nodes", "b"}) == "0"; }));
  // What was not written for long is cleared away.
  server.ask({"ZADD", "campaign:beats", "1", "x"});
  a.beat(record("a", 3), see);
  ASSERT_TRUE(wait_until([&] { return answers == 4; }));
  EXPECT_EQ(server.ask({"HKEYS", "campaign:nodes"}), "a");
}

// A node as a server is one, with a loop of its own that can be stopped.
class Node : public Host {
 public:
  static ClusterTerms terms() {
    ClusterTerms terms;
    terms.lease = {.time = TimeDelta::ms(600),
                   .answer_within = TimeDelta::ms(200),
                   .patience = TimeDelta::ms(900),
                   .offer = TimeDelta::ms(500)};
    terms.registry = {.beat_every = TimeDelta::ms(150), .gone_after = TimeDelta::ms(600)};
    terms.step_in = TimeDelta::ms(100);
    return terms;
  }
  Node(const RedisServer& server, const std::string& id, std::uint64_t seed)
      : connection(*redis::parse_url(server.url()), kQuick, seed),
        leases(connection),
        nodes(connection),
        cluster({id, "1"}, "http://" + id, terms(), leases, nodes, *this, seed, lease_clock()),
        back(connection.on_ready([this](bool ready) {
          if (ready) cluster.store_is_back(lease_clock());
        })) {}

  void turn() {
    if (!sleeps) cluster.tick(lease_clock());
  }
  void take(const std::string& campaign, Epoch epoch) override { shows[campaign] = epoch; }
  void keep(const std::string&) override {}
  void give(const std::string& campaign, const std::string&) override { shows.erase(campaign); }
  NodeRecord describe() override {
    NodeRecord record;
    for (const auto& [campaign, epoch] : shows) record.campaigns.push_back({.id = campaign, .viewers = 1});
    return record;
  }
  Load needs(const std::string&) override { return {}; }
  void hint(const std::string&) override {}

  redis::Connection connection;
  redis::LeaseStore leases;
  redis::NodeStore nodes;
  std::map<std::string, Epoch> shows;
  bool sleeps = false;
  Cluster cluster;
  Subscription back;
};

class ThreeNodes : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 3; ++i) {
      nodes_.push_back(std::make_unique<Node>(server_, "n" + std::to_string(i), i + 1u));
      nodes_.back()->cluster.campaigns(campaigns_, lease_clock());
    }
    ASSERT_TRUE(until([this] { return all_owned() && all_know(); }, 10));
  }

  // Turns all nodes until `condition`; at every turn no campaign has two owners.
  bool until(const std::function<bool()>& condition, double seconds) {
    return wait_until(
        [&] {
          for (auto& node : nodes_) node->turn();
          for (const auto& campaign : campaigns_) {
            const auto now = lease_clock();
            int owners = 0;
            for (auto& node : nodes_) owners += node->cluster.owned(campaign, now).has_value();
            EXPECT_LE(owners, 1) << campaign;
          }
          return condition();
        },
        seconds);
  }
  Node* owner(const std::string& campaign) {
    for (auto& node : nodes_) {
      if (node->cluster.owned(campaign, lease_clock())) return node.get();
    }
    return nullptr;
  }
  bool all_know() {
    return std::ranges::all_of(nodes_, [this](const auto& node) {
      return std::ranges::all_of(
          campaigns_, [&](const auto& campaign) { return node->cluster.holder(campaign).has_value(); });
    });
  }
  bool all_owned() {
    return std::ranges::all_of(campaigns_, [this](const auto& campaign) { return owner(campaign); });
  }
  std::map<std::string, std::pair<Node*, Epoch>> owners() {
    std::map<std::string, std::pair<Node*, Epoch>> owners;
    for (const auto& campaign : campaigns_) {
      Node* node = owner(campaign);
      owners[campaign] = {node, node ? *node->cluster.owned(campaign, lease_clock()) : 0};
    }
    return owners;
  }

  RedisServer server_{{.durable = true}};
  const std::vector<std::string> campaigns_ = {"red", "green", "blue", "white", "black"};
  std::vector<std::unique_ptr<Node>> nodes_;
};

TEST_F(ThreeNodes, KeepTheirCampaignsThroughARedisThatHangs) {
  const auto before = owners();
  server_.freeze();
  const gint64 frozen = g_get_monotonic_time();
  EXPECT_TRUE(until([&] { return g_get_monotonic_time() - frozen > 3 * G_USEC_PER_SEC; }, 10));
  EXPECT_EQ(owners(), (std::map<std::string, std::pair<Node*, Epoch>>{{"red", {nullptr, 0}},
                                                                      {"green", {nullptr, 0}},
                                                                      {"blue", {nullptr, 0}},
                                                                      {"white", {nullptr, 0}},
                                                                      {"black", {nullptr, 0}}}));
  server_.thaw();
  EXPECT_TRUE(until([this] { return all_owned(); }, 5));
  EXPECT_EQ(owners(), before);
}

TEST_F(ThreeNodes, KeepTheirCampaignsThroughARedisThatDies) {
  const auto before = owners();
  server_.kill();
  const gint64 died = g_get_monotonic_time();
  EXPECT_TRUE(until([&] { return g_get_monotonic_time() - died > 2 * G_USEC_PER_SEC; }, 10));
  server_.start();
  EXPECT_TRUE(until([this] { return all_owned(); }, 5));
  EXPECT_EQ(owners(), before);
}

TEST_F(ThreeNodes, KeepTheirCampaignsWhenRedisForgetsThem) {
  const auto before = owners();
  server_.ask({"FLUSHALL"});
  EXPECT_TRUE(until(
      [&] {
        const auto now = owners();
        return std::ranges::all_of(now, [&](const auto& entry) {
          return entry.second.first == before.at(entry.first).first &&
                 entry.second.second > before.at(entry.first).second;
        });
      },
      5));
}

TEST_F(ThreeNodes, TakeOverFromOneThatSleepsAndItFindsOut) {
  Node* sleeper = owner("red");
  sleeper->sleeps = true;
  EXPECT_TRUE(until([&] { return all_owned() && owner("red") != sleeper; }, 5));
  sleeper->sleeps = false;
  EXPECT_TRUE(until([&] { return !sleeper->shows.contains("red"); }, 5));
  EXPECT_NE(owner("red"), sleeper);
}

}  // namespace
