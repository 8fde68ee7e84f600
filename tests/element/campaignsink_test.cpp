// campaignsink as an element: linking, time, end of stream, and errors that say what to do.
#include <gio/gio.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "serving_pipeline.hpp"
#include "test_viewer.hpp"
#include "wait.hpp"
#include "websocket_client.hpp"

namespace campaign::test {
namespace {

std::string failure_of(const std::string& launch) {
  ServingPipeline pipeline(launch);
  EXPECT_EQ(gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  return pipeline.wait_for_error();
}

void expect_says(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in: " << text;
}

TEST(CampaignSink, EndOfStreamReachesTheBus) {
  ServingPipeline pipeline(
      "videotestsrc num-buffers=15 ! video/x-raw,width=160,height=120,framerate=30/1 ! campaignsink "
      "name=sink port=0");
  ASSERT_NE(gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  EXPECT_TRUE(pipeline.wait_for_eos());
}

TEST(CampaignSink, HoldsASourceThatIsNotLiveToTheClock) {
  ServingPipeline pipeline(
      "videotestsrc num-buffers=31 ! video/x-raw,width=160,height=120,framerate=30/1 ! campaignsink "
      "name=sink port=0");
  const gint64 start = g_get_monotonic_time();
  ASSERT_NE(gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  ASSERT_TRUE(pipeline.wait_for_eos());
  const double seconds = double(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
  EXPECT_GT(seconds, 0.99);  // the 31st frame is due after one second
  EXPECT_LT(seconds, 3.0);
}

TEST(CampaignSink, TakesEveryFormatTheEncoderDoesAndMore) {
  for (const char* format : {"NV12", "I420", "RGBA", "BGRx", "YUY2"}) {
    ServingPipeline pipeline("videotestsrc is-live=true ! video/x-raw,format=" + std::string(format) +
                             ",width=160,height=120,framerate=30/1 ! campaignsink name=sink port=0");
    EXPECT_TRUE(pipeline.play()) << format;
  }
}

TEST(CampaignSink, DoesNotConvertWhatTheEncoderTakes) {
  ServingPipeline pipeline(
      "videotestsrc is-live=true ! capsfilter name=filter ! campaignsink name=sink port=0");
  GstElement* filter = gst_bin_get_by_name(GST_BIN(pipeline.pipeline()), "filter");
  ASSERT_TRUE(pipeline.play());
  GstPad* pad = gst_element_get_static_pad(filter, "src");
  GstCaps* caps = gst_pad_get_current_caps(pad);
  ASSERT_TRUE(caps);
  const std::string format = gst_structure_get_string(gst_caps_get_structure(caps, 0), "format");
  EXPECT_TRUE(format == "I420" || format == "NV12" || format == "YV12") << format;
  gst_caps_unref(caps);
  gst_object_unref(pad);
  gst_object_unref(filter);
}

TEST(CampaignSink, SaysThatAPortIsTakenAndWhatToDo) {
  GSocketListener* taken = g_socket_listener_new();
  const guint16 port = g_socket_listener_add_any_inet_port(taken, nullptr, nullptr);
  ASSERT_NE(port, 0);
  expect_says(failure_of("videotestsrc ! campaignsink name=sink host=127.0.0.1 port=" + std::to_string(port)),
              {std::to_string(port).c_str(), "in use", "property port"});
  g_socket_listener_close(taken);
  g_object_unref(taken);
}

TEST(CampaignSink, SaysThatAnAddressIsNotOurs) {
  expect_says(failure_of("videotestsrc ! campaignsink name=sink port=0 host=192.0.2.1"),
              {"192.0.2.1", "host"});
}

TEST(CampaignSink, NamesThePackageOfAMissingEncoder) {
  // Where the plugin is installed, this process forgets it.
  if (GstElementFactory* factory = gst_element_factory_find("nvh264enc")) {
    gst_registry_remove_feature(gst_registry_get(), GST_PLUGIN_FEATURE(factory));
    gst_object_unref(factory);
  }
  expect_says(failure_of("videotestsrc ! campaignsink name=sink port=0 encoder=nvh264enc"),
              {"nvh264enc", "apt-get install gstreamer1.0-plugins-bad"});
}

TEST(CampaignSink, NamesThePackageWhenNoEncoderIsThere) {
  GstRegistry* registry = gst_registry_get();
  GstPluginFeature* feature = gst_registry_lookup_feature(registry, "vp8enc");
  ASSERT_TRUE(feature);
  gst_registry_remove_feature(registry, feature);
  expect_says(failure_of("videotestsrc ! campaignsink name=sink port=0 codec=vp8"),
              {"vp8", "apt-get install gstreamer1.0-plugins-good"});
  gst_registry_add_feature(registry, feature);
  gst_object_unref(feature);
}

// It is in no package of Debian 12.
TEST(CampaignSink, SaysWhatToDoAboutAv1WithoutItsPayloader) {
  GstRegistry* registry = gst_registry_get();
  GstPluginFeature* feature = gst_registry_lookup_feature(registry, "rtpav1pay");
  if (feature) gst_registry_remove_feature(registry, feature);
  expect_says(failure_of("videotestsrc ! campaignsink name=sink port=0 codec=av1"),
              {"rtpav1pay", "gst-plugins-rs", "codec"});
  {
    ServingPipeline encoded(
        "videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=10/1 ! av1enc "
        "usage-profile=realtime cpu-used=10 lag-in-frames=0 ! campaignsink name=sink port=0");
    gst_element_set_state(encoded.pipeline(), GST_STATE_PLAYING);
    expect_says(encoded.wait_for_error(), {"rtpav1pay", "gst-plugins-rs"});
  }
  if (feature) gst_registry_add_feature(registry, feature);
  g_clear_object(&feature);
}

TEST(CampaignSink, RefusesAnEncoderOfAnotherCodec) {
  expect_says(failure_of("videotestsrc ! campaignsink name=sink port=0 encoder=vp8enc"),
              {"x264enc", "\"vp8enc\""});
}

TEST(CampaignSink, RefusesIceSettingsThatCannotWork) {
  expect_says(failure_of("videotestsrc ! campaignsink name=sink port=0 turn-servers=turn://nobody"),
              {"turn-servers", "turn://user:password@host:port"});
  expect_says(failure_of("videotestsrc ! campaignsink name=sink port=0 ice-min-port=9 ice-max-port=8"),
              {"ice-min-port"});
}

TEST(CampaignSink, RefusesToStartWithALadderThatIsNoneAndStartsWithTheNextOne) {
  ServingPipeline pipeline("videotestsrc is-live=true ! campaignsink name=sink port=0");
  g_object_set(pipeline.sink(), "ladder", R"({"rungs": [{"name": "low", "width": 3}]})", nullptr);
  EXPECT_EQ(gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  expect_says(pipeline.wait_for_error(), {"ladder", "rungs[0]"});
  gst_element_set_state(pipeline.pipeline(), GST_STATE_NULL);
  g_object_set(pipeline.sink(), "ladder", nullptr, nullptr);
  EXPECT_TRUE(pipeline.play());
}

TEST(CampaignSink, RefusesTwoInputsOfOneName) {
  ServingPipeline pipeline(
      "campaignsink name=sink port=0 videotestsrc is-live=true ! sink.sink_0 videotestsrc is-live=true ! "
      "sink.sink_1");
  gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING);
  expect_says(pipeline.wait_for_error(), {"already has the quality high", "campaign or quality"});
}

TEST(CampaignSink, ShowsTheBoundPortAndFreesItAgain) {
  ServingPipeline pipeline(ServingPipeline::small());
  EXPECT_EQ(pipeline.port(), 0u);
  ASSERT_TRUE(pipeline.play());
  const unsigned first = pipeline.port();
  EXPECT_GT(first, 0u);
  pipeline.stop();
  EXPECT_EQ(pipeline.port(), 0u);
  g_object_set(pipeline.sink(), "port", first, nullptr);
  EXPECT_TRUE(pipeline.play());
  EXPECT_EQ(pipeline.port(), first);
}

TEST(CampaignSink, TakesAnInputWhilePlaying) {
  ServingPipeline pipeline(
      "videotestsrc is-live=true ! video/x-raw,width=160,height=120 ! "
      "campaignsink name=sink port=0 sink_0::campaign=a");
  ASSERT_TRUE(pipeline.play());
  GstPad* pad = gst_element_request_pad_simple(pipeline.sink(), "sink_%u");
  ASSERT_TRUE(pad);
  g_object_set(pad, "campaign", "b", nullptr);
  GstElement* source = gst_element_factory_make("videotestsrc", nullptr);
  g_object_set(source, "is-live", TRUE, nullptr);
  gst_bin_add(GST_BIN(pipeline.pipeline()), source);
  GstPad* src = gst_element_get_static_pad(source, "src");
  ASSERT_EQ(gst_pad_link(src, pad), GST_PAD_LINK_OK);
  gst_element_sync_state_with_parent(source);
  EXPECT_TRUE(pipeline.play());  // both inputs flow

  gst_element_set_state(source, GST_STATE_NULL);
  gst_bin_remove(GST_BIN(pipeline.pipeline()), source);
  gst_element_release_request_pad(pipeline.sink(), pad);
  gst_object_unref(pad);
  gst_object_unref(src);
  EXPECT_TRUE(pipeline.play());
}

// Holds the streaming thread where it builds the first rung, with that rung's first element in the sink.
class HeldRung {
 public:
  explicit HeldRung(GstElement* sink)
      : sink_(sink), handler_(g_signal_connect(sink, "element-added", G_CALLBACK(added), this)) {}
  HeldRung(const HeldRung&) = delete;
  ~HeldRung() {
    release();
    g_signal_handler_disconnect(sink_, handler_);
  }

  bool is_held() const { return held_; }
  void release() {
    released_ = true;
    released_.notify_all();
  }

 private:
  static void added(GstBin*, GstElement*, HeldRung* self) {
    if (std::this_thread::get_id() != self->application_ && !self->held_.exchange(true))
      self->released_.wait(false);
  }

  const std::thread::id application_ = std::this_thread::get_id();
  std::atomic<bool> held_ = false, released_ = false;
  GstElement* sink_;
  gulong handler_;
};

TEST(CampaignSink, ARungThatIsBuiltWhileTheSinkBeginsToPlaySendsToo) {
  ServingPipeline pipeline(
      "videotestsrc ! video/x-raw,width=640,height=360,framerate=15/1 ! campaignsink name=sink port=0");
  HeldRung rung(pipeline.sink());
  ASSERT_NE(gst_element_set_state(pipeline.pipeline(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  ASSERT_TRUE(wait_until([&] { return rung.is_held(); }));
  ASSERT_EQ(gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
  rung.release();
  EXPECT_TRUE(pipeline.play());
}

TEST(CampaignSink, BitrateChangesWhilePlaying) {
  ServingPipeline pipeline(
      "videotestsrc is-live=true pattern=snow ! video/x-raw,width=320,height=240,framerate=30/1 ! "
      "campaignsink name=sink port=0 bitrate=2000000");
  const auto bitrate = [&] {
    GstStructure* stats = pipeline.stats();
    guint64 rate = 0;
    const GValue* renditions = gst_structure_get_value(stats, "renditions");
    gst_structure_get_uint64(gst_value_get_structure(gst_value_array_get_value(renditions, 0)), "bitrate",
                             &rate);
    gst_structure_free(stats);
    return rate;
  };
  ASSERT_TRUE(pipeline.play());
  TestViewer viewer(pipeline.port(), {"", false, true});  // nothing is encoded for nobody
  EXPECT_TRUE(wait_until([&] { return bitrate() > 1'200'000; }, 10));
  g_object_set(pipeline.sink(), "bitrate", guint64(700'000), nullptr);
  EXPECT_TRUE(wait_until([&] { return bitrate() < 1'000'000; }, 5)) << bitrate();
}

TEST(CampaignSink, ABitrateThatMustBeMeantInKilobitsIsRefused) {
  ServingPipeline pipeline(ServingPipeline::small("bitrate=2000"));
  EXPECT_EQ(gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  const auto error = pipeline.wait_for_error();
  EXPECT_NE(error.find("bitrate must be 0, or at least 10000 bit/s, not 2000."), std::string::npos) << error;
  EXPECT_NE(error.find("For 2000 kbit/s, set 2000000."), std::string::npos) << error;

  // While it runs the one before stays.
  gst_element_set_state(pipeline.pipeline(), GST_STATE_NULL);
  g_object_set(pipeline.sink(), "bitrate", guint64(2'000'000), nullptr);
  ASSERT_TRUE(pipeline.play());
  g_object_set(pipeline.sink(), "bitrate", guint64(9'999), nullptr);
  guint64 bitrate = 0;
  g_object_get(pipeline.sink(), "bitrate", &bitrate, nullptr);
  EXPECT_EQ(bitrate, 2'000'000u);
}

// Set on this thread, looked at by the server's for whoever comes.
TEST(CampaignSink, TheMostViewersChangeWhilePlayingForTheNextWhoComes) {
  ServingPipeline pipeline(ServingPipeline::small());
  ASSERT_TRUE(pipeline.play());
  const auto welcome = [&](WebSocketClient& client) { return !client.wait_for("welcome", 2).is_null(); };
  for (int round = 0; round < 3; ++round) {
    g_object_set(pipeline.sink(), "max-viewers", 1u, nullptr);
    WebSocketClient one(pipeline.port(), "?peer=one"), two(pipeline.port(), "?peer=two");
    EXPECT_NE(welcome(one), welcome(two)) << round;
    g_object_set(pipeline.sink(), "max-viewers", 2u, nullptr);
    WebSocketClient another(pipeline.port(), "?peer=another");
    EXPECT_TRUE(welcome(another)) << round;
    one.close();
    two.close();
    another.close();
    ASSERT_TRUE(wait_until([&] { return pipeline.viewers() == 0; }));
  }
}

TEST(CampaignSink, CyclesThroughItsStatesWithoutData) {
  GstElement* sink = gst_element_factory_make("campaignsink", nullptr);
  ASSERT_TRUE(sink);
  g_object_set(sink, "port", 0, nullptr);
  for (int i = 0; i < 5; ++i) {
    EXPECT_NE(gst_element_set_state(sink, GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    EXPECT_EQ(gst_element_set_state(sink, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  }
  gst_object_unref(sink);
}

TEST(CampaignSink, EveryPropertyExplainsItself) {
  GstElement* sink = gst_element_factory_make("campaignsink", nullptr);
  guint count = 0;
  GParamSpec** properties = g_object_class_list_properties(G_OBJECT_GET_CLASS(sink), &count);
  for (guint i = 0; i < count; ++i) {
    if (properties[i]->owner_type != G_OBJECT_TYPE(sink)) continue;
    EXPECT_GT(std::string(g_param_spec_get_blurb(properties[i])).size(), 15u) << properties[i]->name;
    if (properties[i]->flags & G_PARAM_WRITABLE) {
      EXPECT_TRUE(properties[i]->flags & (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PLAYING))
          << properties[i]->name;
    }
  }
  g_free(properties);
  gst_object_unref(sink);
}

}  // namespace
}  // namespace campaign::test
