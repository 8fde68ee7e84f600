// adaptivebitrate in a harness, with a simulated receiver behind a simulated link, and between two real
// rtpbins.
#include <gio/gio.h>
#include <gst/check/gstharness.h>
#include <gst/rtp/rtp.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "util/gst_ptr.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

const std::string kExtension =
    "extmap-3=(string)http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const std::string kCaps =
    "application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload=96,ssrc=(uint)1234";
constexpr guint32 kSsrc = 1234, kRtxSsrc = 4321;
constexpr guint8 kType = 96, kRtxType = 97, kExtensionId = 3;

struct Packet {  // as it came out
  guint32 ssrc;
  guint16 sequence, number;
  guint8 type;
  bool numbered, padding, marker;
  guint payload;
  gsize size;
  GstClockTime at;
};

GstClockTime system_now() {
  static GstClock* clock = gst_system_clock_obtain();
  return gst_clock_get_time(clock);
}

GstBuffer* make_packet(guint16 sequence, guint32 timestamp, guint payload, bool marker, bool numbered = true,
                       guint32 ssrc = kSsrc, guint8 type = kType) {
  GstBuffer* buffer = gst_rtp_buffer_new_allocate(payload, 0, 0);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gst_rtp_buffer_map(buffer, GST_MAP_READWRITE, &rtp);
  gst_rtp_buffer_set_ssrc(&rtp, ssrc);
  gst_rtp_buffer_set_payload_type(&rtp, type);
  gst_rtp_buffer_set_seq(&rtp, sequence);
  gst_rtp_buffer_set_timestamp(&rtp, timestamp);
  gst_rtp_buffer_set_marker(&rtp, marker);
  const guint8 nothing[2] = {};
  if (numbered) gst_rtp_buffer_add_extension_onebyte_header(&rtp, kExtensionId, nothing, sizeof nothing);
  gst_rtp_buffer_unmap(&rtp);
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(timestamp, GST_SECOND, 90000);
  return buffer;
}

Packet look_at(GstBuffer* buffer) {
  Packet packet{};
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map(buffer, GST_MAP_READ, &rtp)) return packet;
  packet.ssrc = gst_rtp_buffer_get_ssrc(&rtp);
  packet.sequence = gst_rtp_buffer_get_seq(&rtp);
  packet.type = gst_rtp_buffer_get_payload_type(&rtp);
  packet.padding = gst_rtp_buffer_get_padding(&rtp);
  packet.marker = gst_rtp_buffer_get_marker(&rtp);
  packet.payload = gst_rtp_buffer_get_payload_len(&rtp);
  packet.size = gst_buffer_get_size(buffer);
  gpointer data = nullptr;
  guint size = 0;
  packet.numbered = gst_rtp_buffer_get_extension_onebyte_header(&rtp, kExtensionId, 0, &data, &size);
  if (packet.numbered) packet.number = GST_READ_UINT16_BE(data);
  packet.at = system_now();
  gst_rtp_buffer_unmap(&rtp);
  return packet;
}

struct Told {  // one packet of feedback
  guint16 number;
  GstClockTime local, remote;
  guint size;
  bool lost;
};

G_GNUC_BEGIN_IGNORE_DEPRECATIONS  // GValueArray is what rtpsession sends
    GstEvent*
    feedback_event(const std::vector<Told>& packets) {
  GValueArray* array = g_value_array_new(guint(packets.size()));
  for (const Told& told : packets) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed(&value, gst_structure_new("RTPTWCCPacket", "seqnum", G_TYPE_UINT, guint(told.number),
                                                 "local-ts", G_TYPE_UINT64, told.local, "remote-ts",
                                                 G_TYPE_UINT64, told.remote, "size", G_TYPE_UINT, told.size,
                                                 "lost", G_TYPE_BOOLEAN, gboolean(told.lost), nullptr));
    g_value_array_append(array, &value);
    g_value_unset(&value);
  }
  GstStructure* structure = gst_structure_new_empty("RTPTWCCPackets");
  GValue list = G_VALUE_INIT;
  g_value_init(&list, g_value_array_get_type());
  g_value_take_boxed(&list, array);
  gst_structure_take_value(structure, "packets", &list);
  return gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, structure);
}
G_GNUC_END_IGNORE_DEPRECATIONS

