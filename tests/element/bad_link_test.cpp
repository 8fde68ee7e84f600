// One viewer on a bad link among others: whatever becomes of it, what the others get stays as it is.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "serving_pipeline.hpp"
#include "test_viewer.hpp"
#include "util/gst_ptr.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

constexpr double kSoon = 60;  // seconds; a busy machine takes its time
constexpr int kHighWidth = 320;
constexpr guint kParticles = 4000;

// The running times of what passes a pad. Outlives the pipeline that the pad is of.
class Passed {
 public:
  // `width`: counts only while the caps have it; 0: always.
  void watch(GstPad* pad, int width = 0) {
    width_ = width;
    gst_pad_add_probe(
        pad, GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad* of, GstPadProbeInfo* info, gpointer self) {
          static_cast<Passed*>(self)->see(of, GST_PAD_PROBE_INFO_BUFFER(info));
          return GST_PAD_PROBE_OK;
        },
        this, nullptr);
  }
  std::vector<GstClockTime> times(std::size_t from = 0) const {
    std::scoped_lock lock(mutex_);
    return {times_.begin() + std::ptrdiff_t(from), times_.end()};
  }
  std::size_t count() const { return times().size(); }

 private:
  void see(GstPad* pad, GstBuffer* buffer) {
    if (width_ > 0) {
      const auto caps = adopt(gst_pad_get_current_caps(pad));
      int width = 0;
      if (!caps || !gst_structure_get_int(gst_caps_get_structure(caps.get(), 0), "width", &width) ||
          width != width_)
        return;
    }
    const auto event = adopt(gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0));
    const GstSegment* segment = nullptr;
    gst_event_parse_segment(event.get(), &segment);
    std::scoped_lock lock(mutex_);
    times_.push_back(gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer)));
  }

  int width_ = 0;
  mutable std::mutex mutex_;
  std::vector<GstClockTime> times_;  // under mutex_
};

