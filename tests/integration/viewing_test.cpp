// campaignsink in process, watched by real WebRTC receivers.
#include <gst/gst.h>
#include <gst/video/navigation.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "serving_pipeline.hpp"
#include "test_viewer.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

constexpr double kFirstFrame = 20;  // seconds; under sanitizers, and beside others, too

TEST(Viewing, AViewerIsWelcomedOfferedAndShownVideo) {
  ServingPipeline server(ServingPipeline::small());
  ASSERT_TRUE(server.play());
  TestViewer viewer(server.port(), {"?campaign=0&context=test&peer=me", true, true});
  ASSERT_TRUE(viewer.wait_for_frames(1, kFirstFrame));
  RecordProperty("join_ms", int(viewer.join_seconds() * 1000));
  EXPECT_EQ(viewer.welcome()["version"], 1);
  EXPECT_EQ(viewer.welcome()["peer"], "me");
  EXPECT_EQ(viewer.welcome()["campaign"], "0");
  EXPECT_EQ(viewer.welcome()["campaigns"], nlohmann::json({"0"}));
  EXPECT_EQ(viewer.welcome()["qualities"], nlohmann::json({"high"}));
  EXPECT_EQ(viewer.codec(), "H264");
  EXPECT_TRUE(viewer.wait_for_frames(30));
}

TEST(Viewing, TheOfferPinsWhatBrowsersNeed) {
  ServingPipeline server(ServingPipeline::small());
  ASSERT_TRUE(server.play());
  TestViewer viewer(server.port(), {"", true, true});
  ASSERT_TRUE(viewer.wait_for_frames(1, kFirstFrame));
  const std::string& offer = viewer.offer();
  for (const char* part :
       {"m=video 9 UDP/TLS/RTP/SAVPF 96", "a=sendonly", "H264/90000", "profile-level-id=42e01f",
        "packetization-mode=1", "a=group:BUNDLE", "transport-wide-cc-extensions-01", "96 transport-cc",
        "nack pli", "rtx/90000", "a=ssrc:"})
    EXPECT_NE(offer.find(part), std::string::npos) << part << "\n" << offer;
  for (const char* part : {"sprop-parameter-sets", "a=sendrecv", " TCP "})
    EXPECT_EQ(offer.find(part), std::string::npos) << part << "\n" << offer;
}

TEST(Viewing, Vp9PlaysByProperty) {
  ServingPipeline server(ServingPipeline::small("codec=vp9"));
  ASSERT_TRUE(server.play());
  TestViewer viewer(server.port());
  ASSERT_TRUE(viewer.wait_for_frames(30, kFirstFrame));
  EXPECT_EQ(viewer.codec(), "VP9");
}

TEST(Viewing, Vp8PlaysByProperty) {
  ServingPipeline server(ServingPipeline::small("codec=vp8"));
  ASSERT_TRUE(server.play());
  TestViewer viewer(server.port());
  ASSERT_TRUE(viewer.wait_for_frames(30, kFirstFrame));
  EXPECT_EQ(viewer.codec(), "VP8");
}

// What this viewer's webrtcbin answers has no RED.
TEST(Viewing, WhoCannotReadRepairsGetsThePictureWithoutThem) {
  ServingPipeline server(ServingPipeline::small("fec-percentage=50"));
  ASSERT_TRUE(server.play());
  TestViewer viewer(server.port());
  ASSERT_TRUE(viewer.wait_for_frames(30, kFirstFrame));
  EXPECT_NE(viewer.offer().find("121 ulpfec/90000"), std::string::npos);
  EXPECT_EQ(viewer.codec(), "H264");
}

TEST(Viewing, Openh264PlaysByProperty) {
  ServingPipeline server(ServingPipeline::small("encoder=openh264enc"));
  ASSERT_TRUE(server.play());
  TestViewer viewer(server.port());
  EXPECT_TRUE(viewer.wait_for_frames(30, kFirstFrame));
}

TEST(Viewing, EncodedVideoIsPassedOn) {
  ServingPipeline server(
      "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 ! x264enc "
      "tune=zerolatency "
      "speed-preset=ultrafast key-int-max=300 ! video/x-h264,profile=constrained-baseline ! "
      "campaignsink name=sink port=0");
  ASSERT_TRUE(server.play());
  TestViewer viewer(server.port());
  // Key frames come every ten seconds by themselves: this one was asked for, through the pad.
  EXPECT_TRUE(viewer.wait_for_frames(10, kFirstFrame));
}

