// webrtcbin's ICE on the thread of all sessions, between real webrtcbins: what connects, what is told, what
// stays behind, and what a session that goes in the middle leaves of the others.
#include "viewer/ice/webrtc_ice.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>

#include "local_names.hpp"
#include "turn_server.hpp"
#include "util/guarded.hpp"
#include "wait.hpp"
#include "webrtc_peer.hpp"

namespace campaign::viewer {
namespace {

using test::connect_until;
using test::use_loopback;
using test::wait_until;
using test::WebRtcPeer;

// The names of this program's threads, and how many have each.
std::map<std::string, int> threads() {
  std::map<std::string, int> names;
  std::error_code gone;  // a thread may end while it is looked at
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    std::string name;
    if (std::getline(std::ifstream(task.path() / "comm"), name)) ++names[name];
  }
  return names;
}

std::string other_host_candidate(unsigned port) {
  return "candidate:1 1 UDP 2015363327 127.0.0.1 " + std::to_string(port) + " typ host";
}

class WebRtcIce : public ::testing::Test {
 protected:
  ~WebRtcIce() override { thread_->stop(); }

  std::unique_ptr<WebRtcPeer> ours() {
    return std::make_unique<WebRtcPeer>(make_webrtcbin("ours", thread_), use_loopback);
  }
  std::unique_ptr<WebRtcPeer> stock() {
    return std::make_unique<WebRtcPeer>(gst_element_factory_make("webrtcbin", "stock"), use_loopback);
  }
  std::unique_ptr<WebRtcPeer> by_relay_alone(const test::TurnServer& server, const char* transport) {
    return std::make_unique<WebRtcPeer>(make_webrtcbin("ours", thread_), [&](GstElement* webrtcbin) {
      use_loopback(webrtcbin);
      gst_util_set_object_arg(G_OBJECT(webrtcbin), "ice-transport-policy", "relay");
      gboolean added = FALSE;
      g_signal_emit_by_name(webrtcbin, "add-turn-server", server.uri(transport).c_str(), &added);
      EXPECT_TRUE(added);
    });
  }
  static void negotiate(WebRtcPeer& offering, WebRtcPeer& answering) {
    const std::string offer = offering.offer();
    ASSERT_FALSE(offer.empty());
    const std::string answer = answering.answer(offer);
    ASSERT_FALSE(answer.empty());
    offering.take_answer(answer);
  }

