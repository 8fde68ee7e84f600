// adaptivebitrate and what comes back: a simulated receiver behind a simulated link, feedback that is
// garbage, and two real rtpbins.
#include <gio/gio.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adaptive_harness.hpp"

namespace campaign::test {
namespace {

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
