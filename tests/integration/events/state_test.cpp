// A campaign's state through the whole server: ten writers change it over HTTP, viewers come and go on their
// WebSockets, other nodes follow it in Redis. Everybody ends at the same revision and document, and is told
// every change once and in order.
#include <gio/gio.h>
#include <gtest/gtest.h>
#include <libsoup/soup.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "events/redis/state_store.hpp"
#include "redis_server.hpp"
#include "state_follower.hpp"
#include "wait.hpp"
#include "websocket_client.hpp"

namespace {

using namespace campaign::test;
using namespace campaign::events::redis;
using campaign::test::Follower;
using nlohmann::json;

constexpr int kWriters = 10;
constexpr int kChangesEach = 1000;
constexpr int kViewers = 5;
// The smallest picture there is: this is about its state.
constexpr const char* kCampaign = R"({"particles":100,"framerate":5,"device":"cpu","ladder":{"rungs":[
    {"name":"low","threshold":0,"particles":100,"width":160,"height":90,"bitrate":100000}]}})";

class CampaignServer {
 public:
  explicit CampaignServer(std::vector<std::string> flags) {
    char name[] = "/tmp/campaign-state-test-XXXXXX";
    folder_ = mkdtemp(name);
    std::vector<std::string> words{CAMPAIGN_SERVER, "--port=0", "--node-id=test",
                                   "--state=" + folder_ + "/state"};
    words.insert(words.end(), flags.begin(), flags.end());
    std::vector<const char*> arguments;
    for (const std::string& word : words) arguments.push_back(word.c_str());
    arguments.push_back(nullptr);
    GSubprocessLauncher* launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
    g_subprocess_launcher_set_stderr_file_path(launcher, log_file().c_str());
    GError* error = nullptr;
    process_ = g_subprocess_launcher_spawnv(launcher, arguments.data(), &error);
    g_object_unref(launcher);
    EXPECT_TRUE(process_) << error->message;
    EXPECT_TRUE(wait_until([this] { return (port_ = logged_port()) != 0; }, 30)) << log();
  }
  ~CampaignServer() {
    g_subprocess_send_signal(process_, SIGINT);
    if (!wait_until([this] { return g_subprocess_get_identifier(process_) == nullptr; }, 20))
      g_subprocess_force_exit(process_);
    g_subprocess_wait(process_, nullptr, nullptr);
    g_object_unref(process_);
    std::filesystem::remove_all(folder_);
  }

  unsigned port() const { return port_; }
  std::string log() const {
    std::ifstream file(log_file());
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string log_file() const { return folder_ + "/log"; }
  unsigned logged_port() const {
    std::ifstream file(log_file());
    for (std::string line; std::getline(file, line);) {
      const json entry = json::parse(line, nullptr, false);
      if (entry.is_object() && entry.value("event", "") == "listening") return entry.value("port", 0u);
    }
    return 0;
  }

  std::string folder_;
  GSubprocess* process_ = nullptr;
  unsigned port_ = 0;
};

// One request after the other on a connection of its own.
class Client {
 public:
  using Answered = std::function<void(unsigned status, const json& body)>;

  explicit Client(unsigned port)
      : session_(soup_session_new()), base_("http://127.0.0.1:" + std::to_string(port) + "/api/v1") {}
  ~Client() {
    soup_session_abort(session_);
    wait_until([this] { return !busy_; });
    g_object_unref(session_);
  }

  void send(const char* method, const std::string& path, const std::string& body, Answered answered) {
    SoupMessage* message = soup_message_new(method, (base_ + path).c_str());
    if (!body.empty()) {
      GBytes* bytes = g_bytes_new(body.data(), body.size());
      const bool patch = std::string_view(method) == "PATCH";
      soup_message_set_request_body_from_bytes(
          message, patch ? "application/merge-patch+json" : "application/json", bytes);
      g_bytes_unref(bytes);
    }
    answered_ = std::move(answered);
    busy_ = true;
    soup_session_send_and_read_async(
        session_, message, G_PRIORITY_DEFAULT, nullptr,
        [](GObject* session, GAsyncResult* result, gpointer data) {
          auto& self = *static_cast<Client*>(data);
          SoupMessage* sent = soup_session_get_async_result_message(SOUP_SESSION(session), result);
          const unsigned status = soup_message_get_status(sent);
          GBytes* bytes = soup_session_send_and_read_finish(SOUP_SESSION(session), result, nullptr);
          json answer;
          if (bytes) {
            gsize size = 0;
            const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
            answer = json::parse(std::string(text ? text : "", size), nullptr, false);
            g_bytes_unref(bytes);
          }
          self.busy_ = false;
          const auto tell = std::exchange(self.answered_, nullptr);
          tell(bytes ? status : 0, answer);
        },
        this);
    g_object_unref(message);
  }

  std::pair<unsigned, json> ask(const char* method, const std::string& path, const std::string& body = {}) {
    std::optional<std::pair<unsigned, json>> got;
    send(method, path, body, [&](unsigned status, const json& answer) { got = {status, answer}; });
    wait_until([&] { return got.has_value(); }, 30);
    return got.value_or(std::pair<unsigned, json>{});
  }

 private:
  SoupSession* session_;
  std::string base_;
  Answered answered_;
  bool busy_ = false;
};

class Writer {
 public:
  Writer(unsigned port, int number) : client_(port), member_("w" + std::to_string(number)) { next(); }
  int done() const { return done_; }
  const std::string& failure() const { return failure_; }

