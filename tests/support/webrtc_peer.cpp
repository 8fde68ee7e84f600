// See webrtc_peer.hpp.
#include "webrtc_peer.hpp"

#include <gst/sdp/sdp.h>

#include "viewer/ice/webrtc_ice.hpp"
#include "viewer/pipeline_end.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

GstPadProbeReturn count_packet(GstPad*, GstPadProbeInfo*, gpointer count) {
  ++*static_cast<std::atomic<unsigned>*>(count);
  return GST_PAD_PROBE_OK;
}

}  // namespace

void use_loopback(GstElement* webrtcbin) {
  GObject* ice = nullptr;
  g_object_get(webrtcbin, "ice-agent", &ice, nullptr);
  gboolean added = FALSE;
  g_signal_emit_by_name(ice, "add-local-ip-address", "127.0.0.1", &added);
  g_object_set(ice, "ice-tcp", FALSE, nullptr);
  GObject* agent = nullptr;
  g_object_get(ice, "agent", &agent, nullptr);
  g_object_set(agent, "upnp", FALSE, nullptr);
  g_object_unref(agent);
  g_object_unref(ice);
}

WebRtcPeer::WebRtcPeer(GstElement* webrtcbin, const Configure& configure)
    : pipeline_(gst_pipeline_new(nullptr)), webrtcbin_(webrtcbin) {
  gst_util_set_object_arg(G_OBJECT(webrtcbin), "bundle-policy", "max-bundle");
  if (configure) configure(webrtcbin);
  gst_bin_add(GST_BIN(pipeline_), webrtcbin);
  g_signal_connect(webrtcbin, "on-negotiation-needed", G_CALLBACK(+[](GstElement*, gpointer self) {
                     static_cast<WebRtcPeer*>(self)->needs_negotiation_ = true;
                   }),
                   this);
  g_signal_connect(webrtcbin, "on-ice-candidate",
                   G_CALLBACK(+[](GstElement*, guint line, char* candidate, gpointer data) {
                     auto* self = static_cast<WebRtcPeer*>(data);
                     std::scoped_lock lock(self->mutex_);
                     self->candidates_.emplace_back(line, candidate);
                   }),
                   this);
  g_signal_connect(webrtcbin, "on-data-channel",
                   G_CALLBACK(+[](GstElement*, GObject* channel, gpointer self) {
                     static_cast<WebRtcPeer*>(self)->use_channel(channel);
                   }),
                   this);
  g_signal_connect(webrtcbin, "pad-added", G_CALLBACK(+[](GstElement*, GstPad* pad, gpointer data) {
                     auto* self = static_cast<WebRtcPeer*>(data);
                     if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC) return;
                     gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count_packet, &self->packets_,
                                       nullptr);
                     GstElement* end = gst_element_factory_make("fakesink", nullptr);
                     g_object_set(end, "sync", FALSE, "async", FALSE, nullptr);
                     gst_bin_add(GST_BIN(self->pipeline_), end);
                     gst_element_sync_state_with_parent(end);
                     const auto sink_pad = adopt(gst_element_get_static_pad(end, "sink"));
                     gst_pad_link(pad, sink_pad.get());
                   }),
                   this);
  gst_element_set_state(pipeline_, GST_STATE_PLAYING);
}

WebRtcPeer::~WebRtcPeer() {
  viewer::end_ice(webrtcbin_);
  viewer::end_pipeline(pipeline_);
  g_signal_handlers_disconnect_by_data(webrtcbin_, this);
  if (channel_) {
    g_signal_handlers_disconnect_by_data(channel_, this);
    g_object_unref(channel_);
  }
  gst_object_unref(pipeline_);
}

void WebRtcPeer::add_audio() {
  GstElement* source = gst_parse_bin_from_description(
      "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay ! "
      "application/x-rtp,media=audio,encoding-name=PCMU,payload=96 ! identity",
      TRUE, nullptr);
  gst_bin_add(GST_BIN(pipeline_), source);
  gst_element_link(source, webrtcbin_);
  gst_element_sync_state_with_parent(source);
}

void WebRtcPeer::add_channel() {
  GObject* channel = nullptr;
  g_signal_emit_by_name(webrtcbin_, "create-data-channel", "words", nullptr, &channel);
  if (!channel) return;
  use_channel(channel);
  g_object_unref(channel);
}