TEST(Viewing, StatsComeEachSecondAndSayWhatIsSent) {
  ServingPipeline server(ServingPipeline::small());
  ASSERT_TRUE(server.play());
  TestViewer viewer(server.port());
  ASSERT_TRUE(viewer.wait_for_frames(45, kFirstFrame));
  viewer.socket().received.clear();
  nlohmann::json stats;
  // A second in which this machine was busy has fewer frames.
  ASSERT_TRUE(wait_until([&] {
    stats = viewer.socket().wait_for("stats", 3);
    return stats.is_null() || std::abs(stats["framerate"].get<double>() - 30) < 5;
  }));
  ASSERT_FALSE(stats.is_null());
  EXPECT_EQ(stats["width"], 320);
  EXPECT_EQ(stats["height"], 240);
  EXPECT_EQ(stats["codec"], "h264");
  EXPECT_EQ(stats["viewers"], 1);
  EXPECT_GT(stats["bitrate"].get<double>(), 1000);
  EXPECT_EQ(stats["dropped"], 0);
}

TEST(Viewing, PointerEventsArriveUpstreamInPixels) {
  ServingPipeline server(
      "videotestsrc name=source is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 ! "
      "campaignsink name=sink port=0");
  struct Seen {
    std::mutex mutex;
    std::vector<std::string> events;
  } seen;
  GstElement* source = gst_bin_get_by_name(GST_BIN(server.pipeline()), "source");
  GstPad* pad = gst_element_get_static_pad(source, "src");
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
      [](GstPad*, GstPadProbeInfo* info, gpointer data) {
        GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
        if (GST_EVENT_TYPE(event) != GST_EVENT_NAVIGATION) return GST_PAD_PROBE_OK;
        double x = 0, y = 0, dx = 0, dy = 0;
        int button = 0;
        char text[96] = "other";
        switch (gst_navigation_event_get_type(event)) {
          case GST_NAVIGATION_EVENT_MOUSE_MOVE:
            gst_navigation_event_parse_mouse_move_event(event, &x, &y);
            g_snprintf(text, sizeof text, "move %g %g", x, y);
            break;
          case GST_NAVIGATION_EVENT_MOUSE_BUTTON_PRESS:
            gst_navigation_event_parse_mouse_button_event(event, &button, &x, &y);
            g_snprintf(text, sizeof text, "press %d %g %g", button, x, y);
            break;
          case GST_NAVIGATION_EVENT_MOUSE_BUTTON_RELEASE:
            gst_navigation_event_parse_mouse_button_event(event, &button, &x, &y);
            g_snprintf(text, sizeof text, "release %d %g %g", button, x, y);
            break;
          case GST_NAVIGATION_EVENT_MOUSE_SCROLL:
            gst_navigation_event_parse_mouse_scroll_event(event, &x, &y, &dx, &dy);
            g_snprintf(text, sizeof text, "scroll %g %g %g %g", x, y, dx, dy);
            break;
          default:
            break;
        }
        auto* all = static_cast<Seen*>(data);
        std::scoped_lock lock(all->mutex);
        all->events.push_back(text);
        return GST_PAD_PROBE_OK;
      },
      &seen, nullptr);
  ASSERT_TRUE(server.play());
  WebSocketClient client(server.port());
  ASSERT_FALSE(client.wait_for("welcome").is_null());
  client.send({{"type", "control"}, {"event", "mouse-move"}, {"x", 0.5}, {"y", 0.25}});
  client.send({{"type", "control"}, {"event", "mouse-button-press"}, {"x", 0}, {"y", 1}, {"button", 3}});
  client.send({{"type", "control"}, {"event", "mouse-button-release"}, {"x", 0}, {"y", 1}, {"button", 3}});
  client.send({{"type", "control"}, {"event", "mouse-scroll"}, {"x", 1}, {"y", 1}, {"dx", 0}, {"dy", -2}});
  wait_until([&] {
    std::scoped_lock lock(seen.mutex);
    return seen.events.size() >= 4;
  });
  server.stop();
  EXPECT_EQ(seen.events, (std::vector<std::string>{"move 160 60", "press 3 0 240", "release 3 0 240",
                                                   "scroll 320 240 0 -2"}));
  gst_object_unref(pad);
  gst_object_unref(source);
}

