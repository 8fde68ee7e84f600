// Many writers and many followers of one campaign, each with a connection of its own to a real Redis:
// everybody ends at the same document, and was told every change once and in order, also when Redis goes away
// in the midst.
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "events/redis/state_store.hpp"
#include "redis_server.hpp"
#include "state_follower.hpp"
#include "wait.hpp"

namespace {

using namespace campaign::test;
using namespace campaign::events::redis;
using campaign::Result;
using campaign::test::Follower;

constexpr int kWriters = 10;
constexpr int kFollowers = 5;
constexpr Timing kTiming{
    .connect = 2000, .heartbeat = 200, .answer = 2000, .back_off = 20, .most_back_off = 200};

struct Node {
  Node(const RedisServer& server, std::uint64_t seed)
      : connection(*parse_url(server.url()), kTiming, seed),
        store(connection, seed + 1, {.patience = 60'000, .most_changes = 20'000}) {}
  Connection connection;
  RedisStateStore store;
};

// Changes its own member of the document and a common one, as fast as it is let: whoever comes too late takes
// the document that is there and tries again.
class Writer {
 public:
  Writer(const RedisServer& server, int number, int patches)
      : node_(server, 100 + std::uint64_t(number) * 10), number_(number), left_(patches) {
    next(Document());
  }
  bool done() const { return left_ == 0; }
  int conflicts() const { return conflicts_; }
  const std::string& failure() const { return failure_; }

 private:
  void next(const Document& before) {
    if (left_ == 0) return;
    const std::string id = "w" + std::to_string(number_);
    const int mine = before.json().value(id, 0), all = before.json().value("all", 0);
    const std::string patch = "{\"" + id + "\":" + std::to_string(mine + 1) +
                              ",\"all\":" + std::to_string(all + 1) + ",\"last\":{\"" + id +
                              "\":" + (mine % 2 ? "null" : "true") + "}}";
    node_.store.commit("0", 1, change(before, patch), [this](Result<Document, StoreFailure> answer) {
      if (answer) {
        --left_;
        next(*answer);
      } else if (answer.error().code == StoreFailure::Code::conflict) {
        ++conflicts_;
        next(*answer.error().current);
      } else {
        failure_ = answer.error().message;
      }
    });
  }

  Node node_;
  const int number_;
  int left_, conflicts_ = 0;
  std::string failure_;
};

void all_agree(RedisServer& server, int patches_each, const std::function<void(double done)>& meanwhile) {
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<Follower>> followers;
  for (int i = 0; i < kFollowers; ++i) {
    nodes.push_back(std::make_unique<Node>(server, 7000 + i * 10));
    followers.push_back(std::make_unique<Follower>(nodes.back()->store, "0"));
  }
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < kWriters; ++i) writers.push_back(std::make_unique<Writer>(server, i, patches_each));

  const Revision total = Revision(kWriters) * Revision(patches_each);
  const gint64 began = g_get_monotonic_time();
  ASSERT_TRUE(wait_until(
      [&] {
        if (meanwhile) meanwhile(double(followers[0]->document().revision()) / double(total));
        return std::ranges::all_of(followers,
                                   [&](const auto& f) { return f->document().revision() >= total; });
      },
      110));
  int conflicts = 0;
  for (const auto& writer : writers) {
    EXPECT_TRUE(writer->done()) << writer->failure();
    conflicts += writer->conflicts();
  }
  std::printf("%llu changes by %d writers in %.2f s, %d conflicts on the way\n",
              static_cast<unsigned long long>(total), kWriters, double(g_get_monotonic_time() - began) / 1e6,
              conflicts);

  Answer stored;
  nodes[0]->store.load("0", into(stored));
  ASSERT_TRUE(wait_until([&] { return stored.has_value(); }));
  ASSERT_TRUE(*stored);
  EXPECT_EQ((*stored)->revision(), total);
  EXPECT_EQ((*stored)->json()["all"], total);
  for (int i = 0; i < kWriters; ++i) EXPECT_EQ((*stored)->json()["w" + std::to_string(i)], patches_each);
  for (const auto& follower : followers) {
    EXPECT_EQ(follower->document(), **stored);
    EXPECT_EQ(follower->broken(), 0);
    // One by one from where it began: none left out, none twice, none out of order.
    EXPECT_LE(follower->snapshots(), 1);
    EXPECT_LT(follower->first_snapshot(), total / 10);
    EXPECT_EQ(Revision(follower->patches()), total - follower->first_snapshot());
  }
}

TEST(RedisManyWriters, TenThousandChangesReachEveryFollowerOnceAndInOrder) {
  RedisServer server;
  all_agree(server, 1000, {});
}

TEST(RedisManyWriters, RedisMayStandStillAndBeKilledMeanwhile) {
  RedisServer server({.durable = true});
  int outages = 0;
  all_agree(server, 100, [&](double done) {
    if (done < (outages + 1) * 0.2 || outages == 4) return;
    ++outages;
    if (outages % 2) {
      server.kill();
      server.start();
    } else {
      server.freeze();
      std::vector<gint64> since{g_get_monotonic_time()};
      wait_until(
          [&] { return g_get_monotonic_time() - since[0] > 2'500'000; });  // until everybody has noticed
      server.thaw();
    }
  });
  EXPECT_EQ(outages, 4);
}

}  // namespace