void WebRtcPeer::use_channel(GObject* channel) {
  g_signal_connect(channel, "on-open", G_CALLBACK(+[](GObject*, gpointer self) {
                     static_cast<WebRtcPeer*>(self)->channel_open_ = true;
                   }),
                   this);
  g_signal_connect(channel, "on-message-string", G_CALLBACK(+[](GObject*, char* text, gpointer data) {
                     auto* self = static_cast<WebRtcPeer*>(data);
                     std::scoped_lock lock(self->mutex_);
                     self->heard_ += text;
                   }),
                   this);
  std::scoped_lock lock(mutex_);
  channel_ = G_OBJECT(g_object_ref(channel));
}

std::string WebRtcPeer::offer() {
  // An offer is of what has caps by then.
  const auto has_caps = [&] {
    const auto pad = adopt(gst_element_get_static_pad(webrtcbin_, "sink_0"));
    return !pad || adopt(gst_pad_get_current_caps(pad.get()));
  };
  if (!wait_until([&] { return needs_negotiation_ && has_caps(); }, 10)) return {};
  return describe("create-offer", "offer");
}

std::string WebRtcPeer::answer(const std::string& offer) {
  set_description("set-remote-description", GST_WEBRTC_SDP_TYPE_OFFER, offer);
  return describe("create-answer", "answer");
}

void WebRtcPeer::take_answer(const std::string& answer) {
  set_description("set-remote-description", GST_WEBRTC_SDP_TYPE_ANSWER, answer);
}

std::string WebRtcPeer::describe(const char* signal, const char* field) {
  const auto made = adopt(gst_promise_new());
  g_signal_emit_by_name(webrtcbin_, signal, nullptr, made.get());
  GstWebRTCSessionDescription* description = nullptr;
  if (gst_promise_wait(made.get()) == GST_PROMISE_RESULT_REPLIED)
    gst_structure_get(gst_promise_get_reply(made.get()), field, GST_TYPE_WEBRTC_SESSION_DESCRIPTION,
                      &description, nullptr);
  if (!description) return {};
  g_signal_emit_by_name(webrtcbin_, "set-local-description", description, nullptr);
  const CharPtr text{gst_sdp_message_as_text(description->sdp)};
  gst_webrtc_session_description_free(description);
  return text.get();
}

void WebRtcPeer::set_description(const char* signal, GstWebRTCSDPType type, const std::string& text) {
  GstSDPMessage* sdp = nullptr;
  gst_sdp_message_new_from_text(text.c_str(), &sdp);
  auto* description = gst_webrtc_session_description_new(type, sdp);
  g_signal_emit_by_name(webrtcbin_, signal, description, nullptr);
  gst_webrtc_session_description_free(description);
}

std::vector<std::pair<unsigned, std::string>> WebRtcPeer::candidates() {
  std::scoped_lock lock(mutex_);
  return std::exchange(candidates_, {});
}

void WebRtcPeer::add_candidate(unsigned line, const std::string& candidate) {
  g_signal_emit_by_name(webrtcbin_, "add-ice-candidate", line, candidate.c_str());
}

void WebRtcPeer::say(const char* text) {
  std::unique_lock lock(mutex_);
  GObject* channel = channel_;
  lock.unlock();
  if (channel) g_signal_emit_by_name(channel, "send-string", text);
}

std::string WebRtcPeer::heard() const {
  std::scoped_lock lock(mutex_);
  return heard_;
}

GstWebRTCICEConnectionState WebRtcPeer::ice_state() const {
  GstWebRTCICEConnectionState state = GST_WEBRTC_ICE_CONNECTION_STATE_NEW;
  g_object_get(webrtcbin_, "ice-connection-state", &state, nullptr);
  return state;
}

GstWebRTCICEGatheringState WebRtcPeer::gathering_state() const {
  GstWebRTCICEGatheringState state = GST_WEBRTC_ICE_GATHERING_STATE_NEW;
  g_object_get(webrtcbin_, "ice-gathering-state", &state, nullptr);
  return state;
}

Ref<GstPromise> WebRtcPeer::stats() const {
  auto asked = adopt(gst_promise_new());
  g_signal_emit_by_name(webrtcbin_, "get-stats", nullptr, asked.get());
  gst_promise_wait(asked.get());
  return asked;
}

bool connect_until(WebRtcPeer& one, WebRtcPeer& other, const std::function<bool()>& done, double seconds) {
  return wait_until(
      [&] {
        for (const auto& [line, candidate] : one.candidates()) other.add_candidate(line, candidate);
        for (const auto& [line, candidate] : other.candidates()) one.add_candidate(line, candidate);
        return done();
      },
      seconds);
}

}  // namespace campaign::test