TEST(Viewing, AViewerThatNeverAnswersStallsNobody) {
  ServingPipeline server(ServingPipeline::small());
  ASSERT_TRUE(server.play());
  TestViewer silent(server.port(), {"?peer=silent", true, false});
  TestViewer viewer(server.port(), {"?peer=viewer", true, true});
  ASSERT_TRUE(viewer.wait_for_frames(1, kFirstFrame));
  TestViewer another(server.port(), {"?peer=another", true, false});
  ASSERT_TRUE(wait_until([&] { return !another.offer().empty(); }));
  ASSERT_TRUE(viewer.wait_for_frames(60));
  EXPECT_GE(server.viewers(), 2u);  // who came last is still waited for
  // And it is told, once its time is up.
  const auto error = silent.socket().wait_for("error", 15);
  ASSERT_FALSE(error.is_null());
  EXPECT_EQ(error["code"], "negotiation-timeout");
  EXPECT_TRUE(silent.socket().wait_closed());
  EXPECT_EQ(silent.socket().close_code(), 4504);
  EXPECT_TRUE(wait_until([&] { return server.viewers() == 1; }));
}

TEST(Viewing, AStuckViewerLosesFramesAndOthersDoNot) {
  ServingPipeline server(ServingPipeline::small());
  // What is stuck is real: nothing passes into this viewer's webrtcbin any more.
  std::atomic<bool> block = false;
  g_object_set_data(G_OBJECT(server.sink()), "block", &block);
  g_signal_connect(server.sink(), "payloader-setup",
                   G_CALLBACK(+[](GstElement*, const char* peer, GstElement* payloader, gpointer data) {
                     if (std::string(peer) != "stuck") return;
                     GstPad* pad = gst_element_get_static_pad(payloader, "sink");
                     gst_pad_add_probe(
                         pad, GST_PAD_PROBE_TYPE_BUFFER,
                         [](GstPad*, GstPadProbeInfo*, gpointer flag) {
                           while (*static_cast<std::atomic<bool>*>(flag)) g_usleep(1000);
                           return GST_PAD_PROBE_OK;
                         },
                         data, nullptr);
                     gst_object_unref(pad);
                   }),
                   &block);
  ASSERT_TRUE(server.play());
  TestViewer stuck(server.port(), {"?peer=stuck", true, true});
  TestViewer viewer(server.port(), {"?peer=viewer", true, true});
  ASSERT_TRUE(stuck.wait_for_frames(1, kFirstFrame));
  ASSERT_TRUE(viewer.wait_for_frames(1, kFirstFrame));
  block = true;
  ASSERT_TRUE(viewer.wait_for_frames(60));
  viewer.socket().received.clear();
  stuck.socket().received.clear();
  EXPECT_GT(stuck.socket().wait_for("stats")["dropped"].get<int>(), 10);
  EXPECT_EQ(viewer.socket().wait_for("stats")["dropped"], 0);
  block = false;
  EXPECT_TRUE(stuck.wait_for_frames(30));  // it recovers on a key frame
}

TEST(Viewing, ANewerConnectionTakesThePeerOver) {
  ServingPipeline server(ServingPipeline::small());
  ASSERT_TRUE(server.play());
  TestViewer older(server.port(), {"?peer=twin", true, true});
  ASSERT_TRUE(older.wait_for_frames(1, kFirstFrame));
  TestViewer newer(server.port(), {"?peer=twin", true, true});
  EXPECT_EQ(older.socket().wait_for("bye")["reason"], "replaced");
  EXPECT_TRUE(older.socket().wait_closed());
  EXPECT_EQ(older.socket().close_code(), 4409);
  EXPECT_TRUE(newer.wait_for_frames(10, kFirstFrame));
  EXPECT_EQ(server.viewers(), 1u);
}

TEST(Viewing, AViewerThatVanishesWhileNegotiatingLeavesNothing) {
  ServingPipeline server(ServingPipeline::small());
  ASSERT_TRUE(server.play());
  TestViewer watching(server.port(), {"?peer=watching", true, true});
  ASSERT_TRUE(watching.wait_for_frames(1, kFirstFrame));
  {
    WebSocketClient vanishing(server.port(), "?peer=vanishing");
    ASSERT_FALSE(vanishing.wait_for("offer").is_null());
    EXPECT_EQ(server.viewers(), 2u);
  }  // the TCP connection breaks here, without a close frame
  EXPECT_TRUE(wait_until([&] { return server.viewers() == 1; }));
  EXPECT_TRUE(watching.wait_for_frames(30));
}

