// What campaignsink is measured against: the same source, the same encoder with the same settings, the same
// signalling, and an encoder for every viewer (tee ! queue ! x264enc ! rtph264pay ! webrtcbin), as other
// WebRTC sinks for GStreamer do it. It serves as many viewers as come and is then thrown away: what a
// viewer had stays when they leave, idle. Signalling runs on an event loop's thread; webrtcbin's threads post
// to it.
#include <gst/gst.h>
#include <gst/sdp/sdp.h>
#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>

#include <cstdio>
#include <map>
#include <string>

#include "campaign/encoder_profile.hpp"
#include "signalling/event_loop.hpp"
#include "signalling/server.hpp"
#include "util/gst_ptr.hpp"
#include "viewer/page.hpp"
#include "viewer/rtp_format.hpp"

namespace campaign::bench {
namespace {

using signalling::ConnectionId;

class EncodePerViewer : public signalling::ServerDelegate {
 public:
  EncodePerViewer(const std::string& source, std::uint64_t bitrate, double frame_rate)
      : bitrate_(bitrate), frame_rate_(frame_rate), server_(loop_, *this, viewer::page()) {
    GError* error = nullptr;
    pipeline_ = sink(gst_parse_launch((source + " ! tee name=tee allow-not-linked=true").c_str(), &error));
    if (error) g_error("%s", error->message);
    tee_ = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "tee"));
  }
  ~EncodePerViewer() override {
    loop_.call([&] { server_.shut_down("stopped"); });
    loop_.stop();
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  }

  unsigned listen(unsigned port) {
    loop_.call([&] {
      const auto listening = server_.listen({.host = "127.0.0.1", .port = port, .max_viewers = 1000});
      if (!listening) g_error("%s", listening.error().detail().c_str());
    });
    return server_.port();
  }
  bool play() {
    return gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE;
  }
  GstElement* pipeline() const { return pipeline_.get(); }

  signalling::Admission admit(const signalling::Visitor& visitor) override {
    return signalling::Welcome{visitor.peer, "0", {"0"}, {"high"}, {}};
  }

  void waits(const signalling::Visitor&) override {}

  void arrived(const signalling::Visitor& visitor, const signalling::Welcome&) override {
    const auto* profile = find_encoder_profile("x264enc");
    const std::string encoder = "queue max-size-buffers=2 leaky=downstream ! videoconvert ! x264enc " +
                                std::string(profile->settings) +
                                " bitrate=" + std::to_string(bitrate_in_units(*profile, bitrate_)) +
                                " key-int-max=" + std::to_string(key_interval(frame_rate_)) +
                                " ! capsfilter caps=\"" + std::string(profile->caps) + "\"";
    GError* error = nullptr;
    GstElement* bin = gst_parse_bin_from_description(encoder.c_str(), TRUE, &error);
    if (error) g_error("%s", error->message);
    const guint32 ssrc = g_random_int_range(1, G_MAXINT32);
    auto payloader = viewer::make_payloader(Codec::h264, ssrc);
    gst_object_set_name(GST_OBJECT(payloader.get()), nullptr);  // one that is not taken
    GstElement* webrtcbin = gst_element_factory_make("webrtcbin", nullptr);
    gst_util_set_object_arg(G_OBJECT(webrtcbin), "bundle-policy", "max-bundle");
    // webrtcbin blocks until its DTLS is up; what waits before it must not stop the tee for everybody.
    auto* pipe = GST_BIN(pipeline_.get());
    gst_bin_add_many(pipe, bin, payloader.get(), webrtcbin, nullptr);
    gst_element_link(bin, payloader.get());
    auto entry = adopt(gst_element_request_pad_simple(webrtcbin, "sink_0"));
    auto exit = adopt(gst_element_get_static_pad(payloader.get(), "src"));
    gst_pad_link(exit.get(), entry.get());
    GObject* transceiver = nullptr;
    g_object_get(entry.get(), "transceiver", &transceiver, nullptr);
    g_object_set(transceiver, "direction", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY, "do-nack", TRUE,
                 "codec-preferences", viewer::rtp_caps(Codec::h264, ssrc).get(), nullptr);
    g_object_unref(transceiver);

    const ConnectionId connection = visitor.connection;
    auto* call = new Call{this, connection, webrtcbin};  // lives as long as the program
    g_signal_connect(webrtcbin, "on-negotiation-needed",
                     G_CALLBACK(+[](GstElement*, gpointer data) { static_cast<Call*>(data)->offer(); }),
                     call);
    g_signal_connect(
        webrtcbin, "on-ice-candidate",
        G_CALLBACK(+[](GstElement*, guint line, char* candidate, gpointer data) {
          static_cast<Call*>(data)->say(signalling::to_json(signalling::IceCandidate{candidate, line}));
        }),
        call);
    for (GstElement* element : {webrtcbin, payloader.get(), bin}) gst_element_sync_state_with_parent(element);
    auto branch = adopt(gst_element_request_pad_simple(tee_.get(), "src_%u"));
    auto input = adopt(gst_element_get_static_pad(bin, "sink"));
    gst_pad_link(branch.get(), input.get());
    viewers_[connection] = {webrtcbin, branch};
  }

