// The connection to Redis, and that it notices, survives and comes back from whatever happens at its other
// end.
#include "events/redis/connection.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>

#include "redis_server.hpp"
#include "wait.hpp"

namespace {

using namespace campaign;
using namespace campaign::events::redis;
using campaign::test::RedisServer;
using campaign::test::wait_until;

// For those who are to notice a silent server soon; and for those where a busy machine must not look like
// one.
constexpr Timing kQuick{.connect = 500, .heartbeat = 50, .answer = 300, .back_off = 20, .most_back_off = 200};
constexpr Timing kPatient{
    .connect = 5000, .heartbeat = 50, .answer = 10'000, .back_off = 20, .most_back_off = 200};

std::unique_ptr<Connection> connection(const std::string& url, Timing timing = kPatient,
                                       std::uint64_t seed = 7) {
  auto address = parse_url(url);
  EXPECT_TRUE(address) << address.error().for_user();
  return std::make_unique<Connection>(*address, timing, seed);
}

std::unique_ptr<Connection> ready(const std::string& url, Timing timing = kPatient, std::uint64_t seed = 7) {
  auto made = connection(url, timing, seed);
  EXPECT_TRUE(wait_until([&] { return made->ready(); })) << made->trouble();
  return made;
}

// A port of loopback on which somebody else than Redis listens.
class OtherServer {
 public:
  OtherServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    EXPECT_EQ(listen(socket_, 16), 0);
    port_ = ntohs(address.sin_port);
  }
  ~OtherServer() { close(socket_); }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  int accepted() const { return accept(socket_, nullptr, nullptr); }  // -1 where nobody has come

 private:
  int socket_;
  int port_ = 0;
};

TEST(RedisConnection, AnswersInTheOrderOfTheCallsAndNeverFromInsideOne) {
  RedisServer server;
  auto redis = ready(server.url());
  std::vector<std::string> answers;
  const auto note = [&](const Reply& reply) { answers.emplace_back(reply.text().value_or("?")); };
  redis->command({"SET", "key", std::string("a\0b", 3)}, note);
  redis->command({"GET", "key"}, note);
  redis->command({"NONSENSE"},
                 [&](const Reply& reply) { answers.push_back(reply.is_error() ? "error" : "?"); });
  redis->eval("return {KEYS[1], ARGV[1]}", {"k"}, {"v"}, [&](const Reply& reply) {
    answers.emplace_back(std::string(*reply[0].text()) + std::string(*reply[1].text()));
  });
  EXPECT_TRUE(answers.empty());
  ASSERT_TRUE(wait_until([&] { return answers.size() == 4; }));
  EXPECT_EQ(answers, (std::vector<std::string>{"OK", std::string("a\0b", 3), "error", "kv"}));
}

TEST(RedisConnection, SaysSoLaterWhenACommandIsNotSent) {
  OtherServer nobody;
  auto redis = connection(nobody.url());
  int not_sent = 0;
  redis->command({"PING"}, [&](const Reply& reply) {
    not_sent += !reply.answered() && !reply.was_sent() && !reply.trouble().empty();
  });
  EXPECT_EQ(not_sent, 0);
  EXPECT_TRUE(wait_until([&] { return not_sent == 1; }));
}

// As a connection to itself does: what comes back is an array that says PING.
TEST(RedisConnection, IsNotReadyWhereItsOwnWordsComeBack) {
  OtherServer echo;
  auto redis = connection(echo.url());
  std::vector<int> sockets;
  EXPECT_TRUE(wait_until([&] {
    if (const int socket = echo.accepted(); socket >= 0) sockets.push_back(socket);
    for (const int socket : sockets) {
      char words[256];
      const auto size = recv(socket, words, sizeof words, MSG_DONTWAIT);
      if (size > 0) {
        EXPECT_EQ(send(socket, words, std::size_t(size), MSG_NOSIGNAL), size);
      }
    }
    return redis->trouble().find("is not Redis") != std::string::npos;
  })) << redis->trouble();
  EXPECT_FALSE(redis->ready());
  for (const int socket : sockets) close(socket);
}

TEST(RedisConnection, TellsSubscribersWhatIsPublishedOnTheirChannel) {
  RedisServer server;
  auto redis = ready(server.url());
  std::vector<std::string> one, all;
  int active = 0;
  const Subscription channel = redis->subscribe(
      "news:1", [&](std::string_view text) { one.emplace_back(text); }, [&] { ++active; });
  const Subscription pattern = redis->subscribe_pattern(
      "news:*",
      [&](std::string_view name, std::string_view text) {
        all.emplace_back(std::string(name) + text.data());
      },
      [&] { ++active; });
  ASSERT_TRUE(wait_until([&] { return active == 2; }));
  server.ask({"PUBLISH", "news:1", "a"});
  server.ask({"PUBLISH", "news:2", "b"});
  ASSERT_TRUE(wait_until([&] { return one.size() == 1 && all.size() == 2; }));
  EXPECT_EQ(one, (std::vector<std::string>{"a"}));
  EXPECT_EQ(all, (std::vector<std::string>{"news:1a", "news:2b"}));
}

TEST(RedisConnection, SharesAChannelAndLeavesItWithTheLast) {
  RedisServer server;
  auto redis = ready(server.url());
  int first = 0, second = 0, active = 0;
  Subscription a = redis->subscribe(
      "c", [&](auto) { ++first; }, [&] { ++active; });
  ASSERT_TRUE(wait_until([&] { return active == 1; }));
  Subscription b = redis->subscribe(
      "c", [&](auto) { ++second; }, [&] { ++active; });
  ASSERT_TRUE(wait_until([&] { return active == 2; }));
  EXPECT_EQ(server.ask({"PUBSUB", "NUMSUB", "c"}), "c\n1");
  a.reset();
  server.ask({"PUBLISH", "c", ""});
  ASSERT_TRUE(wait_until([&] { return second == 1; }));
  EXPECT_EQ(first, 0);
  b.reset();
  EXPECT_TRUE(wait_until([&] { return server.ask({"PUBSUB", "NUMSUB", "c"}) == "c\n0"; }));
  const Subscription again = redis->subscribe(
      "c", [&](auto) { ++first; }, [&] { ++active; });
  ASSERT_TRUE(wait_until([&] { return active == 3; }));
  server.ask({"PUBLISH", "c", ""});
  EXPECT_TRUE(wait_until([&] { return first == 1; }));
}

TEST(RedisConnection, ComesBackWithItsSubscriptionsAfterAKill) {
  RedisServer server;
  auto redis = ready(server.url());
  int heard = 0, active = 0;
  std::vector<bool> changes;
  const Subscription subscription = redis->subscribe(
      "c", [&](auto) { ++heard; }, [&] { ++active; });
  const Subscription watch = redis->on_ready([&](bool now) { changes.push_back(now); });
  ASSERT_TRUE(wait_until([&] { return active == 1; }));
  for (int round = 1; round <= 3; ++round) {
    server.kill();
    ASSERT_TRUE(wait_until([&] { return !redis->ready(); }));
    EXPECT_NE(redis->trouble(), "");
    server.start();
    ASSERT_TRUE(wait_until([&] { return redis->ready() && active == 1 + round; })) << redis->trouble();
    server.ask({"PUBLISH", "c", ""});
    ASSERT_TRUE(wait_until([&] { return heard == round; }));
  }
  EXPECT_EQ(changes, (std::vector<bool>{false, true, false, true, false, true}));
}

TEST(RedisConnection, NoticesAServerThatStandsStill) {
  RedisServer server;
  auto redis = ready(server.url(), kQuick);
  server.freeze();
  int lost = 0;
  const gint64 asked = g_get_monotonic_time();
  redis->command({"PING"}, [&](const Reply& reply) { lost += !reply.answered() && reply.was_sent(); });
  ASSERT_TRUE(wait_until([&] { return lost == 1 && !redis->ready(); }));
  EXPECT_LT(g_get_monotonic_time() - asked, 3 * G_USEC_PER_SEC);  // 350 ms, and what a busy machine adds
  EXPECT_NE(redis->trouble().find("no answer"), std::string::npos) << redis->trouble();
  server.thaw();
  EXPECT_TRUE(wait_until([&] { return redis->ready(); })) << redis->trouble();
}

TEST(RedisConnection, NoticesThatOnlyTheSubscriptionsAreGone) {
  RedisServer server;
  auto redis = ready(server.url());
  int heard = 0, active = 0;
  const Subscription subscription = redis->subscribe(
      "c", [&](auto) { ++heard; }, [&] { ++active; });
  ASSERT_TRUE(wait_until([&] { return active == 1; }));
  EXPECT_EQ(server.ask({"CLIENT", "KILL", "TYPE", "pubsub"}), "1");
  ASSERT_TRUE(wait_until([&] { return active == 2 && redis->ready(); }));
  server.ask({"PUBLISH", "c", ""});
  EXPECT_TRUE(wait_until([&] { return heard == 1; }));
}

// Behind a proxy that dropped it, a connection is silent without an end.
TEST(RedisConnection, NoticesThatMessagesNoLongerCome) {
  RedisServer server;
  auto redis = ready(server.url(), kQuick);
  int active = 0;
  const Subscription subscription = redis->subscribe(
      "c", [](auto) {}, [&] { ++active; });
  ASSERT_TRUE(wait_until([&] { return active == 1; }));
  server.ask({"ACL", "SETUSER", "default", "resetchannels", "&c"});  // the heartbeat's own is gone
  ASSERT_TRUE(wait_until([&] { return !redis->ready(); }));
  server.ask({"ACL", "SETUSER", "default", "allchannels"});
  EXPECT_TRUE(wait_until([&] { return redis->ready() && active >= 2; }));
}

TEST(RedisConnection, TriesAgainLaterEachTimeUpToABound) {
  OtherServer hangs_up;
  const Timing timing{
      .connect = 1000, .heartbeat = 1000, .answer = 1000, .back_off = 40, .most_back_off = 160};
  auto redis = connection(hangs_up.url(), timing);
  std::vector<gint64> came;
  const auto hang_up = [&] {
    for (int peer; (peer = hangs_up.accepted()) >= 0; close(peer))
      came.push_back(g_get_monotonic_time() / 1000);
    return came.size() >= 14;  // of both links
  };
  ASSERT_TRUE(wait_until(hang_up));
  // Two links, each waiting at least half of 40, 80, 160, 160, … ms: seven attempts take that much.
  EXPECT_GE(came.back() - came.front(), (40 + 80 + 160 * 4) / 2 - 20);
  EXPECT_FALSE(redis->ready());
}

TEST(RedisConnection, GivesUpOnWhoNeverAnswers) {
  OtherServer silent;
  auto redis = connection(silent.url(), kQuick);
  EXPECT_TRUE(wait_until([&] { return redis->trouble().find("no answer") != std::string::npos; }));
}

TEST(RedisConnection, SurvivesWhoeverSpeaksAnotherProtocol) {
  OtherServer other;
  auto redis = connection(other.url());
  int answered = 0;
  ASSERT_TRUE(wait_until([&] {
    for (int peer; (peer = other.accepted()) >= 0; close(peer)) {
      const std::string nonsense = "HTTP/1.1 400 Bad Request\r\n\r\n";
      answered += write(peer, nonsense.data(), nonsense.size()) == ssize_t(nonsense.size());
    }
    return answered >= 4;
  }));
  EXPECT_FALSE(redis->ready());
}

TEST(RedisConnection, ResolvesNames) {
  RedisServer server({.tcp = true});
  std::string url = server.tcp_url();
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  auto redis = ready(url);
  EXPECT_TRUE(redis->ready());
  auto nowhere = connection("redis://no-such-host.invalid");
  EXPECT_TRUE(wait_until([&] { return nowhere->trouble().find("cannot resolve") != std::string::npos; }));
}

TEST(RedisConnection, LogsInAndSelectsItsDatabase) {
  RedisServer server({.tcp = true, .more = {"--requirepass", "secret"}});
  const std::string place = server.tcp_url().substr(std::string("redis://").size());
  auto redis = ready("redis://:secret@" + place + "/3");
  std::string where;
  redis->command({"CLIENT", "INFO"}, [&](const Reply& reply) { where = reply.text().value_or("?"); });
  ASSERT_TRUE(wait_until([&] { return !where.empty(); }));
  EXPECT_NE(where.find(" db=3 "), std::string::npos) << where;

  for (const std::string& url :
       {"redis://:wrong@" + place, "redis://nobody:secret@" + place, "redis://" + place}) {
    auto refused = connection(url);
    ASSERT_TRUE(wait_until([&] { return refused->trouble().find("refused") != std::string::npos; }))
        << refused->trouble();
    EXPECT_EQ(refused->trouble().find("secret"), std::string::npos);
    EXPECT_EQ(refused->trouble().find("wrong"), refused->trouble().find("wrong pass"));
  }
}

TEST(RedisConnection, CallsNobodyOnceItIsGone) {
  RedisServer server;
  auto redis = ready(server.url());
  int called = 0;
  redis->command({"PING"}, [&](const Reply&) { ++called; });
  Subscription outlives = redis->subscribe(
      "c", [&](auto) { ++called; }, [&] { ++called; });
  const Subscription watch = redis->on_ready([&](bool) { ++called; });
  redis.reset();
  while (g_main_context_iteration(nullptr, FALSE)) {
  }
  EXPECT_EQ(called, 0);
  outlives.reset();
}

TEST(RedisConnection, MayBeTakenDownFromItsOwnCallbacks) {
  RedisServer server;
  {
    auto redis = ready(server.url());
    int after = 0;
    redis->command({"PING"}, [&](const Reply&) { redis.reset(); });
    redis->command({"PING"}, [&](const Reply&) { ++after; });
    ASSERT_TRUE(wait_until([&] { return !redis; }));
    EXPECT_EQ(after, 0);
  }
  {
    auto redis = ready(server.url());
    int after = 0;
    const Subscription first = redis->subscribe(
        "c", [&](auto) { redis.reset(); },
        [&] {
          server.ask({"PUBLISH", "c", ""});
        });
    const Subscription second = redis->subscribe("c", [&](auto) { ++after; });
    ASSERT_TRUE(wait_until([&] { return !redis; }));
    EXPECT_EQ(after, 0);
  }
  {
    auto redis = connection(server.url());
    const Subscription watch = redis->on_ready([&](bool) { redis.reset(); });
    ASSERT_TRUE(wait_until([&] { return !redis; }));
  }
  {
    auto redis = ready(server.url());
    const Subscription watch = redis->on_ready([&](bool) { redis.reset(); });
    server.kill();
    ASSERT_TRUE(wait_until([&] { return !redis; }));
  }
}

TEST(RedisConnection, TakesOnlySoManyCommandsAtOnce) {
  RedisServer server;
  auto redis = ready(server.url());
  std::size_t answered = 0, not_sent = 0;
  for (std::size_t i = 0; i < Link::kMaxWaiting + 50; ++i)
    redis->command({"PING"}, [&](const Reply& reply) { ++(reply.ok() ? answered : not_sent); });
  ASSERT_TRUE(wait_until([&] { return answered + not_sent == Link::kMaxWaiting + 50; }));
  EXPECT_GE(not_sent, 50u);
  EXPECT_LE(not_sent, 51u);  // one may have been the heartbeat
}

}  // namespace