class AdaptiveBitrateHarness : public testing::Test {
 protected:
  explicit AdaptiveBitrateHarness(const char* launch = "adaptivebitrate name=adaptive") {
    h_ = gst_harness_new_parse(launch);
    gst_harness_set_drop_buffers(h_, TRUE);
    adaptive_ = gst_harness_find_element(h_, "adaptivebitrate");
    gst_element_set_bus(adaptive_, bus_.get());
    GstPad* pad = gst_element_get_static_pad(adaptive_, "src");
    gst_pad_add_probe(
        pad, GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
        [](GstPad*, GstPadProbeInfo* info, gpointer self) {
          auto* harness = static_cast<AdaptiveBitrateHarness*>(self);
          std::scoped_lock lock(harness->mutex_);
          if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
            harness->out_.push_back(look_at(GST_PAD_PROBE_INFO_BUFFER(info)));
            return GST_PAD_PROBE_OK;
          }
          GstBufferList* list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
          ++harness->lists_;
          for (guint i = 0; i < gst_buffer_list_length(list); ++i)
            harness->out_.push_back(look_at(gst_buffer_list_get(list, i)));
          return GST_PAD_PROBE_OK;
        },
        this, nullptr);
    gst_object_unref(pad);
  }
  ~AdaptiveBitrateHarness() override {
    gst_element_set_bus(adaptive_, nullptr);
    gst_object_unref(adaptive_);
    gst_harness_teardown(h_);
  }

  void start(const std::string& more = kExtension) {
    gst_harness_set_src_caps_str(h_, (kCaps + (more.empty() ? "" : ",") + more).c_str());
  }
  GstElement* element() const { return adaptive_; }
  guint64 estimate() const {
    guint64 value = 0;
    g_object_get(element(), "estimated-bitrate", &value, nullptr);
    return value;
  }
  std::string quality() const {
    char* value = nullptr;
    g_object_get(element(), "quality", &value, nullptr);
    const std::string text = value ? value : "";
    g_free(value);
    return text;
  }
  guint64 count(const char* field) const {
    GstStructure* stats = nullptr;
    guint64 value = 0;
    g_object_get(element(), "stats", &stats, nullptr);
    gst_structure_get_uint64(stats, field, &value);
    gst_structure_free(stats);
    return value;
  }
  std::vector<Packet> out() {
    std::scoped_lock lock(mutex_);
    return out_;
  }

  // Whether all media that went in has come out.
  bool all_out() {
    const auto packets = out();
    return std::size_t(std::count_if(packets.begin(), packets.end(),
                                     [](const Packet& packet) { return !packet.padding; })) == pushed_;
  }

  bool last_is_out() {
    const auto packets = out();
    return !packets.empty() && packets.back().sequence == guint16(sequence_ - 1);
  }

  GstFlowReturn push(guint payload, bool marker, bool delta = true) {
    GstBuffer* buffer = make_packet(sequence_++, timestamp_, payload, marker, numbered_);
    ++pushed_;
    if (delta) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    return gst_harness_push(h_, buffer);
  }
  // One frame, as an encoder at `bitrate` makes it 30 times a second.
  void push_frame(guint64 bitrate) {
    gsize left = std::max<gsize>(bitrate / 30 / 8, 50);
    while (left > 0) {
      const gsize part = std::min<gsize>(left, 1150);
      left -= part;
      ASSERT_EQ(push(guint(part), left == 0), GST_FLOW_OK);
    }
    timestamp_ += 3000;
  }

  // The newest campaign-quality that came out upstream; other events are left out.
  struct Quality {
    std::string quality;
    guint64 bitrate = 0;
    guint particles = 0;
  };
  void take_upstream_events() {
    while (GstEvent* event = gst_harness_try_pull_upstream_event(h_)) {
      const GstStructure* structure = gst_event_get_structure(event);
      if (gst_video_event_is_force_key_unit(event)) ++key_frames_wanted_;
      if (structure && gst_structure_has_name(structure, "campaign-feedback")) ++heartbeats_;
      if (structure && gst_structure_has_name(structure, "campaign-quality")) {
        Quality quality;
        quality.quality = gst_structure_get_string(structure, "quality");
        gst_structure_get_uint64(structure, "bitrate", &quality.bitrate);
        gst_structure_get_uint(structure, "particles", &quality.particles);
        qualities_.push_back(quality);
      }
      gst_event_unref(event);
    }
  }
  bool reaches_upstream(const std::string& name) {
    return wait_until([&] {
      take_upstream_events();
      return !qualities_.empty() && qualities_.back().quality == name;
    });
  }
  // The text of a field of the next element message with this name.
  std::string wait_for_message(const char* name, const char* field) {
    std::string text;
    wait_until([&] {
      while (GstMessage* message = gst_bus_pop(bus_.get())) {
        const GstStructure* structure = gst_message_get_structure(message);
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT && gst_structure_has_name(structure, name))
          text = gst_structure_get_string(structure, field);
        gst_message_unref(message);
      }
      return !text.empty();
    });
    return text;
  }

  GstHarness* h_;
  GstElement* adaptive_;
  Ref<GstBus> bus_ = adopt(gst_bus_new());
  std::mutex mutex_;
  std::vector<Packet> out_;  // under mutex_
  unsigned lists_ = 0;       // under mutex_
  guint16 sequence_ = 65530;
  std::size_t pushed_ = 0;
  guint32 timestamp_ = 0;
  bool numbered_ = true;
  std::vector<Quality> qualities_;
  int key_frames_wanted_ = 0, heartbeats_ = 0;
};