 private:
  void next() {
    if (done_ == kChangesEach) return;
    client_.send("PATCH", "/campaigns/0/state", "{\"" + member_ + "\":" + std::to_string(done_ + 1) + "}",
                 [this](unsigned status, const json& answer) {
                   const bool made =
                       status == 200 && answer.is_object() && answer["state"][member_] == done_ + 1;
                   if (!made) {
                     failure_ = std::to_string(status) + " " + answer.dump();
                     return;
                   }
                   ++done_;
                   next();
                 });
  }

  Client client_;
  const std::string member_;
  int done_ = 0;
  std::string failure_;
};

// Speaks only the signalling, so that the server sends it away after a while; then it comes again.
class Viewer {
 public:
  explicit Viewer(unsigned port) : port_(port) { join(); }

  void come_again_if_sent_away() {
    if (socket_->is_closed()) join();
  }
  std::uint64_t revision() const { return revision_; }
  const json& state() const { return state_; }
  int visits() const { return visits_; }
  const std::string& wrong() const { return wrong_; }

 private:
  void join() {
    ++visits_;
    first_ = true;
    socket_ = std::make_unique<WebSocketClient>(port_, "?campaign=0");
    socket_->on_message = [this](const json& message) {
      if (message["type"] == "campaign:state:v1:update") told(message);
      return true;
    };
  }
  void told(const json& message) {
    const std::uint64_t revision = message["revision"];
    // The first of a visit is what there is; from there on one by one.
    if (first_ ? revision < revision_ : revision != revision_ + 1)
      wrong_ +=
          std::to_string(revision_) + " then " + std::to_string(revision) + (first_ ? " on joining; " : "; ");
    first_ = false;
    revision_ = revision;
    state_ = message["state"];
  }

  const unsigned port_;
  std::unique_ptr<WebSocketClient> socket_;
  bool first_ = true;
  int visits_ = 0;
  std::uint64_t revision_ = 0;
  json state_;
  std::string wrong_;
};

// Returns the revision that everybody ended at.
void changes_reach_everybody(CampaignServer& server, const std::vector<std::unique_ptr<Follower>>& nodes) {
  Client client(server.port());
  ASSERT_EQ(client.ask("PUT", "/campaigns/0", kCampaign).first, 201u) << server.log();
  ASSERT_TRUE(wait_until(
      [&] { return client.ask("GET", "/campaigns/0").second.value("status", "") == "running"; }, 30));
  const std::uint64_t before = client.ask("GET", "/campaigns/0").second["revision"];
  std::vector<std::unique_ptr<Viewer>> viewers;
  for (int i = 0; i < kViewers; ++i) viewers.push_back(std::make_unique<Viewer>(server.port()));
  ASSERT_TRUE(wait_until([&] {
    return std::ranges::all_of(viewers, [&](const auto& viewer) { return viewer->revision() == before; });
  }));

  const gint64 began = g_get_monotonic_time();
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < kWriters; ++i) writers.push_back(std::make_unique<Writer>(server.port(), i));
  const std::uint64_t after = before + kWriters * kChangesEach;
  ASSERT_TRUE(wait_until(
      [&] {
        for (const auto& viewer : viewers) viewer->come_again_if_sent_away();
        return std::ranges::all_of(writers, [](const auto& w) { return w->done() == kChangesEach; }) ||
               std::ranges::any_of(writers, [](const auto& w) { return !w->failure().empty(); });
      },
      200));
  const double seconds = double(g_get_monotonic_time() - began) / G_USEC_PER_SEC;
  for (const auto& writer : writers) ASSERT_EQ(writer->failure(), "") << server.log();
  std::printf("%d changes over HTTP in %.2f s\n", kWriters * kChangesEach, seconds);

  ASSERT_TRUE(wait_until([&] {
    for (const auto& viewer : viewers) viewer->come_again_if_sent_away();
    return std::ranges::all_of(viewers, [&](const auto& viewer) { return viewer->revision() == after; }) &&
           std::ranges::all_of(nodes, [&](const auto& node) { return node->document().revision() == after; });
  }));
  const json state = client.ask("GET", "/campaigns/0/state").second;
  EXPECT_EQ(state["revision"], after);
  for (int i = 0; i < kWriters; ++i) EXPECT_EQ(state["state"]["w" + std::to_string(i)], kChangesEach);
  int visits = 0;
  for (const auto& viewer : viewers) {
    EXPECT_EQ(viewer->state(), state["state"]);
    EXPECT_EQ(viewer->wrong(), "");
    visits += viewer->visits();
  }
  std::printf("%d viewers, %d visits\n", kViewers, visits);
  for (const auto& node : nodes) {
    EXPECT_EQ(node->document().json()["state"], state["state"]);
    EXPECT_EQ(node->broken(), 0);
    EXPECT_EQ(std::uint64_t(node->patches()), after - node->first_snapshot());
  }
}

TEST(State, TenThousandChangesReachEveryViewerOfASingleNode) {
  CampaignServer server({});
  changes_reach_everybody(server, {});
}

TEST(State, TenThousandChangesReachEveryViewerAndNodeThroughRedis) {
  RedisServer redis({.tcp = true});
  CampaignServer server({"--redis=" + redis.tcp_url()});
  struct Node {
    Node(const RedisServer& where, std::uint64_t seed)
        : connection(*parse_url(where.url()), {.answer = 10'000}, seed), store(connection, seed) {}
    Connection connection;
    RedisStateStore store;
  };
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<Follower>> followers;
  for (std::uint64_t i = 0; i < 3; ++i) {
    nodes.push_back(std::make_unique<Node>(redis, 100 + 10 * i));
    followers.push_back(std::make_unique<Follower>(nodes.back()->store, "0"));
  }
  changes_reach_everybody(server, followers);
}

}  // namespace
