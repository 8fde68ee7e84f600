// An application that hosts campaigns with campaignsink: they come and go while it plays, its own handlers
// answer beside the page, and it has a say about every viewer.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

#include "guest.hpp"
#include "serving_pipeline.hpp"
#include "test_viewer.hpp"
#include "wait.hpp"
#include "websocket_client.hpp"

namespace campaign::test {
namespace {

using nlohmann::json;

const char* const kOneRung =
    R"({"rungs":[{"name":"low","threshold":0,"particles":1,"width":160,"height":120,"bitrate":300000}]})";
const char* const kTwoRungs =
    R"({"rungs":[{"name":"low","threshold":0,"particles":1,"width":160,"height":120,"bitrate":300000},
                 {"name":"high","threshold":500000,"particles":1,"width":320,"height":240,"bitrate":450000}]})";

struct Wanted {
  std::mutex mutex;
  std::vector<std::string> calls;

  static void add(GstElement*, const char* peer, const char* campaign, const char* context, gpointer self) {
    auto* wanted = static_cast<Wanted*>(self);
    std::scoped_lock lock(wanted->mutex);
    wanted->calls.push_back(std::string(peer) + " " + campaign + " " + context);
  }
  std::vector<std::string> snapshot() {
    std::scoped_lock lock(mutex);
    return calls;
  }
};

class Hosting : public testing::Test {
 protected:
  void SetUp() override {
    g_signal_connect(
        server_.sink(), "http-server-setup", G_CALLBACK(+[](GstElement*, SoupServer* server, gpointer) {
          soup_server_add_handler(
              server, "/greeting",
              +[](SoupServer*, SoupServerMessage* message, const char*, GHashTable*, gpointer) {
                soup_server_message_set_response(message, "text/plain", SOUP_MEMORY_STATIC, "hello", 5);
                soup_server_message_set_status(message, 200, nullptr);
              },
              nullptr, nullptr);
        }),
        nullptr);
    ASSERT_TRUE(server_.play());
  }

  void listen_for_wants() {
    g_signal_connect(server_.sink(), "campaign-wanted", G_CALLBACK(Wanted::add), &wanted_);
  }
  bool act(const char* signal, const char* peer, const char* first = nullptr, const char* second = nullptr) {
    gboolean done = FALSE;
    if (second)
      g_signal_emit_by_name(server_.sink(), signal, peer, first, second, &done);
    else if (first)
      g_signal_emit_by_name(server_.sink(), signal, peer, first, &done);
    else
      g_signal_emit_by_name(server_.sink(), signal, peer, &done);
    return done;
  }

  Wanted wanted_;
  ServingPipeline server_{ServingPipeline::small("max-viewers=8 encoder=x264enc")};
};

TEST_F(Hosting, AnswersBesideThePage) {
  EXPECT_EQ(http(server_.port(), "GET", "/greeting").body, "hello");
  EXPECT_EQ(http(server_.port(), "GET", "/").status, 200u);
  SoupServer* server = nullptr;
  g_object_get(server_.sink(), "http-server", &server, nullptr);
  EXPECT_TRUE(SOUP_IS_SERVER(server));
  g_clear_object(&server);
}

TEST_F(Hosting, RefusesAnUnknownCampaignAtOnceWhenNobodyIsThereToAsk) {
  WebSocketClient client(server_.port(), "?campaign=later");
  const json error = client.wait_for("error");
  ASSERT_FALSE(error.is_null());
  EXPECT_EQ(error["code"], "unknown-campaign");
}

