// Campaigns' documents in a real Redis: every StateStore's promises, and what an outage does and does not do.
#include "events/redis/state_store.hpp"

#include <gtest/gtest.h>

#include "redis_server.hpp"
#include "state_store_contract.hpp"

namespace {

using namespace campaign::test;
using namespace campaign::events::redis;
using campaign::Result;
using campaign::test::Follower;

constexpr Timing kQuick{.connect = 500, .heartbeat = 50, .answer = 300, .back_off = 20, .most_back_off = 200};

std::uint64_t next_seed() {
  static std::uint64_t seed = 1000;
  return seed += 10;
}

// A process' connection and store. `context` is another loop for one that is to miss things.
struct Node {
  explicit Node(const RedisServer& server, RedisStateStore::Options options = {},
                GMainContext* context = nullptr, Timing timing = kQuick)
      : connection(*parse_url(server.url()), timing, next_seed(), context),
        store(connection, next_seed(), options) {}
  bool ready() {
    return wait_until([&] { return connection.ready(); }, 10, connection.context());
  }

  Connection connection;
  RedisStateStore store;
};

struct OpenRedisStore : OpenStore {
  StateStore& store() override { return node.store; }
  RedisServer server;
  Node node{server};
};

INSTANTIATE_TEST_SUITE_P(Redis, StateStoreContract,
                         testing::Values([] { return std::make_unique<OpenRedisStore>(); }));

Document must_commit(StateStore& store, const Document& before, const std::string& patch, Epoch epoch = 0) {
  Answer answer;
  store.commit("0", epoch, change(before, patch), into(answer));
  EXPECT_TRUE(wait_until([&] { return answer.has_value(); }));
  EXPECT_TRUE(*answer) << answer->error().message;
  return **answer;
}

Document count_to(StateStore& store, Document document, int most) {
  while (document.revision() < Revision(most))
    document = must_commit(store, document, "{\"n\":" + std::to_string(document.revision() + 1) + "}");
  return document;
}

struct Context {
  GMainContext* loop = g_main_context_new();
  ~Context() { g_main_context_unref(loop); }
};

TEST(RedisStateStore, HoldsWritersToTheEpochOfTheLease) {
  RedisServer server;
  Node node(server);
  const Document first = must_commit(node.store, Document(), R"({"n":1})", 3);
  server.ask({"HSET", "campaign:{0}:lease", "epoch", "1732500000000"});
  Answer late, now;
  node.store.commit("0", 1732499999999, change(first, R"({"n":2})"), into(late));
  node.store.commit("0", 1732500000000, change(first, R"({"n":3})"), into(now));
  ASSERT_TRUE(wait_until([&] { return late && now; }));
  ASSERT_FALSE(*late);
  EXPECT_EQ(late->error().code, StoreFailure::Code::fenced);
  EXPECT_NE(late->error().message.find("1732500000000"), std::string::npos) << late->error().message;
  ASSERT_TRUE(*now) << now->error().message;
  EXPECT_EQ((*now)->text(), R"({"n":3})");
}

TEST(RedisStateStore, FollowersGoOnFromTheLastChangeTheyKnow) {
  RedisServer server({.durable = true});
  Node owner(server);
  const Context elsewhere;  // a loop that stands still while things happen
  Node other(server, {}, elsewhere.loop);
  ASSERT_TRUE(owner.ready() && other.ready());
  Document last = count_to(owner.store, Document(), 10);
  Follower near(owner.store, "0"), far(other.store, "0");
  ASSERT_TRUE(wait_until([&] { return near.document() == last; }));
  ASSERT_TRUE(wait_until([&] { return far.document() == last; }, 10, elsewhere.loop));

  last = count_to(owner.store, last, 110);
  server.kill();
  server.start();
  ASSERT_TRUE(wait_until([&] { return far.document() == last; }, 10, elsewhere.loop));
  EXPECT_EQ(far.snapshots(), 1);  // the first
  EXPECT_EQ(far.patches(), 100);
  EXPECT_EQ(far.broken(), 0);

  ASSERT_TRUE(owner.ready());
  last = count_to(owner.store, last, 120);
  ASSERT_TRUE(wait_until([&] { return near.document() == last; }));
  ASSERT_TRUE(wait_until([&] { return far.document() == last; }, 10, elsewhere.loop));
  EXPECT_EQ(near.patches(), 110);
  EXPECT_EQ(far.patches(), 110);
  EXPECT_EQ(near.broken() + far.broken(), 0);
}

TEST(RedisStateStore, FollowersTakeTheDocumentWhereTheStreamWasTrimmed) {
  RedisServer server({.durable = true});
  Node owner(server, {.most_changes = 5});
  const Context elsewhere;
  Node other(server, {}, elsewhere.loop);
  ASSERT_TRUE(owner.ready() && other.ready());
  Document last = count_to(owner.store, Document(), 3);
  Follower far(other.store, "0");
  ASSERT_TRUE(wait_until([&] { return far.document() == last; }, 10, elsewhere.loop));

  last = count_to(owner.store, last, 40);
  EXPECT_EQ(server.ask({"XLEN", "campaign:{0}:changes"}), "5");
  server.kill();
  server.start();
  ASSERT_TRUE(wait_until([&] { return far.document() == last; }, 10, elsewhere.loop));
  EXPECT_EQ(far.snapshots(), 2);
  EXPECT_EQ(far.patches(), 0);
  EXPECT_EQ(far.broken(), 0);

  ASSERT_TRUE(owner.ready());
  last = count_to(owner.store, last, 44);
  ASSERT_TRUE(wait_until([&] { return far.document() == last; }, 10, elsewhere.loop));
  EXPECT_EQ(far.patches(), 4);
}

TEST(RedisStateStore, FollowersLookByThemselvesWhenNoHintComes) {
  RedisServer server;
  Node owner(server), other(server, {.look = 100});
  ASSERT_TRUE(owner.ready() && other.ready());
  Follower follower(other.store, "0");
  Document last = count_to(owner.store, Document(), 1);
  ASSERT_TRUE(wait_until([&] { return follower.document() == last; }));
  server.ask({"HSET", "campaign:{0}:state", "revision", "2", "document", "{\"n\":9}", "digest",
              "0"});  // and no hint
  EXPECT_TRUE(wait_until([&] { return follower.document() == document(R"({"n":9})", 2); }));
}

TEST(RedisStateStore, FollowersTrustNoChangeThatDoesNotLeadToItsDigest) {
  RedisServer server;
  Node owner(server);
  ASSERT_TRUE(owner.ready());
  Document last = count_to(owner.store, Document(), 3);
  Follower follower(owner.store, "0", last);
  for (const auto& [patch, digest] :
       {std::pair{"{\"n\":5}", "0"}, std::pair{"nonsense", "0"}, std::pair{"{}", ""}}) {
    const std::string next = std::to_string(last.revision() + 1);
    const Document real = *Document::parse("{\"real\":" + next + "}", last.revision() + 1);
    char real_digest[17];
    std::snprintf(real_digest, sizeof real_digest, "%016llx", static_cast<unsigned long long>(real.digest()));
    server.ask(
        {"HSET", "campaign:{0}:state", "revision", next, "document", real.text(), "digest", real_digest});
    server.ask({"XADD", "campaign:{0}:changes", next + "-0", "patch", patch, "digest", digest});
    server.ask({"PUBLISH", "campaign:{0}:changed", next});
    ASSERT_TRUE(wait_until([&] { return follower.document() == real; })) << patch;
    last = real;
  }
  EXPECT_EQ(follower.patches(), 0);
  last = count_to(owner.store, last, 8);
  ASSERT_TRUE(wait_until([&] { return follower.document() == last; }));
  EXPECT_EQ(follower.broken(), 0);
}

// What was sent to a server that stands still is executed when it goes on, and sent again by us.
TEST(RedisStateStore, MakesAChangeOnceThatNobodyAnsweredFor) {
  RedisServer server;
  Node owner(server, {.patience = 20'000});
  ASSERT_TRUE(owner.ready());
  Document last = must_commit(owner.store, Document(), R"({"n":1})");
  for (int round = 0; round < 5; ++round) {
    server.freeze();
    std::vector<Result<Document, StoreFailure>> answers;
    Document head = last;
    for (int i = 0; i < 3; ++i) {
      const Change next = change(head, "{\"n\":" + std::to_string(head.revision() + 1) + "}");
      owner.store.commit("0", 0, next, [&](auto answer) { answers.push_back(std::move(answer)); });
      head = next.after;
    }
    ASSERT_TRUE(wait_until([&] { return !owner.connection.ready(); }));
    server.thaw();
    ASSERT_TRUE(wait_until([&] { return answers.size() == 3; })) << owner.connection.trouble();
    for (const auto& answer : answers) {
      ASSERT_TRUE(answer) << answer.error().message;
      last = *answer;
    }
    EXPECT_EQ(last, head);
  }
  Answer loaded;
  owner.store.load("0", into(loaded));
  ASSERT_TRUE(wait_until([&] { return loaded.has_value(); }));
  EXPECT_EQ(**loaded, last);
  EXPECT_EQ(server.ask({"XLEN", "campaign:{0}:changes"}), "16");
}

TEST(RedisStateStore, SaysInTimeThatRedisIsAwayAndWhetherItMayHaveDoneIt) {
  RedisServer server;
  Node owner(server, {.patience = 400});
  ASSERT_TRUE(owner.ready());
  const Document last = must_commit(owner.store, Document(), R"({"n":1})");

  server.freeze();
  Answer perhaps;
  owner.store.commit("0", 0, change(last, R"({"n":2})"), into(perhaps));
  ASSERT_TRUE(wait_until([&] { return perhaps.has_value(); }));
  ASSERT_FALSE(*perhaps);
  EXPECT_EQ(perhaps->error().code, StoreFailure::Code::unknown);
  server.kill();

  ASSERT_TRUE(wait_until([&] { return !owner.connection.ready(); }));
  Answer certainly, load;
  owner.store.commit("0", 0, change(last, R"({"n":2})"), into(certainly));
  owner.store.load("0", into(load));
  ASSERT_TRUE(wait_until([&] { return certainly && load; }));
  ASSERT_FALSE(*certainly);
  EXPECT_EQ(certainly->error().code, StoreFailure::Code::unavailable);
  EXPECT_NE(certainly->error().message, "");
  EXPECT_FALSE(*load);
}

// With the timing that servers use, after outages long enough for the longest back-off.
TEST(RedisStateStore, IsInStepWithinFiveSecondsOfRedisReturn) {
  RedisServer server({.durable = true});
  Node owner(server, {}, nullptr, Timing()), other(server, {}, nullptr, Timing());
  ASSERT_TRUE(owner.ready() && other.ready());
  Document last = count_to(owner.store, Document(), 5);
  Follower follower(other.store, "0");
  ASSERT_TRUE(wait_until([&] { return follower.document() == last; }));
  for (const bool killed : {false, true}) {
    killed ? server.kill() : server.freeze();
    wait_until([] { return false; }, 8);  // the outage
    ASSERT_FALSE(owner.connection.ready() || other.connection.ready());
    killed ? server.start() : server.thaw();
    const gint64 back = g_get_monotonic_time();
    last = count_to(owner.store, last, int(last.revision()) + 1);
    ASSERT_TRUE(wait_until([&] { return follower.document() == last; }));
    const double seconds = double(g_get_monotonic_time() - back) / G_USEC_PER_SEC;
    EXPECT_LT(seconds, 5) << (killed ? "after a kill" : "after a standstill");
    std::printf("in step %.2f s after the return\n", seconds);
  }
  EXPECT_EQ(follower.broken(), 0);
  EXPECT_EQ(follower.snapshots(), 1);
}

TEST(RedisStateStore, OwnerPutsBackWhatRedisHasLost) {
  RedisServer server;  // which keeps nothing
  Node owner(server), other(server);
  ASSERT_TRUE(owner.ready() && other.ready());
  Document last = count_to(owner.store, Document(), 10);
  Follower follower(other.store, "0", last);
  last = count_to(owner.store, last, 12);
  ASSERT_TRUE(wait_until([&] { return follower.document() == last; }));

  server.kill();
  server.start();
  ASSERT_TRUE(wait_until([&] { return follower.document() == Document(); }));  // gone back, as it is told
  Answer conflict, back;
  owner.store.commit("0", 0, change(last, R"({"n":13})"), into(conflict));
  owner.store.restore("0", 0, last, into(back));
  ASSERT_TRUE(wait_until([&] { return conflict && back; }));
  ASSERT_FALSE(*conflict);
  EXPECT_EQ(conflict->error().code, StoreFailure::Code::conflict);
  EXPECT_EQ(conflict->error().current->revision(), 0u);
  ASSERT_TRUE(*back) << back->error().message;
  last = count_to(owner.store, last, 14);
  ASSERT_TRUE(wait_until([&] { return follower.document() == last; }));
  EXPECT_EQ(follower.broken(), 0);
}

TEST(RedisStateStore, LeavesWhatItCannotReadAlone) {
  RedisServer server;
  Node node(server);
  server.ask({"HSET", "campaign:{0}:state", "revision", "3", "document", "[1]"});
  Answer load, commit;
  node.store.load("0", into(load));
  node.store.commit("0", 0, change(Document(), R"({"n":1})"), into(commit));
  ASSERT_TRUE(wait_until([&] { return load && commit; }));
  ASSERT_FALSE(*load);
  ASSERT_FALSE(*commit);
  EXPECT_EQ(load->error().code, StoreFailure::Code::damaged);
  EXPECT_EQ(commit->error().code, StoreFailure::Code::damaged);
  EXPECT_EQ(server.ask({"HGET", "campaign:{0}:state", "document"}), "[1]");

  server.ask({"SET", "campaign:{1}:state", "not a hash"});
  Answer wrong;
  node.store.load("1", into(wrong));
  ASSERT_TRUE(wait_until([&] { return wrong.has_value(); }));
  ASSERT_FALSE(*wrong);
  EXPECT_NE(wrong->error().message.find("WRONGTYPE"), std::string::npos) << wrong->error().message;
}

TEST(RedisStateStore, ForgetsARemovedCampaignAltogetherInAWhile) {
  RedisServer server;
  Node node(server, {.linger = 50});
  must_commit(node.store, Document(), R"({"n":1})");
  EXPECT_EQ(server.ask({"SMEMBERS", "campaign:states"}), "0");
  Answer removed;
  node.store.remove("0", 0, into(removed));
  ASSERT_TRUE(wait_until([&] { return removed.has_value(); }));
  EXPECT_TRUE(wait_until([&] { return server.ask({"KEYS", "*"}).empty(); })) << server.ask({"KEYS", "*"});
}

}  // namespace
