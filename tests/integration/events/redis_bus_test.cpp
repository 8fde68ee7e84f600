// The bus between servers: what one publishes the others hear, each once, and this process in any case.
#include "events/redis/bus.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "redis_server.hpp"
#include "wait.hpp"

namespace {

using namespace campaign;
using namespace campaign::events;
using namespace campaign::events::redis;
using campaign::test::RedisServer;
using campaign::test::wait_until;

// A machine that is busy for a while is no reason to lose a message.
constexpr Timing kPatient{
    .connect = 5000, .heartbeat = 100, .answer = 10'000, .back_off = 20, .most_back_off = 200};

Envelope event(const std::string& campaign, int number, const std::string& context = "") {
  return {"test:number:v1:hint", campaign, 0, {{"number", number}}, context};
}

struct Node {
  Node(const RedisServer& server, std::uint64_t seed)
      : connection(*parse_url(server.url()), kPatient, seed),
        bus(std::make_unique<RedisBus>(connection, seed)) {}
  void publish(const Envelope& envelope) {
    const auto published = bus->publish(envelope);
    ASSERT_TRUE(published) << published.error().for_user();
  }
  Connection connection;
  std::unique_ptr<RedisBus> bus;
};

class RedisBusTest : public testing::Test {
 protected:
  std::function<void(const Envelope&)> into(std::vector<int>& heard) {
    return [&heard](const Envelope& envelope) { heard.push_back(envelope.data["number"]); };
  }
  // Until what is published at one node is heard at the other.
  void settle() {
    ASSERT_TRUE(wait_until([&] { return a.connection.ready() && b.connection.ready(); }));
    for (Node* hears : {&a, &b}) {
      Node& speaks = hears == &a ? b : a;
      bool heard = false;
      const Subscription probe =
          hears->bus->subscribe({.campaign = "probe"}, [&](const Envelope&) { heard = true; });
      ASSERT_TRUE(wait_until([&] {
        speaks.publish({"test:probe:v1:hint", "probe", 0});
        return heard;
      }));
    }
  }

  RedisServer server;
  Node a{server, 1}, b{server, 2};
};

TEST_F(RedisBusTest, TellsEveryNodeOnceAndInOrder) {
  std::vector<int> at_a, at_b, all_at_b;
  const Subscription first = a.bus->subscribe({.campaign = "3"}, into(at_a));
  const Subscription second = b.bus->subscribe({.campaign = "3"}, into(at_b));
  const Subscription third = b.bus->subscribe({.type = "test:number:v1:hint"}, into(all_at_b));
  settle();
  std::vector<int> expected;
  for (int i = 0; i < 100; ++i) {
    a.publish(event("3", i));
    expected.push_back(i);
  }
  b.publish(event("4", 100));
  ASSERT_TRUE(wait_until([&] { return at_a.size() == 100 && at_b.size() == 100 && all_at_b.size() == 101; }));
  a.publish(event("3", 101));
  ASSERT_TRUE(wait_until([&] { return at_a.size() == 101 && at_b.size() == 101 && all_at_b.size() == 102; }));
  expected.push_back(101);
  EXPECT_EQ(at_a, expected);
  EXPECT_EQ(at_b, expected);
  EXPECT_EQ(a.bus->health().dropped, 0u);
  EXPECT_EQ(b.bus->health().refused, 0u);
}

TEST_F(RedisBusTest, AsksTheFilterFirst) {
  std::vector<int> frontend, all;
  const Subscription first = b.bus->subscribe({.campaign = "3", .context = "frontend"}, into(frontend));
  const Subscription second = b.bus->subscribe({.campaign = "3"}, into(all));
  settle();
  a.publish(event("3", 1, "webgpu-particles"));
  a.publish(event("3", 2, "frontend"));
  a.publish(event("3", 3));
  ASSERT_TRUE(wait_until([&] { return all.size() == 3; }));
  EXPECT_EQ(frontend, (std::vector{2}));
}

TEST_F(RedisBusTest, LeavesAChannelNobodyListensTo) {
  std::vector<int> heard;
  Subscription subscription = a.bus->subscribe({.campaign = "3"}, into(heard));
  settle();
  EXPECT_EQ(server.ask({"PUBSUB", "NUMSUB", "campaign:events:3"}), "campaign:events:3\n1");
  subscription.reset();
  EXPECT_TRUE(wait_until([&] {
    return server.ask({"PUBSUB", "NUMSUB", "campaign:events:3"}) == "campaign:events:3\n0";
  }));
}

TEST_F(RedisBusTest, GoesOnWithinTheProcessWhileRedisIsAway) {
  std::vector<int> at_a, at_b;
  std::vector<bool> connected;
  const Subscription first = a.bus->subscribe({.type = "test:number:v1:hint"}, into(at_a));
  const Subscription second = b.bus->subscribe({.campaign = "3"}, into(at_b));
  const Subscription watch = a.bus->on_connected([&](bool now) { connected.push_back(now); });
  settle();
  connected.clear();
  server.kill();
  ASSERT_TRUE(wait_until([&] { return !a.bus->health().connected && !b.bus->health().connected; }));
  EXPECT_NE(a.bus->health().trouble, "");
  const auto dropped = a.bus->health().dropped;  // what settling had under way
  a.publish(event("3", 1));
  ASSERT_TRUE(wait_until([&] { return at_a.size() == 1; }));
  EXPECT_EQ(a.bus->health().dropped, dropped + 1);
  server.start();
  settle();
  EXPECT_EQ(connected, (std::vector{false, true}));
  a.publish(event("3", 2));
  ASSERT_TRUE(wait_until([&] { return at_b.size() == 1; }));
  EXPECT_EQ(at_b, (std::vector{2}));
}

TEST_F(RedisBusTest, CountsWhatItDoesNotUnderstand) {
  std::vector<int> heard;
  const Subscription subscription = a.bus->subscribe({.campaign = "3"}, into(heard));
  settle();
  const std::string good = *to_json(event("3", 1)), elsewhere = *to_json(event("4", 1));
  const std::string origin = "0123456789abcdef ";
  for (const std::string& message : {std::string(""), std::string("{}"), good, origin, origin + "{",
                                     origin + elsewhere, origin + std::string(200'000, '[')})
    server.ask({"PUBLISH", "campaign:events:3", message});
  server.ask({"PUBLISH", "campaign:events:3", origin + good});
  ASSERT_TRUE(wait_until([&] { return heard.size() == 1; }));
  EXPECT_EQ(a.bus->health().refused, 7u);
}

TEST_F(RedisBusTest, ReceiverMayEndItselfAndTakeTheBusDown) {
  int heard = 0, late = 0;
  Subscription ends_itself;
  ends_itself = b.bus->subscribe({.campaign = "3"}, [&](const Envelope&) {
    ++heard;
    ends_itself.reset();
  });
  settle();
  a.publish(event("3", 1));
  ASSERT_TRUE(wait_until([&] { return heard == 1; }));
  const Subscription takes_down = b.bus->subscribe({.campaign = "3"}, [&](const Envelope&) {
    ++heard;
    b.bus.reset();
  });
  const Subscription never = b.bus->subscribe({.campaign = "3"}, [&](const Envelope&) { ++late; });
  ASSERT_TRUE(wait_until([&] {
    if (b.bus) a.publish(event("3", 2));
    return !b.bus;
  }));
  while (g_main_context_iteration(nullptr, FALSE)) {
  }
  EXPECT_EQ(heard, 2);
  EXPECT_EQ(late, 0);
}

}  // namespace