// An encoder that says that it failed: the application is to know which campaign to start anew.
TEST_F(Hosting, AnErrorInsideHasItsCampaignAmongItsDetails) {
  listen_for_wants();  // so that the viewer waits for the guest's first picture
  Guest guest(server_, "failing");
  ASSERT_TRUE(guest.is_linked());
  TestViewer viewer(server_.port(), {"?campaign=failing", true, true});
  ASSERT_TRUE(viewer.wait_for_frames(1));
  // The one that was made last is the guest's.
  GstIterator* all = gst_bin_iterate_all_by_element_factory_name(GST_BIN(server_.sink()), "x264enc");
  GValue first = G_VALUE_INIT;
  ASSERT_EQ(gst_iterator_next(all, &first), GST_ITERATOR_OK);
  auto* encoder = GST_ELEMENT(g_value_dup_object(&first));
  g_value_unset(&first);
  gst_iterator_free(all);
  GST_ELEMENT_ERROR(encoder, STREAM, ENCODE, ("the device is gone"), ("debug"));
  gst_object_unref(encoder);
  GstBus* bus = gst_element_get_bus(server_.pipeline());
  GstMessage* message = gst_bus_timed_pop_filtered(bus, 5 * GST_SECOND, GST_MESSAGE_ERROR);
  gst_object_unref(bus);
  ASSERT_TRUE(message);
  GError* error = nullptr;
  const GstStructure* details = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  gst_message_parse_error_details(message, &details);
  EXPECT_STREQ(error->message, "the device is gone");
  ASSERT_TRUE(details);
  EXPECT_STREQ(gst_structure_get_string(details, "campaign"), "failing");
  g_error_free(error);
  gst_message_unref(message);
}

TEST_F(Hosting, AViewerWaitsForACampaignThatIsBroughtWhilePlaying) {
  listen_for_wants();
  TestViewer other(server_.port());
  ASSERT_TRUE(other.wait_for_frames(1));
  TestViewer viewer(server_.port(), {"?campaign=later&peer=early&context=test", true, true});
  EXPECT_TRUE(wait_until([&] { return !wanted_.snapshot().empty(); }));
  EXPECT_EQ(wanted_.snapshot(), std::vector<std::string>{"early later test"});
  {
    Guest guest(server_, "later");
    ASSERT_TRUE(guest.is_linked());
    EXPECT_TRUE(viewer.wait_for_frames(5));
    EXPECT_EQ(viewer.welcome()["campaign"], "later");
    EXPECT_EQ(wanted_.snapshot().size(), 1u);
  }
  EXPECT_FALSE(viewer.socket().wait_for("bye").is_null());
  EXPECT_TRUE(other.wait_for_frames(15));
}

TEST_F(Hosting, AWaitingViewerIsLetInWithTheWholeLadderToChooseFrom) {
  listen_for_wants();
  for (int round = 0; round < 5; ++round) {
    const std::string campaign = "later" + std::to_string(round);
    WebSocketClient viewer(server_.port(), "?campaign=" + campaign);
    ASSERT_FALSE(viewer.wait_for("waiting").is_null());
    Guest guest(server_, campaign, {.ladder = kTwoRungs});
    EXPECT_EQ(viewer.wait_for("welcome")["qualities"], (json{"low", "high"}));
  }
}

TEST_F(Hosting, ViewersLearnWhatThereIsToChooseFromAsItChanges) {
  TestViewer viewer(server_.port());
  ASSERT_TRUE(viewer.wait_for_frames(1));
  ASSERT_EQ(viewer.welcome()["campaigns"], json::array({"0"}));
  Guest guest(server_, "second", {.ladder = kTwoRungs});
  json choice = viewer.socket().wait_for("choice");
  EXPECT_EQ(choice["campaign"], "0");
  EXPECT_EQ(choice["campaigns"], (json{"0", "second"}));
  EXPECT_EQ(choice["qualities"], viewer.welcome()["qualities"]);

  viewer.socket().send({{"type", "subscribe"}, {"campaign", "second"}, {"quality", "auto"}});
  choice = viewer.socket().wait_for("choice");
  EXPECT_EQ(choice["campaign"], "second");
  EXPECT_EQ(choice["qualities"], (json{"low", "high"}));

  g_object_set(guest.pad(), "ladder", kOneRung, nullptr);
  EXPECT_EQ(viewer.socket().wait_for("choice")["qualities"], json::array({"low"}));
}