// A drop-tail queue and a receiver behind it, in real time: what comes out of the element goes in, and
// feedback comes back every 50 ms, in a receiver's clock and with rtpsession's own numbers.
class Receiver {
 public:
  Receiver(guint16 first_number, GstClockTime clock) : number_(first_number), clock_(clock) {}

  double capacity = 1e9;  // bit/s
  bool silent = false;

  void take(const std::vector<Packet>& packets) {
    for (; taken_ < packets.size(); ++taken_) {
      const Packet& packet = packets[taken_];
      if (!packet.numbered) continue;
      const GstClockTime begins = std::max(free_at_, packet.at);
      Told told{number_++, packet.at, 0, packet.payload, begins - packet.at > 300 * GST_MSECOND};
      if (!told.lost) {
        free_at_ = begins + GstClockTime(double(packet.size + 28) * 8 / capacity * 1e9);
        told.remote = clock_ + free_at_ + 10 * GST_MSECOND;
      }
      waiting_.push_back(told);
    }
  }
  GstEvent* feedback() {
    const GstClockTime now = system_now();
    if (now - last_ < 50 * GST_MSECOND) return nullptr;
    last_ = now;
    std::vector<Told> told;
    while (!waiting_.empty() && (waiting_.front().lost || waiting_.front().remote - clock_ < now)) {
      told.push_back(waiting_.front());
      if (told.back().lost)
        told.back().remote = GST_CLOCK_TIME_NONE;
      else  // 24 bits of 64 ms
        told.back().remote %= (guint64(1) << 24) * 64 * GST_MSECOND;
      waiting_.pop_front();
    }
    return told.empty() || silent ? nullptr : feedback_event(told);
  }

 private:
  guint16 number_;
  GstClockTime clock_, free_at_ = 0, last_ = 0;
  std::size_t taken_ = 0;
  std::deque<Told> waiting_;
};

class AdaptiveBitrateOnALink : public AdaptiveBitrateHarness {
 protected:
  using AdaptiveBitrateHarness::AdaptiveBitrateHarness;