  void received(ConnectionId connection, signalling::ViewerMessage message) override {
    GstElement* webrtcbin = viewers_.at(connection).webrtcbin;
    if (const auto* answer = std::get_if<signalling::Answer>(&message)) {
      GstSDPMessage* sdp = nullptr;
      if (gst_sdp_message_new_from_text(answer->sdp.c_str(), &sdp) != GST_SDP_OK) return;
      GstWebRTCSessionDescription* description =
          gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, sdp);
      g_signal_emit_by_name(webrtcbin, "set-remote-description", description, nullptr);
      gst_webrtc_session_description_free(description);
    } else if (const auto* ice = std::get_if<signalling::IceCandidate>(&message)) {
      if (!ice->candidate.empty())
        g_signal_emit_by_name(webrtcbin, "add-ice-candidate", ice->sdp_m_line_index, ice->candidate.c_str());
    }
  }
  // Its encoder gets nothing more; the rest stays.
  void left(ConnectionId connection) override {
    gst_pad_add_probe(
        viewers_.at(connection).branch.get(), GST_PAD_PROBE_TYPE_IDLE,
        [](GstPad* pad, GstPadProbeInfo*, gpointer) {
          if (const auto peer = adopt(gst_pad_get_peer(pad))) gst_pad_unlink(pad, peer.get());
          return GST_PAD_PROBE_REMOVE;
        },
        nullptr, nullptr);
  }

 private:
  struct Call {
    EncodePerViewer* owner;
    ConnectionId connection;
    GstElement* webrtcbin;

    void say(std::string text) {
      owner->loop_.post([this, text = std::move(text)] { owner->server_.send(connection, text); });
    }
    void offer() {
      GstPromise* made = gst_promise_new_with_change_func(
          [](GstPromise* promise, gpointer data) {
            auto* call = static_cast<Call*>(data);
            GstWebRTCSessionDescription* offer = nullptr;
            gst_structure_get(gst_promise_get_reply(promise), "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION,
                              &offer, nullptr);
            gst_promise_unref(promise);
            if (!offer) return;
            g_signal_emit_by_name(call->webrtcbin, "set-local-description", offer, nullptr);
            const CharPtr text{gst_sdp_message_as_text(offer->sdp)};
            gst_webrtc_session_description_free(offer);
            call->say(signalling::to_json(signalling::Offer{text.get()}));
          },
          this, nullptr);
      g_signal_emit_by_name(webrtcbin, "create-offer", nullptr, made);
    }
  };

  std::uint64_t bitrate_;
  double frame_rate_;
  Ref<GstElement> pipeline_, tee_;
  struct Viewer {
    GstElement* webrtcbin;  // the pipeline's
    Ref<GstPad> branch;
  };
  std::map<ConnectionId, Viewer> viewers_;  // on the loop
  signalling::EventLoop loop_{"signalling"};
  signalling::Server server_;
};

}  // namespace
}  // namespace campaign::bench

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 5) {
    std::fprintf(stderr, "Usage: encode-per-viewer SOURCE PORT BITRATE FRAMERATE\n");
    return 2;
  }
  campaign::bench::EncodePerViewer server(argv[1], g_ascii_strtoull(argv[3], nullptr, 10),
                                          g_ascii_strtod(argv[4], nullptr));
  server.listen(unsigned(g_ascii_strtoull(argv[2], nullptr, 10)));
  if (!server.play()) return 1;
  const auto bus = campaign::adopt(gst_element_get_bus(server.pipeline()));
  const auto message = campaign::adopt(gst_bus_timed_pop_filtered(
      bus.get(), GST_CLOCK_TIME_NONE, GstMessageType(GST_MESSAGE_ERROR | GST_MESSAGE_EOS)));
  GError* error = nullptr;
  if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR)
    gst_message_parse_error(message.get(), &error, nullptr);
  std::fprintf(stderr, "%s\n", error ? error->message : "the source has ended");
  return 1;
}