TEST(Viewing, StopsAndPlaysAgainSeveralTimes) {
  ServingPipeline server(ServingPipeline::small());
  for (int cycle = 0; cycle < 4; ++cycle) {
    ASSERT_TRUE(server.play()) << cycle;
    TestViewer viewer(server.port());
    ASSERT_TRUE(viewer.wait_for_frames(5, kFirstFrame)) << cycle;
    server.stop();
    EXPECT_EQ(viewer.socket().wait_for("bye")["reason"], "stopped") << cycle;
  }
}

TEST(Viewing, APauseKeepsItsViewers) {
  ServingPipeline server(ServingPipeline::small());
  ASSERT_TRUE(server.play());
  TestViewer viewer(server.port());
  ASSERT_TRUE(viewer.wait_for_frames(5, kFirstFrame));
  gst_element_set_state(server.pipeline(), GST_STATE_PAUSED);
  gst_element_get_state(server.pipeline(), nullptr, nullptr, GST_SECOND);
  TestViewer late(server.port());  // joins a standing picture, and waits
  ASSERT_TRUE(wait_until([&] { return server.connected() == 2; }));
  gst_element_set_state(server.pipeline(), GST_STATE_PLAYING);
  EXPECT_TRUE(viewer.wait_for_frames(30));
  EXPECT_TRUE(late.wait_for_frames(30));
}

TEST(Viewing, TwoCampaignsAreServedAndChangedBetween) {
  ServingPipeline server(
      "campaignsink name=sink port=0 sink_0::campaign=a sink_1::campaign=b "
      "videotestsrc is-live=true ! video/x-raw,width=320,height=240 ! sink.sink_0 "
      "videotestsrc is-live=true ! video/x-raw,width=160,height=120 ! sink.sink_1");
  ASSERT_TRUE(server.play());
  TestViewer viewer(server.port(), {"?campaign=b", true, true});
  ASSERT_TRUE(viewer.wait_for_frames(5, kFirstFrame));
  EXPECT_EQ(viewer.welcome()["campaigns"].size(), 2u);
  viewer.socket().received.clear();
  viewer.socket().send({{"type", "subscribe"}, {"campaign", "a"}, {"quality", "auto"}});
  EXPECT_EQ(viewer.socket().wait_for("quality")["campaign"], "a");
  EXPECT_TRUE(viewer.wait_for_frames(30));
  viewer.socket().send({{"type", "subscribe"}, {"campaign", "a"}, {"quality", "ultra"}});
  EXPECT_EQ(viewer.socket().wait_for("error")["code"], "unknown-quality");
}

const std::string kLadder =
    R"(ladder="{\"rungs\":[{\"name\":\"low\",\"threshold\":0,\"particles\":5000,\"width\":160,\"height\":90,)"
    R"(\"bitrate\":200000},{\"name\":\"high\",\"threshold\":2000000,\"particles\":20000,\"width\":320,)"
    R"(\"height\":180,\"bitrate\":900000}]}")";

// Frames that a rung of campaign "0" has encoded.
guint64 encoded(const ServingPipeline& server, const std::string& quality) {
  GstStructure* stats = server.stats();
  const GValue* renditions = gst_structure_get_value(stats, "renditions");
  guint64 frames = 0;
  for (guint i = 0; i < gst_value_array_get_size(renditions); ++i) {
    const GstStructure* one = gst_value_get_structure(gst_value_array_get_value(renditions, i));
    if (quality == gst_structure_get_string(one, "quality")) gst_structure_get_uint64(one, "frames", &frames);
  }
  gst_structure_free(stats);
  return frames;
}