TEST_F(Hosting, AWaitingViewerIsSentElsewhereOrRefused) {
  listen_for_wants();
  WebSocketClient moved(server_.port(), "?campaign=there&peer=moved");
  EXPECT_EQ(moved.wait_for("waiting")["campaign"], "there");
  EXPECT_TRUE(act("redirect-viewer", "moved", "http://other:8080/"));
  const json bye = moved.wait_for("bye");
  ASSERT_FALSE(bye.is_null());
  EXPECT_EQ(bye["reason"], "moved");
  EXPECT_EQ(bye["url"], "http://other:8080/");
  EXPECT_TRUE(moved.wait_closed());
  EXPECT_EQ(moved.close_code(), 4307);

  WebSocketClient refused(server_.port(), "?campaign=there&peer=refused");
  EXPECT_FALSE(refused.wait_for("waiting").is_null());
  EXPECT_TRUE(act("refuse-viewer", "refused", "unknown-campaign", "nobody knows it"));
  const json error = refused.wait_for("error");
  EXPECT_EQ(error["code"], "unknown-campaign");
  EXPECT_EQ(error["campaigns"], json::array({"0"}));
  EXPECT_TRUE(refused.wait_closed());
  EXPECT_FALSE(act("redirect-viewer", "nobody", "http://other:8080/"));
}

TEST_F(Hosting, ViewersAreMovedAndRemoved) {
  Guest guest(server_, "second");
  TestViewer viewer(server_.port(), {"?campaign=0&peer=guest", true, true});
  ASSERT_TRUE(viewer.wait_for_frames(1));
  ASSERT_TRUE(wait_until([&] { return act("move-viewer", "guest", "second", "auto"); }));
  EXPECT_TRUE(wait_until([&] {
    const json change = viewer.socket().wait_for("quality", 1);
    return !change.is_null() && change["campaign"] == "second";
  }));
  EXPECT_TRUE(viewer.wait_for_frames(10));
  EXPECT_FALSE(act("move-viewer", "guest", "third", "auto"));
  EXPECT_TRUE(act("remove-viewer", "guest"));
  EXPECT_EQ(viewer.socket().wait_for("bye")["reason"], "removed");
  EXPECT_TRUE(wait_until([&] { return server_.viewers() == 0; }));
  EXPECT_FALSE(act("remove-viewer", "guest"));
}

TEST_F(Hosting, EverybodyGetsTheStateOnJoiningAndEveryChangeInOrder) {
  const auto set = [&](guint64 revision) {
    const std::string text = "{\"n\":" + std::to_string(revision) + "}";
    g_signal_emit_by_name(server_.sink(), "set-campaign-state", "0", text.c_str(), revision);
  };
  const std::string type = "campaign:state:v1:update";
  set(1);
  WebSocketClient first(server_.port(), "?campaign=0&peer=first");
  EXPECT_EQ(first.wait_for(type)["revision"], 1);
  for (guint64 revision = 2; revision <= 50; ++revision) set(revision);
  WebSocketClient amid(server_.port(), "?campaign=0&peer=amid");
  for (int revision = amid.wait_for(type)["revision"]; revision < 50;)
    ASSERT_EQ(amid.wait_for(type)["revision"], ++revision);
  for (int revision = 2; revision <= 50; ++revision) ASSERT_EQ(first.wait_for(type)["revision"], revision);
  WebSocketClient late(server_.port(), "?campaign=0&peer=late");
  const json snapshot = late.wait_for(type);
  EXPECT_EQ(snapshot["campaign_id"], "0");
  EXPECT_EQ(snapshot["state"]["n"], 50);
}