// Every picture that was encoded, at its own time, from the first that `got` has.
void expect_all_of(const std::vector<GstClockTime>& encoded, const std::vector<GstClockTime>& got) {
  ASSERT_FALSE(got.empty());
  const auto first = std::find(encoded.begin(), encoded.end(), got.front());
  ASSERT_NE(first, encoded.end()) << got.front();
  ASSERT_GE(std::size_t(encoded.end() - first), got.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_EQ(got[i], first[std::ptrdiff_t(i)]) << "of " << got.size() << ", the one after " << i;
}

// What one viewer's adaptivebitrate sends into. It lets through so many bit/s and loses the rest. GStreamer's
// own receivers send no transport-wide feedback, so the estimate is set to what they would let it find.
class Link {
 public:
  void begin(GstElement* adaptive) {
    adaptive_ = share(adaptive);
    gst_util_set_object_arg(G_OBJECT(adaptive), "mode", "manual");
    g_object_set(adaptive, "bandwidth", guint64(2'000'000), nullptr);
    const auto pad = adopt(gst_element_get_static_pad(adaptive, "src"));
    gst_pad_add_probe(
        pad.get(), GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
        [](GstPad*, GstPadProbeInfo* info, gpointer self) {
          return static_cast<Link*>(self)->judge(info) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
        },
        this, nullptr);
  }
  void worsen(guint64 rate) {
    rate_ = rate;
    set_estimate(rate);
  }
  void set_estimate(guint64 rate) { g_object_set(adaptive_.get(), "bandwidth", rate, nullptr); }

 private:
  static constexpr double kBurst = 16'000;  // bits

  bool carries(GstBuffer* packet) {
    const double bits = 8 * double(gst_buffer_get_size(packet));
    if (credit_ < bits) return false;
    credit_ -= bits;
    return true;
  }
  bool judge(GstPadProbeInfo* info) {
    const guint64 limit = rate_;
    if (limit == 0) return true;
    std::scoped_lock lock(mutex_);
    const gint64 now = g_get_monotonic_time();
    if (at_ != 0) credit_ = std::min(kBurst, credit_ + double(now - at_) * double(limit) / 1e6);
    at_ = now;
    if (info->type & GST_PAD_PROBE_TYPE_BUFFER) return carries(GST_PAD_PROBE_INFO_BUFFER(info));
    GstBufferList* list = gst_buffer_list_make_writable(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
    for (guint i = 0; i < gst_buffer_list_length(list);) {
      if (carries(gst_buffer_list_get(list, i)))
        ++i;
      else
        gst_buffer_list_remove(list, i, 1);
    }
    GST_PAD_PROBE_INFO_DATA(info) = list;
    return gst_buffer_list_length(list) > 0;
  }

  Ref<GstElement> adaptive_;
  std::atomic<guint64> rate_ = 0;  // 0: any
  std::mutex mutex_;
  double credit_ = 0;  // bits; under mutex_
  gint64 at_ = 0;      // under mutex_
};

// A world in two qualities.
const std::string kWorld =
    "particlesrc is-live=true device=cpu particles=4000 ! "
    "application/x-particle-state(memory:CampaignParticles),framerate=30/1 ! campaignsink name=sink port=0 "
    "ladder=\"{\\\"rungs\\\":[{\\\"name\\\":\\\"low\\\",\\\"threshold\\\":0,\\\"particles\\\":1000,"
    "\\\"width\\\":160,\\\"height\\\":120,\\\"bitrate\\\":200000},{\\\"name\\\":\\\"high\\\","
    "\\\"threshold\\\":1000000,\\\"particles\\\":4000,\\\"width\\\":320,\\\"height\\\":240,"
    "\\\"bitrate\\\":900000}]}\"";
// Ten times what the worst link here carries, and encoded already.
const std::string kEncoded =
    "videotestsrc is-live=true pattern=snow ! video/x-raw,width=160,height=120,framerate=30/1 ! x264enc "
    "tune=zerolatency speed-preset=ultrafast key-int-max=60 bitrate=1500 threads=1 ! "
    "video/x-h264,profile=constrained-baseline ! campaignsink name=sink port=0";

// A campaign, and a look at what leaves for each viewer.
class Broadcast {
 public:
  explicit Broadcast(const std::string& launch) : server_(launch) {
    g_signal_connect(server_.sink(), "encoder-setup",
                     G_CALLBACK(+[](GstElement*, GstPad*, GstElement* encoder, gpointer self) {
                       const auto pad = adopt(gst_element_get_static_pad(encoder, "src"));
                       static_cast<Broadcast*>(self)->high_.watch(pad.get(), kHighWidth);
                     }),
                     this);
    g_signal_connect(server_.sink(), "payloader-setup",
                     G_CALLBACK(+[](GstElement*, const char* peer, GstElement* payloader, gpointer self) {
                       const auto pad = adopt(gst_element_get_static_pad(payloader, "sink"));
                       static_cast<Broadcast*>(self)->sent_.at(peer).watch(pad.get());
                     }),
                     this);
    g_signal_connect(server_.sink(), "webrtcbin-ready",
                     G_CALLBACK(+[](GstElement*, const char* peer, GstElement* webrtcbin, gpointer self) {
                       if (std::string(peer) != "bad") return;
                       g_signal_connect(
                           webrtcbin, "deep-element-added",
                           G_CALLBACK(+[](GstBin*, GstBin*, GstElement* element, gpointer broadcast) {
                             const GstElementFactory* factory = gst_element_get_factory(element);
                             if (!factory || g_strcmp0(GST_OBJECT_NAME(factory), "adaptivebitrate") != 0)
                               return;
                             static_cast<Broadcast*>(broadcast)->link_.begin(element);
                           }),
                           self);
                     }),
                     this);
  }
  ~Broadcast() { server_.stop(); }

  ServingPipeline& server() { return server_; }
  const Passed& high() const { return high_; }
  const Passed& sent_to(const std::string& peer) const { return sent_.at(peer); }
  Link& link_of_bad() { return link_; }

  std::string quality_of(const std::string& peer) const { return told(peer, "quality"); }
  std::string reason_of(const std::string& peer) const { return told(peer, "reason"); }

 private:
  std::string told(const std::string& peer, const char* field) const {
    const StructurePtr all{server_.stats()};
    const GValue* list = gst_structure_get_value(all.get(), "viewer-list");
    for (guint i = 0; list && i < gst_value_array_get_size(list); ++i) {
      const GstStructure* viewer = gst_value_get_structure(gst_value_array_get_value(list, i));
      if (peer == gst_structure_get_string(viewer, "peer")) return gst_structure_get_string(viewer, field);
    }
    return {};
  }

  Link link_;
  Passed high_;
  std::map<std::string, Passed> sent_ = [] {
    std::map<std::string, Passed> sent;
    for (const char* peer : {"bad", "one", "other"}) sent[peer];
    return sent;
  }();
  ServingPipeline server_;
};

TEST(BadLink, OneViewersLinkThatCollapsesChangesNothingForTheOthers) {
  Broadcast broadcast(kWorld);
  ASSERT_TRUE(broadcast.server().play());
  TestViewer bad(broadcast.server().port(), {"?peer=bad", true, true});
  TestViewer one(broadcast.server().port(), {"?peer=one", true, true});
  TestViewer other(broadcast.server().port(), {"?peer=other", true, true});
  for (TestViewer* viewer : {&bad, &one, &other}) ASSERT_TRUE(viewer->wait_for_frames(10, kSoon));
  for (const char* peer : {"bad", "one", "other"})
    ASSERT_TRUE(wait_until([&] { return broadcast.quality_of(peer) == "high"; }, kSoon)) << peer;
  ASSERT_TRUE(wait_until([&] { return broadcast.server().rung("high").known; }, kSoon));
  ASSERT_EQ(broadcast.server().rung("high").particles, kParticles);
  for (TestViewer* viewer : {&one, &other}) viewer->socket().received.clear();
  // Not before: who joins gets pictures of a moment ago at once, with other times than their own.
  std::map<std::string, std::size_t> joined;
  for (const char* peer : {"one", "other"}) joined[peer] = broadcast.sent_to(peer).count();

  broadcast.link_of_bad().worsen(150'000);
  ASSERT_TRUE(wait_until([&] { return broadcast.quality_of("bad") == "low"; }, kSoon))
      << broadcast.reason_of("bad");
  ASSERT_TRUE(one.wait_for_frames(90, kSoon));
  ASSERT_TRUE(other.wait_for_frames(1, kSoon));

  for (const char* peer : {"one", "other"}) {
    EXPECT_EQ(broadcast.quality_of(peer), "high") << peer;
    const auto got = broadcast.sent_to(peer).times(joined[peer]);
    SCOPED_TRACE(peer);
    expect_all_of(broadcast.high().times(), got);
  }
  for (TestViewer* viewer : {&one, &other})
    for (const auto& message : viewer->socket().received) {
      EXPECT_NE(message["type"], "quality") << message.dump();
      EXPECT_TRUE(message.value("busy", nlohmann::json()).is_null()) << message.dump();
    }
  const RungWork work = broadcast.server().rung("high");
  EXPECT_EQ(work.particles, kParticles);
  EXPECT_FALSE(work.lowered);
  EXPECT_FALSE(broadcast.server().told_of_load(true));
}

// Nothing can be encoded anew here, so what the link carries is let through.
TEST(BadLink, VideoThatComesEncodedStillMovesOnALinkThatCarriesATenthOfIt) {
  Broadcast broadcast(kEncoded);
  ASSERT_TRUE(broadcast.server().play());
  TestViewer bad(broadcast.server().port(), {"?peer=bad", true, true});
  TestViewer one(broadcast.server().port(), {"?peer=one", true, true});
  for (TestViewer* viewer : {&bad, &one}) ASSERT_TRUE(viewer->wait_for_frames(10, kSoon));
  broadcast.link_of_bad().set_estimate(150'000);
  ASSERT_TRUE(wait_until(
      [&] {
        const auto stats = bad.socket().wait_for("stats", 2);
        return stats.is_object() && stats["tooSlow"] == true && stats["dropped"] > 30;
      },
      kSoon));
  const std::size_t sent = broadcast.sent_to("bad").count(), whole = broadcast.sent_to("one").count();
  ASSERT_TRUE(bad.wait_for_frames(12, kSoon));
  EXPECT_GT(broadcast.sent_to("one").count() - whole, 4 * (broadcast.sent_to("bad").count() - sent));

  broadcast.link_of_bad().set_estimate(10'000'000);
  EXPECT_TRUE(wait_until(
      [&] {
        const auto stats = bad.socket().wait_for("stats", 2);
        return stats.is_object() && stats["tooSlow"] == false;
      },
      kSoon));
  EXPECT_TRUE(bad.wait_for_frames(60, kSoon));
}

// The same without a network: the estimate comes as an event, as adaptivebitrate sends it, and asks for fewer
// particles, which is meant for who is alone with its source.
TEST(BadLink, AnEstimateBehindCampaignmuxReachesNobodyElse) {
  const std::string encoder =
      "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=300 bitrate=400 threads=1 ! "
      "video/x-h264,profile=constrained-baseline ! ";
  GError* error = nullptr;
  const auto pipeline = sink(gst_parse_launch(
      ("campaignmux name=mux sink_0::quality=high sink_1::quality=low "
       "particlesrc name=world is-live=true device=cpu particles=4000 ! "
       "video/x-raw,format=I420,width=160,height=120,framerate=30/1 ! tee name=t t. ! queue ! " +
       encoder + "mux.sink_0 t. ! queue ! " + encoder +
       "mux.sink_1 mux.src_0 ! fakesink name=bad async=false sync=false mux.src_1 ! "
       "fakesink name=other async=false sync=false")
          .c_str(),
      &error));
  g_assert_no_error(error);
  const auto mux = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "mux"));
  const auto world = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "world"));
  const auto pad = [&](const char* name) { return adopt(gst_element_get_static_pad(mux.get(), name)); };
  Passed high, bad, other;
  high.watch(pad("sink_0").get());
  bad.watch(pad("src_0").get());
  other.watch(pad("src_1").get());
  const auto quality = [&](const char* name) {
    char* text = nullptr;
    g_object_get(pad(name).get(), "current-quality", &text, nullptr);
    const CharPtr owned{text};
    return std::string(text ? text : "");
  };
  const auto say = [&](const char* fits, guint64 bitrate, guint particles) {
    gst_pad_send_event(pad("src_0").get(),
                       gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                                            gst_structure_new("campaign-quality", "quality", G_TYPE_STRING,
                                                              fits, "bitrate", G_TYPE_UINT64, bitrate,
                                                              "particles", G_TYPE_UINT, particles, nullptr)));
  };
  const auto drawn = [&] {
    GstStructure* raw = nullptr;
    g_object_get(world.get(), "stats", &raw, nullptr);
    const StructurePtr stats{raw};
    guint particles = 0;
    if (raw) gst_structure_get_uint(raw, "particles", &particles);
    return particles;
  };
  ASSERT_NE(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  ASSERT_TRUE(wait_until([&] { return bad.count() > 10 && other.count() > 10; }, kSoon));
  ASSERT_EQ(drawn(), kParticles);
  const std::size_t joined = other.count();
  for (int round = 0; round < 3; ++round) {
    say("low", 150'000, 100);
    ASSERT_TRUE(wait_until([&] { return quality("src_0") == "low"; }, kSoon));
    const std::size_t before = other.count();
    ASSERT_TRUE(wait_until([&] { return other.count() > before + 20; }, kSoon));
    EXPECT_EQ(quality("src_1"), "high");
    EXPECT_EQ(drawn(), kParticles);
    say("high", 4'500'000, 500'000);
    ASSERT_TRUE(wait_until([&] { return quality("src_0") == "high"; }, kSoon));
  }
  const auto got = other.times(joined);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  expect_all_of(high.times(), got);
}

}  // namespace
}  // namespace campaign::test