void watch_the_ladder(const std::string& source, const std::string& properties = "") {
  ServingPipeline server(source + " ! campaignsink name=sink port=0 " + properties + " " + kLadder);
  ASSERT_TRUE(server.play());
  TestViewer viewer(server.port());
  ASSERT_TRUE(viewer.wait_for_frames(5, kFirstFrame));
  EXPECT_EQ(viewer.welcome()["qualities"], nlohmann::json({"low", "high"}));
  EXPECT_EQ(viewer.socket().wait_for("quality")["quality"], "high");
  for (const char* wish : {"low", "high", "low"}) {
    const std::string other = wish == std::string("low") ? "high" : "low";
    viewer.socket().received.clear();
    viewer.socket().send({{"type", "subscribe"}, {"campaign", "0"}, {"quality", wish}});
    const auto told = viewer.socket().wait_for("quality");
    EXPECT_EQ(told["quality"], wish);
    EXPECT_EQ(told["reason"], "requested");
    EXPECT_TRUE(viewer.wait_for_frames(15));
    // The rung that was left is neither drawn nor encoded, once what was under way is through.
    guint64 last = encoded(server, other), now = 0;
    EXPECT_TRUE(wait_until([&] {
      EXPECT_TRUE(viewer.wait_for_frames(5));
      now = std::exchange(last, encoded(server, other));
      return now == last;
    }));
  }
}

TEST(Viewing, AStateIsDrawnAndEncodedInTheRungsThatAreWatched) {
  watch_the_ladder("particlesrc is-live=true device=cpu particles=20000");
}

// Its encoder takes one format only, whatever the rung asks of the rate.
TEST(Viewing, AStateIsEncodedAsVp8Too) {
  watch_the_ladder("particlesrc is-live=true device=cpu particles=20000", "codec=vp8");
}

TEST(Viewing, VideoIsScaledAndEncodedInTheRungsThatAreWatched) {
  watch_the_ladder(
      "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=30/1");
}

TEST(Viewing, SignalsTellWhoComesAndGoes) {
  ServingPipeline server(ServingPipeline::small());
  std::atomic<int> added = 0, removed = 0;
  g_signal_connect(server.sink(), "viewer-added",
                   G_CALLBACK(+[](GstElement*, const char*, const char*, gpointer n) {
                     ++*static_cast<std::atomic<int>*>(n);
                   }),
                   &added);
  g_signal_connect(server.sink(), "viewer-removed",
                   G_CALLBACK(+[](GstElement*, const char*, const char*, gpointer n) {
                     ++*static_cast<std::atomic<int>*>(n);
                   }),
                   &removed);
  ASSERT_TRUE(server.play());
  {
    WebSocketClient client(server.port());
    ASSERT_FALSE(client.wait_for("welcome").is_null());
    EXPECT_TRUE(wait_until([&] { return added == 1; }));
    client.close();
    EXPECT_TRUE(wait_until([&] { return removed == 1; }));
  }
  server.stop();
  EXPECT_EQ(added, 1);
  EXPECT_EQ(removed, 1);
}

// Of libnice's agent below webrtcbin's; 0 where it has no such property.
guint of_the_ice_agent(GstElement* webrtcbin, const char* property) {
  GObject *ice = nullptr, *nice = nullptr;
  g_object_get(webrtcbin, "ice-agent", &ice, nullptr);
  g_object_get(ice, "agent", &nice, nullptr);
  guint value = 0;
  g_object_get(nice, property, &value, nullptr);
  g_object_unref(nice);
  g_object_unref(ice);
  return value;
}

TEST(Viewing, TheWayToAViewerIsLookedForQuicklyAndNoFurtherThanThere) {
  ServingPipeline server(ServingPipeline::small());
  struct Ready {
    std::atomic<GstElement*> webrtcbin = nullptr;
    guint pacing = 0, idle = 0;
  } ready;
  g_signal_connect(server.sink(), "webrtcbin-ready",
                   G_CALLBACK(+[](GstElement*, const char*, GstElement* webrtcbin, gpointer data) {
                     auto* told = static_cast<Ready*>(data);
                     told->pacing = of_the_ice_agent(webrtcbin, "stun-pacing-timer");
                     told->idle = of_the_ice_agent(webrtcbin, "idle-timeout");
                     told->webrtcbin = GST_ELEMENT(gst_object_ref(webrtcbin));
                   }),
                   &ready);
  ASSERT_TRUE(server.play());
  {
    TestViewer viewer(server.port());
    EXPECT_TRUE(viewer.wait_for_frames(1, kFirstFrame));
    ASSERT_TRUE(ready.webrtcbin);
    EXPECT_EQ(ready.pacing, 5u);
    EXPECT_GE(ready.idle, 1000u);  // candidates may be late
    EXPECT_TRUE(wait_until([&] { return of_the_ice_agent(ready.webrtcbin, "idle-timeout") == 50; }));
    gst_object_unref(ready.webrtcbin);
  }
}

}  // namespace
}  // namespace campaign::test