TEST_F(Hosting, EverybodyKnowsWhomToTurnToWhenThisServerIsGone) {
  const auto know = [&](std::vector<const char*> urls) {
    urls.push_back(nullptr);
    g_signal_emit_by_name(server_.sink(), "set-other-servers", urls.data());
  };
  WebSocketClient early(server_.port(), "?campaign=0&peer=early");
  ASSERT_FALSE(early.wait_for("welcome").is_null());
  know({"http://a:1", "https://b"});
  EXPECT_EQ(early.wait_for("servers")["urls"], (json{"http://a:1", "https://b"}));
  WebSocketClient late(server_.port(), "?campaign=0&peer=late");
  EXPECT_EQ(late.wait_for("servers")["urls"], (json{"http://a:1", "https://b"}));
  listen_for_wants();
  WebSocketClient waiting(server_.port(), "?campaign=later&peer=waiting");
  EXPECT_EQ(waiting.wait_for("servers")["urls"], (json{"http://a:1", "https://b"}));

  // The page may ask them, and nobody else.
  const auto headers = [&](const char* path) { return http(server_.port(), "GET", path).header_dump; };
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != text.npos; };
  EXPECT_TRUE(has(headers("/"), "connect-src 'self' http://a:1 https://b\n")) << headers("/");
  EXPECT_TRUE(has(headers("/healthz"), "Cross-Origin-Resource-Policy: cross-origin\n"))
      << headers("/healthz");
  know({});
  EXPECT_EQ(early.wait_for("servers")["urls"], json::array());
  EXPECT_TRUE(has(headers("/"), "connect-src 'self'\n"));
}

TEST_F(Hosting, TakesNoNewViewersWhileItIsToldSo) {
  TestViewer viewer(server_.port());
  ASSERT_TRUE(viewer.wait_for_frames(1));
  g_object_set(server_.sink(), "accept-viewers", FALSE, nullptr);
  {
    WebSocketClient late(server_.port(), "?peer=late");
    EXPECT_EQ(late.wait_for("error")["code"], "draining");
  }
  listen_for_wants();
  WebSocketClient waiting(server_.port(), "?peer=waiting");
  EXPECT_FALSE(waiting.wait_for("waiting").is_null());
  g_object_set(server_.sink(), "accept-viewers", TRUE, nullptr);
  EXPECT_FALSE(waiting.wait_for("welcome").is_null());
  EXPECT_TRUE(viewer.wait_for_frames(15));
}

TEST_F(Hosting, ACampaignMayHaveALimitOfItsOwn) {
  Guest guest(server_, "small");
  g_object_set(guest.pad(), "max-viewers", 1u, nullptr);
  ASSERT_TRUE(wait_until([&] {
    WebSocketClient probe(server_.port(), "?campaign=small");
    return !probe.wait_for("welcome", 2).is_null();
  }));
  ASSERT_TRUE(wait_until([&] { return server_.viewers() == 0; }));
  TestViewer viewer(server_.port(), {"?campaign=small&peer=one", true, true});
  ASSERT_TRUE(viewer.wait_for_frames(1));
  WebSocketClient second(server_.port(), "?campaign=small&peer=two");
  EXPECT_EQ(second.wait_for("error")["code"], "too-many-viewers");
  WebSocketClient elsewhere(server_.port(), "?campaign=0&peer=three");
  EXPECT_FALSE(elsewhere.wait_for("welcome").is_null());
}

TEST_F(Hosting, ANewLadderTakesEffectWithoutAGapForItsViewers) {
  const auto rungs = [&] {
    std::string names;
    GstStructure* stats = server_.stats();
    const GValue* list = gst_structure_get_value(stats, "renditions");
    for (guint i = 0; list && i < gst_value_array_get_size(list); ++i) {
      const GstStructure* rung = gst_value_get_structure(gst_value_array_get_value(list, i));
      if (g_str_equal(gst_structure_get_string(rung, "campaign"), "laddered"))
        names += std::string(names.empty() ? "" : " ") + gst_structure_get_string(rung, "quality");
    }
    gst_structure_free(stats);
    return names;
  };
  Guest guest(server_, "laddered", {.ladder = kOneRung});
  ASSERT_TRUE(wait_until([&] { return rungs() == "thin low"; })) << rungs();
  TestViewer viewer(server_.port(), {"?campaign=laddered", true, true});
  ASSERT_TRUE(viewer.wait_for_frames(5));
  g_object_set(guest.pad(), "ladder", kTwoRungs, nullptr);
  EXPECT_TRUE(wait_until([&] { return rungs() == "thin low high"; })) << rungs();
  EXPECT_TRUE(viewer.wait_for_frames(20));
  EXPECT_TRUE(viewer.socket().is_open());
}

}  // namespace
}  // namespace campaign::test