  const std::shared_ptr<IceThread> thread_ = std::make_shared<IceThread>();
};

TEST_F(WebRtcIce, CarriesMediaAndDataToAStockOne) {
  const auto here = ours(), there = stock();
  here->add_audio();
  here->add_channel();
  negotiate(*here, *there);
  EXPECT_TRUE(connect_until(*here, *there, [&] {
    return there->packets() >= 10 && here->channel_open() && there->channel_open();
  }));
  here->say("there");
  there->say("here");
  EXPECT_TRUE(
      connect_until(*here, *there, [&] { return there->heard() == "there" && here->heard() == "here"; }));
}

TEST_F(WebRtcIce, AnswersAStockOne) {
  const auto there = stock(), here = ours();
  there->add_audio();
  negotiate(*there, *here);
  EXPECT_TRUE(connect_until(*there, *here, [&] { return here->packets() >= 10; }));
}

TEST_F(WebRtcIce, TellsItsStatesInTheirOrder) {
  const auto here = ours(), there = stock();
  here->add_audio();
  using States = Guarded<std::vector<GstWebRTCICEConnectionState>>;
  States states;
  g_signal_connect(here->webrtcbin(), "notify::ice-connection-state",
                   G_CALLBACK(+[](GObject* webrtcbin, GParamSpec*, gpointer data) {
                     GstWebRTCICEConnectionState state;
                     g_object_get(webrtcbin, "ice-connection-state", &state, nullptr);
                     static_cast<States*>(data)->with([&](auto& told) { told.push_back(state); });
                   }),
                   &states);
  negotiate(*here, *there);
  EXPECT_TRUE(connect_until(*here, *there, [&] {
    return here->ice_state() == GST_WEBRTC_ICE_CONNECTION_STATE_COMPLETED &&
           here->gathering_state() == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE;
  }));
  const auto told = states.snapshot();
  ASSERT_GE(told.size(), 2u);
  EXPECT_EQ(told.front(), GST_WEBRTC_ICE_CONNECTION_STATE_CHECKING);
  EXPECT_EQ(told.back(), GST_WEBRTC_ICE_CONNECTION_STATE_COMPLETED);
  EXPECT_TRUE(std::ranges::is_sorted(told));
}

TEST_F(WebRtcIce, SaysWhichWayItChose) {
  const auto here = ours(), there = stock();
  here->add_audio();
  negotiate(*here, *there);
  ASSERT_TRUE(connect_until(*here, *there,
                            [&] { return here->ice_state() == GST_WEBRTC_ICE_CONNECTION_STATE_COMPLETED; }));
  const auto stats = here->stats();
  const CharPtr text{gst_structure_to_string(gst_promise_get_reply(stats.get()))};
  for (const char* said : {"local-candidate", "remote-candidate", "127.0.0.1", "host", "udp"})
    EXPECT_NE(std::string(text.get()).find(said), std::string::npos) << said << " in\n" << text.get();
}

TEST_F(WebRtcIce, AllSessionsShareOneThread) {
  std::vector<std::unique_ptr<WebRtcPeer>> sessions;
  for (int i = 0; i < 10; ++i) {
    sessions.push_back(ours());
    sessions.back()->add_channel();
    ASSERT_FALSE(sessions.back()->offer().empty());
  }
  const auto with_ours = threads();
  EXPECT_EQ(with_ours.at("campaign-ice"), 1);
  EXPECT_FALSE(with_ours.contains("ours:ice"));
  const auto other = stock();
  EXPECT_TRUE(wait_until([] { return threads().contains("stock:ice"); }, 5));
}

TEST_F(WebRtcIce, ASessionMayGoAtAnyMoment) {
  const auto witness = ours(), far = stock();
  witness->add_audio();
  negotiate(*witness, *far);
  ASSERT_TRUE(connect_until(*witness, *far, [&] { return far->packets() >= 5; }));
  std::mt19937 random(20261129);
  for (int i = 0; i < 40; ++i) {
    auto here = ours(), there = ours();
    here->add_audio();
    const std::string offer = here->offer();
    const auto until = g_get_monotonic_time() + std::uniform_int_distribution<gint64>(0, 30'000)(random);
    if (i % 4 != 0) {
      here->take_answer(there->answer(offer));
      connect_until(*here, *there, [&] { return g_get_monotonic_time() >= until; });
    }
    if (i % 2 == 0) std::swap(here, there);
    here.reset();
    there.reset();
  }
  const unsigned before = far->packets();
  EXPECT_TRUE(wait_until([&] { return far->packets() >= before + 25; }, 10));
}

TEST_F(WebRtcIce, WhoeverKeepsTheAgentIsNotToldAfterItsWebRtcBin) {
  auto here = ours();
  GObject* agent = nullptr;
  g_object_get(here->webrtcbin(), "ice-agent", &agent, nullptr);
  here->add_channel();
  ASSERT_FALSE(here->offer().empty());
  here.reset();  // in the middle of gathering
  thread_->call([] {});
  g_object_unref(agent);
}

TEST_F(WebRtcIce, SessionsMayOutliveTheThread) {
  const auto here = ours();
  here->add_channel();
  ASSERT_FALSE(here->offer().empty());
  thread_->stop();
  here->add_candidate(0, other_host_candidate(9));
  EXPECT_FALSE(threads().contains("campaign-ice"));
}

TEST_F(WebRtcIce, UnusableCandidatesDoNoHarm) {
  const auto here = ours(), there = stock();
  here->add_audio();
  negotiate(*here, *there);
  for (const std::string candidate :
       {"candidate:", "candidate:1 1 UDP", "candidate:1 2 UDP 1 127.0.0.1 9 typ host",
        "candidate:1 1 UDP 4294967295 999.1.1.1 99999 typ host", "candidate:1 1 UDP 1 a.b.local 9 typ host",
        "candidate:1 1 XDP 1 127.0.0.1 9 typ guest", "candidate:1 1 UDP 1 .local 9 typ host",
        "candidate:1 1 UDP 1 ::1%lo 9 typ host raddr 0.0.0.0 rport 0",
        "candidate:1 1 TCP 1 127.0.0.1 9 typ host tcptype sideways"})
    here->add_candidate(0, candidate);
  for (unsigned port = 1; port < 60; ++port) here->add_candidate(0, other_host_candidate(port));
  EXPECT_TRUE(connect_until(*here, *there, [&] { return there->packets() >= 10; }));
}

std::string with_name(std::string candidate, const char* name) {
  const std::string address = "127.0.0.1";
  if (const auto at = candidate.find(address); at != candidate.npos)
    candidate.replace(at, address.size(), name);
  return candidate;
}

TEST_F(WebRtcIce, ReachesWhoeverHidesBehindALocalName) {
  const test::LocalNames names;
  const auto here = ours(), there = stock();
  here->add_audio();
  negotiate(*here, *there);
  EXPECT_TRUE(wait_until(
      [&] {
        for (const auto& [line, candidate] : there->candidates())
          here->add_candidate(line, with_name(candidate, "found.local"));
        return there->packets() >= 10;
      },
      20));
  EXPECT_GE(test::LocalNames::asked(), 1);
}

TEST_F(WebRtcIce, NamesThatNobodyAnswersToHoldNothingUp) {
  const test::LocalNames names;
  const auto here = ours(), there = stock();
  here->add_audio();
  negotiate(*here, *there);
  for (int i = 0; i < 50; ++i) here->add_candidate(0, with_name(other_host_candidate(9), "silent.local"));
  EXPECT_TRUE(connect_until(*here, *there, [&] { return there->packets() >= 10; }));
  EXPECT_EQ(test::LocalNames::asked(), 8);
}

TEST_F(WebRtcIce, KeepsToThePortsItIsGiven) {
  WebRtcPeer here(make_webrtcbin("ours", thread_), [](GstElement* webrtcbin) {
    use_loopback(webrtcbin);
    GObject* ice = nullptr;
    g_object_get(webrtcbin, "ice-agent", &ice, nullptr);
    g_object_set(ice, "min-rtp-port", 46100, "max-rtp-port", 46109, nullptr);
    g_object_unref(ice);
  });
  here.add_channel();
  ASSERT_FALSE(here.offer().empty());
  std::vector<std::pair<unsigned, std::string>> candidates;
  EXPECT_TRUE(wait_until([&] { return !(candidates = here.candidates()).empty(); }, 10));
  EXPECT_FALSE(candidates.front().second.empty());
  for (const auto& [line, candidate] : candidates) {
    if (candidate.empty()) continue;  // the end of them, which webrtcbin of 1.26 tells
    EXPECT_NE(candidate.find(" 4610"), std::string::npos) << candidate;
  }
}

TEST_F(WebRtcIce, ServersThatAreNoneAreRefused) {
  const auto here = ours();
  const auto added = [&](const char* uri) {
    gboolean is = FALSE;
    g_signal_emit_by_name(here->webrtcbin(), "add-turn-server", uri, &is);
    return bool(is);
  };
  EXPECT_TRUE(added("turn://user:password@127.0.0.1:3478?transport=udp"));
  EXPECT_TRUE(added("turns://user:password@[::1]"));
  EXPECT_FALSE(added("turn://127.0.0.1:3478"));
  EXPECT_FALSE(added("stun://user:password@127.0.0.1:3478"));
  EXPECT_FALSE(added("turn://user:password@127.0.0.1?transport=pigeon"));
  g_object_set(here->webrtcbin(), "stun-server", "stun://127.0.0.1", "turn-server", "turn://u:p@127.0.0.1",
               "http-proxy", "http://127.0.0.1:8888", nullptr);
  char *stun = nullptr, *turn = nullptr, *proxy = nullptr;
  g_object_get(here->webrtcbin(), "stun-server", &stun, "turn-server", &turn, "http-proxy", &proxy, nullptr);
  EXPECT_STREQ(CharPtr(stun).get(), "stun://127.0.0.1");
  EXPECT_STREQ(CharPtr(turn).get(), "turn://u:p@127.0.0.1");
  EXPECT_STREQ(CharPtr(proxy).get(), "http://127.0.0.1:8888");
}

// Otherwise it would keep what it has given out for ten minutes.
TEST_F(WebRtcIce, TellsTheTurnServerWhenASessionHasEnded) {
  const test::TurnServer server;
  auto here = by_relay_alone(server, "udp");
  here->add_channel();
  ASSERT_FALSE(here->offer().empty());
  ASSERT_TRUE(wait_until([&] { return server.allocations() == 1; }, 20));
  here.reset();
  EXPECT_TRUE(wait_until([&] { return server.allocations() == 0; }, 20));
}

TEST_F(WebRtcIce, TheThreadEndsWithoutATurnServerThatHasGone) {
  auto server = std::make_unique<test::TurnServer>();
  auto here = by_relay_alone(*server, "udp");
  here->add_channel();
  ASSERT_FALSE(here->offer().empty());
  ASSERT_TRUE(wait_until([&] { return server->allocations() == 1; }, 20));
  server.reset();
  here.reset();
  const auto stopped_at = g_get_monotonic_time();
  thread_->stop();
  EXPECT_LT(g_get_monotonic_time() - stopped_at, 10 * G_USEC_PER_SEC);
}

class WebRtcIceByTurn : public WebRtcIce, public ::testing::WithParamInterface<const char*> {};

TEST_P(WebRtcIceByTurn, CarriesMediaByTheRelayAlone) {
  const test::TurnServer server;
  const auto here = by_relay_alone(server, GetParam()), there = stock();
  here->add_audio();
  negotiate(*here, *there);
  EXPECT_TRUE(connect_until(*here, *there, [&] { return there->packets() >= 10; }));
  const CharPtr stats{gst_structure_to_string(gst_promise_get_reply(here->stats().get()))};
  for (const char* said : {"relay", GetParam()})
    EXPECT_NE(std::string(stats.get()).find(said), std::string::npos) << said << " in\n" << stats.get();
}

INSTANTIATE_TEST_SUITE_P(Transports, WebRtcIceByTurn, ::testing::Values("udp", "tcp"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace campaign::viewer