  // Sends video at the bitrate that the element asks for until `condition` holds.
  bool play_until(const std::function<bool()>& condition, double seconds = 20) {
    GstClockTime next_frame = system_now();
    return wait_until(
        [&] {
          const GstClockTime now = system_now();
          if (now >= next_frame) {
            next_frame = std::max(next_frame + GST_SECOND / 30, now);
            take_upstream_events();
            push_frame(qualities_.empty() ? 450'000 : qualities_.back().bitrate);
          }
          receiver.take(out());
          if (GstEvent* event = receiver.feedback()) gst_harness_push_upstream_event(h_, event);
          return condition();
        },
        seconds);
  }

  // Its numbers are not ours, both wrap soon, and so does its clock.
  Receiver receiver{65400, (guint64(1) << 24) * 64 * GST_MSECOND - system_now() - 3 * GST_SECOND +
                               (guint64(1) << 24) * 64 * GST_MSECOND};
};

TEST_F(AdaptiveBitrateHarness, HasDefaultsThatWork) {
  start();
  EXPECT_EQ(estimate(), 500'000u);
  EXPECT_EQ(quality(), "low");
  EXPECT_STREQ(gst_element_class_get_metadata(GST_ELEMENT_GET_CLASS(element()), GST_ELEMENT_METADATA_KLASS),
               "Filter/Network/RTP");
}

TEST_F(AdaptiveBitrateHarness, RefusesALadderThatIsNone) {
  GstElement* other = gst_element_factory_make("adaptivebitrate", nullptr);
  gst_object_ref_sink(other);
  gst_element_set_bus(other, bus_.get());
  g_object_set(other, "ladder", "{\"rungs\": 7}", nullptr);
  EXPECT_EQ(gst_element_set_state(other, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  GstMessage* message = gst_bus_timed_pop_filtered(bus_.get(), 0, GST_MESSAGE_ERROR);
  ASSERT_TRUE(message);
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  EXPECT_NE(std::string(error->message).find("rungs"), std::string::npos) << error->message;
  g_error_free(error);
  gst_message_unref(message);
  gst_element_set_state(other, GST_STATE_NULL);
  gst_element_set_bus(other, nullptr);
  gst_object_unref(other);
}

TEST_F(AdaptiveBitrateHarness, TellsTheRungOfABandwidthSetByHandAndWhy) {
  gst_element_set_state(element(), GST_STATE_NULL);
  gst_util_set_object_arg(G_OBJECT(element()), "mode", "manual");
  g_object_set(element(), "bandwidth", guint64(2'000'000), nullptr);
  gst_element_set_state(element(), GST_STATE_PLAYING);
  start();
  push_frame(900'000);
  ASSERT_TRUE(reaches_upstream("medium"));
  EXPECT_EQ(qualities_.back().bitrate, 900'000u);
  EXPECT_EQ(qualities_.back().particles, 250'000u);

  g_object_set(element(), "bandwidth", guint64(6'000'000), nullptr);
  ASSERT_TRUE(reaches_upstream("high"));
  EXPECT_EQ(qualities_.back().bitrate, 4'500'000u);
  EXPECT_EQ(qualities_.back().particles, 500'000u);
  EXPECT_EQ(quality(), "high");
  EXPECT_EQ(estimate(), 6'000'000u);
  EXPECT_EQ(wait_for_message("campaign-quality", "reason"), "the bandwidth was set by hand");

  // Less than the lowest rung needs: the picture still moves.
  g_object_set(element(), "bandwidth", guint64(300'000), nullptr);
  ASSERT_TRUE(reaches_upstream("low"));
  EXPECT_EQ(qualities_.back().bitrate, 270'000u);
}

TEST_F(AdaptiveBitrateHarness, SetsTheEncodersBitrate) {
  GstElement* encoder = gst_element_factory_make("x264enc", nullptr);
  ASSERT_TRUE(encoder);
  gst_object_ref_sink(encoder);
  gst_element_set_state(element(), GST_STATE_NULL);
  gst_util_set_object_arg(G_OBJECT(element()), "mode", "manual");
  g_object_set(element(), "bandwidth", guint64(7'000'000), "encoder", encoder, nullptr);
  gst_element_set_state(element(), GST_STATE_PLAYING);
  start();
  push_frame(900'000);
  EXPECT_TRUE(wait_until([&] {
    guint kbps = 0;
    g_object_get(encoder, "bitrate", &kbps, nullptr);
    return kbps == 4500;
  }));
  gst_object_unref(encoder);
}

TEST_F(AdaptiveBitrateHarness, NumbersPacketsInOrderAndLeavesTheRestAlone) {
  start();
  GstBufferList* list = gst_buffer_list_new();
  for (int i = 0; i < 3; ++i) gst_buffer_list_add(list, make_packet(guint16(100 + i), 0, 300, i == 2));
  ASSERT_EQ(gst_pad_push_list(h_->srcpad, list), GST_FLOW_OK);
  ASSERT_TRUE(wait_until([&] { return out().size() >= 3; }));
  const auto packets = out();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(packets[std::size_t(i)].sequence, 100 + i);
    EXPECT_EQ(packets[std::size_t(i)].number, i);
    EXPECT_EQ(packets[std::size_t(i)].payload, 300u);
  }
}

TEST_F(AdaptiveBitrateHarness, PassesWhatIsNoRtp) {
  start();
  ASSERT_EQ(gst_harness_push(h_, gst_buffer_new_allocate(nullptr, 3, nullptr)), GST_FLOW_OK);
  EXPECT_TRUE(wait_until([&] { return gst_harness_buffers_received(h_) == 1; }));
}

TEST_F(AdaptiveBitrateHarness, FeedbackThatIsGarbageChangesNothing) {
  start();
  push_frame(450'000);
  push_frame(450'000);
  const auto send = [&](GstStructure* structure) {
    gst_harness_push_upstream_event(h_, gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, structure));
  };
  send(gst_structure_new_empty("RTPTWCCPackets"));
  send(gst_structure_new("RTPTWCCPackets", "packets", G_TYPE_STRING, "none", nullptr));
  send(gst_structure_from_string("RTPTWCCPackets,packets=(int)<1,2,3>;", nullptr));
  send(gst_structure_new("RTPTWCCPackets", "packets", GST_TYPE_STRUCTURE, nullptr, nullptr));
  constexpr GstClockTime kNone = GST_CLOCK_TIME_NONE;
  for (guint16 number : {0, 1, 2, 3, 777, 40000, 65535}) {
    for (GstClockTime time : {GstClockTime(0), GstClockTime(1), GstClockTime(G_MAXINT64), kNone - 1, kNone}) {
      gst_harness_push_upstream_event(
          h_, feedback_event({{number, time, time, 0, false}, {number, kNone, time, G_MAXUINT, true}}));
    }
  }
  std::vector<Told> many(70'000, Told{9, 5, 5, 100, false});
  gst_harness_push_upstream_event(h_, feedback_event(many));
  EXPECT_LE(estimate(), 500'000u);
  push_frame(450'000);
  EXPECT_TRUE(wait_until([&] { return all_out(); }));
}

TEST_F(AdaptiveBitrateOnALink, TheEstimateRisesOnAWideLinkAndTheQualityWithIt) {
  start();
  ASSERT_TRUE(play_until([&] { return estimate() > 1'500'000; })) << estimate();
  ASSERT_TRUE(play_until([&] { return quality() != "low"; })) << estimate();
  EXPECT_NE(wait_for_message("campaign-quality", "reason"), "");
  EXPECT_GT(count("padding-packets"), 0u);
  EXPECT_GT(count("round-trip"), 0u);
}

TEST_F(AdaptiveBitrateOnALink, TheEstimateAndTheQualityFallWithTheLink) {
  g_object_set(element(), "max-bitrate", guint64(3'000'000), nullptr);
  start();
  ASSERT_TRUE(play_until([&] { return quality() == "medium"; })) << estimate();
  receiver.capacity = 500'000;
  ASSERT_TRUE(play_until([&] { return estimate() < 600'000; })) << estimate();
  ASSERT_TRUE(play_until([&] { return quality() == "low"; })) << estimate();
  // And nothing is heard any more.
  const guint64 before = estimate();
  receiver.silent = true;
  EXPECT_TRUE(play_until([&] { return estimate() <= std::max<guint64>(150'000, before * 7 / 10); }))
      << estimate();
}

TEST_F(AdaptiveBitrateOnALink, PaddingStandsBetweenFramesAndLeavesNoGap) {
  start();
  ASSERT_TRUE(play_until([&] { return count("padding-packets") > 20; }));
  const auto packets = out();
  for (std::size_t i = 1; i < packets.size(); ++i) {
    ASSERT_EQ(packets[i].sequence, guint16(packets[i - 1].sequence + 1)) << i;
    ASSERT_EQ(packets[i].number, guint16(packets[i - 1].number + 1)) << i;
    if (!packets[i].padding) continue;
    EXPECT_EQ(packets[i].payload, 0u);
    EXPECT_TRUE(packets[i - 1].marker || packets[i - 1].padding) << i;
  }
}

class AdaptiveBitrateBehindRtx : public AdaptiveBitrateOnALink {
 protected:
  AdaptiveBitrateBehindRtx()
      : AdaptiveBitrateOnALink(
            "rtprtxsend payload-type-map=\"application/x-rtp-pt-map,96=(uint)97\" "
            "ssrc-map=\"application/x-rtp-ssrc-map,1234=(uint)4321\" ! adaptivebitrate "
            "name=adaptive") {}
};

TEST_F(AdaptiveBitrateBehindRtx, ProbesAreRepeatsAndNoNumberIsTouched) {
  start();
  const guint16 first = sequence_;
  ASSERT_TRUE(play_until([&] { return estimate() > 1'500'000; })) << estimate();
  EXPECT_GT(count("repeat-bytes"), 0u);
  EXPECT_EQ(count("padding-packets"), 0u);
  guint16 media = guint16(first - 1), number = guint16(-1);
  std::optional<guint16> repeated;
  for (const Packet& packet : out()) {
    EXPECT_EQ(packet.number, guint16(++number));
    EXPECT_FALSE(packet.padding);
    if (packet.ssrc == kSsrc) {
      EXPECT_EQ(packet.sequence, guint16(++media));
      continue;
    }
    EXPECT_EQ(packet.ssrc, kRtxSsrc);
    EXPECT_EQ(packet.type, kRtxType);
    EXPECT_EQ(packet.sequence, guint16(repeated.value_or(packet.sequence - 1) + 1));
    repeated = packet.sequence;
  }
  EXPECT_TRUE(repeated);
}

TEST_F(AdaptiveBitrateHarness, AddsLessThanFiveMillisecondsAtARungsOwnRate) {
  gst_element_set_state(element(), GST_STATE_NULL);
  gst_util_set_object_arg(G_OBJECT(element()), "mode", "manual");
  g_object_set(element(), "bandwidth", guint64(5'000'000), nullptr);
  gst_element_set_state(element(), GST_STATE_PLAYING);
  start();
  std::vector<GstClockTime> waits;
  for (int frame = 0; frame < 31; ++frame) {
    const GstClockTime begins = system_now();
    push_frame(4'500'000);
    ASSERT_TRUE(wait_until([&] { return all_out(); }));
    waits.push_back(out().back().at - begins);
    wait_until([&] { return system_now() >= begins + GST_SECOND / 30; });
  }
  std::sort(waits.begin(), waits.end());
  // Paced evenly, every one of them would wait 12 ms; the slow ones say how busy this machine is.
  EXPECT_LT(waits[waits.size() / 4], 5 * GST_MSECOND);
}

TEST_F(AdaptiveBitrateHarness, AFrameThatMayGoIsOutWhenItsLastPacketIsIn) {
  gst_element_set_state(element(), GST_STATE_NULL);
  gst_util_set_object_arg(G_OBJECT(element()), "mode", "manual");
  g_object_set(element(), "bandwidth", guint64(20'000'000), nullptr);
  gst_element_set_state(element(), GST_STATE_PLAYING);
  start();
  push_frame(900'000);
  ASSERT_TRUE(wait_until([&] { return all_out(); }));
  int at_once = 0;
  for (int frame = 0; frame < 30; ++frame) {
    wait_until([&, due = system_now() + 5 * GST_MSECOND] { return system_now() >= due; });
    push_frame(900'000);
    at_once += all_out();  // on this thread, which waits for nobody
    ASSERT_TRUE(wait_until([&] { return all_out(); }));
  }
  EXPECT_GE(at_once, 15);  // a thread that was stopped between two packets sends by the task
  std::scoped_lock lock(mutex_);
  EXPECT_GE(lists_, 15u);
}

TEST_F(AdaptiveBitrateHarness, AFrameWithoutAnEndGoesOutAllTheSame) {
  start();
  for (int frame = 0; frame < 5; ++frame) push_frame(900'000);
  ASSERT_TRUE(wait_until([&] { return all_out(); }));
  ASSERT_EQ(push(500, false), GST_FLOW_OK);
  EXPECT_TRUE(wait_until([&] { return all_out(); }));
}

TEST_F(AdaptiveBitrateHarness, AddsItsLatencyToTheQuery) {
  start();
  gst_harness_set_upstream_latency(h_, 20 * GST_MSECOND);
  EXPECT_EQ(gst_harness_query_latency(h_), 25 * GST_MSECOND);
}

TEST_F(AdaptiveBitrateHarness, NeverQueuesWithoutBoundAndStopsWhileItIsFull) {
  start();
  GstPad* pad = gst_element_get_static_pad(element(), "src");
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  gst_object_unref(pad);
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(push(100, i % 10 == 9), GST_FLOW_OK);
  EXPECT_LE(count("queued"), 2100u);
  EXPECT_GT(count("dropped"), 17'000u);
  const gint64 begin = g_get_monotonic_time();
  EXPECT_EQ(gst_element_set_state(element(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  EXPECT_LT(g_get_monotonic_time() - begin, 2 * G_USEC_PER_SEC);
}

TEST_F(AdaptiveBitrateHarness, AfterAnOverflowItGoesOnAtAKeyFrame) {
  gst_element_set_state(element(), GST_STATE_NULL);
  gst_util_set_object_arg(G_OBJECT(element()), "mode", "manual");
  g_object_set(element(), "bandwidth", guint64(150'000), nullptr);
  gst_element_set_state(element(), GST_STATE_PLAYING);
  start();
  for (int i = 0; i < 500; ++i) ASSERT_EQ(push(1000, true), GST_FLOW_OK);
  ASSERT_TRUE(wait_until([&] {
    take_upstream_events();
    return key_frames_wanted_ > 0;
  }));
  const guint64 dropped = count("dropped");
  EXPECT_GT(dropped, 0u);
  ASSERT_TRUE(wait_until([&] { return count("queued") == 0; }));
  ASSERT_EQ(push(1000, true), GST_FLOW_OK);  // of a frame that needs what was dropped
  EXPECT_EQ(count("dropped"), dropped + 1);
  ASSERT_EQ(push(1000, true, false), GST_FLOW_OK);
  EXPECT_EQ(count("dropped"), dropped + 1);
  EXPECT_TRUE(wait_until([&] { return last_is_out(); }));
}

TEST_F(AdaptiveBitrateHarness, AFlushDropsWhatWaitsAndGoesOn) {
  gst_element_set_state(element(), GST_STATE_NULL);
  gst_util_set_object_arg(G_OBJECT(element()), "mode", "manual");
  g_object_set(element(), "bandwidth", guint64(150'000), nullptr);
  gst_element_set_state(element(), GST_STATE_PLAYING);
  start();
  for (int i = 0; i < 40; ++i) ASSERT_EQ(push(1000, true), GST_FLOW_OK);
  EXPECT_TRUE(gst_harness_push_event(h_, gst_event_new_flush_start()));
  EXPECT_EQ(count("queued"), 0u);
  EXPECT_EQ(push(1000, true), GST_FLOW_FLUSHING);
  EXPECT_TRUE(gst_harness_push_event(h_, gst_event_new_flush_stop(TRUE)));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  EXPECT_TRUE(gst_harness_push_event(h_, gst_event_new_segment(&segment)));
  ASSERT_EQ(push(1000, true), GST_FLOW_OK);
  EXPECT_TRUE(wait_until([&] { return last_is_out(); }));
  EXPECT_LT(out().size(), 41u);
}

TEST_F(AdaptiveBitrateHarness, EventsKeepTheirPlaceAmongThePackets) {
  start();
  for (int i = 0; i < 10; ++i) push_frame(450'000);
  EXPECT_TRUE(gst_harness_push_event(h_, gst_event_new_eos()));
  ASSERT_TRUE(wait_until([&] {
    while (GstEvent* event = gst_harness_try_pull_event(h_)) {
      const bool eos = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
      gst_event_unref(event);
      if (eos) return true;
    }
    return false;
  }));
  EXPECT_TRUE(last_is_out());
}

TEST_F(AdaptiveBitrateHarness, SaysOnceWhenThePacketsCarryNoNumber) {
  numbered_ = false;
  start("");
  push_frame(450'000);
  ASSERT_TRUE(wait_until([&] { return all_out(); }));
  for (int i = 0; i < 300; ++i) push_frame(450'000);
  GstMessage* message = nullptr;
  ASSERT_TRUE(wait_until([&] {
    if (!message) message = gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_WARNING);
    return message != nullptr;
  }));
  gst_message_unref(message);
  EXPECT_TRUE(
      wait_until([&] { return out().size() >= 500; }));  // and is not paced by a number nobody measured
  EXPECT_EQ(estimate(), 500'000u);
  EXPECT_FALSE(gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_WARNING));
}

TEST_F(AdaptiveBitrateOnALink, AReceiverThatNeverSendsFeedbackGetsAllThereIs) {
  start();
  receiver.silent = true;
  ASSERT_TRUE(play_until([&] { return count("packets") > 200; }));  // for more than 2 s
  const auto before = out().size();
  for (int i = 0; i < 200; ++i) push_frame(450'000);
  EXPECT_TRUE(wait_until([&] { return out().size() >= before + 400; }));
  EXPECT_EQ(count("dropped"), 0u);
  EXPECT_EQ(estimate(), 500'000u);
}

TEST_F(AdaptiveBitrateOnALink, AsksASilentViewerForLifeWhenNothingElseIsSent) {
  start();
  ASSERT_TRUE(play_until([&] { return count("feedback") > 3; }));
  receiver.silent = true;
  ASSERT_TRUE(play_until([&] {
    GstStructure* stats = nullptr;
    gboolean silent = FALSE;
    g_object_get(element(), "stats", &stats, nullptr);
    gst_structure_get_boolean(stats, "silent", &silent);
    gst_structure_free(stats);
    return silent;
  }));
  const auto before = out().size();
  EXPECT_TRUE(wait_until([&] { return out().size() > before && out().back().padding; }));
}

// Two sessions over UDP on this machine, as in README.md.
TEST(AdaptiveBitrate, RisesBetweenTwoRealSessions) {
  const auto free_port = [] {
    GSocket* socket =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, nullptr);
    GInetAddress* loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    GSocketAddress* any = g_inet_socket_address_new(loopback, 0);
    g_socket_bind(socket, any, FALSE, nullptr);
    GSocketAddress* bound = g_socket_get_local_address(socket, nullptr);
    const guint port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
    for (gpointer object : {gpointer(bound), gpointer(any), gpointer(loopback), gpointer(socket)})
      g_object_unref(object);
    return std::to_string(port);
  };
  const std::string rtp = free_port(), rtcp = free_port(), back = free_port();
  const std::string sender =
      "rtpbin name=rtp videotestsrc is-live=true pattern=ball ! "
      "video/x-raw,width=320,height=180,framerate=30/1 ! "
      "x264enc name=encoder tune=zerolatency speed-preset=ultrafast ! rtph264pay mtu=1200 ! "
      "application/x-rtp," +
      kExtension +
      " ! adaptivebitrate name=adaptive max-bitrate=4000000 ! rtp.send_rtp_sink_0 "
      "rtp.send_rtp_src_0 ! udpsink host=127.0.0.1 sync=false async=false port=" +
      rtp + " rtp.send_rtcp_src_0 ! udpsink host=127.0.0.1 sync=false async=false port=" + rtcp +
      " udpsrc address=127.0.0.1 port=" + back + " ! rtp.recv_rtcp_sink_0";
  const std::string receiver =
      "rtpbin name=rtp udpsrc address=127.0.0.1 port=" + rtp +
      " ! application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload=96," + kExtension +
      " ! rtp.recv_rtp_sink_0 udpsrc address=127.0.0.1 port=" + rtcp +
      " ! rtp.recv_rtcp_sink_0 rtp.send_rtcp_src_0 ! udpsink host=127.0.0.1 sync=false async=false port=" +
      back + " rtp. ! rtph264depay ! h264parse ! fakesink name=sink sync=false async=false";
  GstElement* there = gst_parse_launch(receiver.c_str(), nullptr);
  GstElement* here = gst_parse_launch(sender.c_str(), nullptr);
  ASSERT_TRUE(here && there);
  GstElement* adaptive = gst_bin_get_by_name(GST_BIN(here), "adaptive");
  GstElement* encoder = gst_bin_get_by_name(GST_BIN(here), "encoder");
  gst_element_set_state(there, GST_STATE_PLAYING);
  gst_element_set_state(here, GST_STATE_PLAYING);
  const auto estimate = [&] {
    guint64 value = 0;
    g_object_get(adaptive, "estimated-bitrate", &value, nullptr);
    return value;
  };
  EXPECT_TRUE(wait_until([&] { return estimate() > 1'500'000; }, 30)) << estimate();
  EXPECT_TRUE(wait_until(
      [&] {
        guint kbps = 0;
        g_object_get(encoder, "bitrate", &kbps, nullptr);
        return kbps == 900;
      },
      30));
  // What was padded is still video.
  GstElement* sink = gst_bin_get_by_name(GST_BIN(there), "sink");
  const auto rendered = [&] {
    GstStructure* stats = nullptr;
    guint64 value = 0;
    g_object_get(sink, "stats", &stats, nullptr);
    gst_structure_get_uint64(stats, "rendered", &value);
    gst_structure_free(stats);
    return value;
  };
  const guint64 before = rendered();
  EXPECT_TRUE(wait_until([&] { return rendered() > before + 30; })) << rendered();
  gst_element_set_state(here, GST_STATE_NULL);
  gst_element_set_state(there, GST_STATE_NULL);
  for (GstElement* element : {adaptive, encoder, sink, here, there}) gst_object_unref(element);
}

}  // namespace
}  // namespace campaign::test
