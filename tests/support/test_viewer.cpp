// See test_viewer.hpp.
#include "test_viewer.hpp"

#include <gst/sdp/sdp.h>
#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>

#include "viewer/pipeline_end.hpp"
#include "wait.hpp"

namespace campaign::test {
namespace {

GstWebRTCSessionDescription* description(GstWebRTCSDPType type, const std::string& text) {
  GstSDPMessage* sdp = nullptr;
  gst_sdp_message_new_from_text(text.c_str(), &sdp);
  return gst_webrtc_session_description_new(type, sdp);
}

// As in a browser. libnice would search the network for UPnP routers, and libgssdp (1.6) loses an address
// with each search.
void look_for_no_router(GstElement* webrtcbin) {
  GObject *ice = nullptr, *nice = nullptr;
  g_object_get(webrtcbin, "ice-agent", &ice, nullptr);
  g_object_get(ice, "agent", &nice, nullptr);
  g_object_set(nice, "upnp", FALSE, nullptr);
  g_object_unref(nice);
  g_object_unref(ice);
}

}  // namespace

TestViewer::TestViewer(unsigned port) : TestViewer(port, Options{}) {}

TestViewer::TestViewer(unsigned port, Options options) : options_(std::move(options)) {
  pipeline_ = gst_pipeline_new(nullptr);
  webrtcbin_ = gst_element_factory_make("webrtcbin", nullptr);
  g_object_set(webrtcbin_, "latency", 0, nullptr);
  gst_util_set_object_arg(G_OBJECT(webrtcbin_), "bundle-policy", "max-bundle");
  look_for_no_router(webrtcbin_);
  gst_bin_add(GST_BIN(pipeline_), webrtcbin_);
  g_signal_connect(webrtcbin_, "on-ice-candidate",
                   G_CALLBACK(+[](GstElement*, guint line, char* candidate, gpointer self) {
                     static_cast<TestViewer*>(self)->say(
                         {{"type", "ice"}, {"candidate", candidate}, {"sdpMLineIndex", line}});
                   }),
                   this);
  g_signal_connect(webrtcbin_, "pad-added", G_CALLBACK(+[](GstElement*, GstPad* pad, gpointer self) {
                     static_cast<TestViewer*>(self)->pad_added(pad);
                   }),
                   this);
  gst_element_set_state(pipeline_, GST_STATE_PLAYING);

  // What webrtcbin's threads have to say leaves from the test's thread.
  sender_ = g_timeout_source_new(2);
  g_source_set_callback(
      sender_,
      [](gpointer data) -> gboolean {
        auto* self = static_cast<TestViewer*>(data);
        std::vector<nlohmann::json> messages;
        {
          std::scoped_lock lock(self->mutex_);
          messages.swap(self->to_say_);
        }
        if (self->socket_)
          for (const auto& message : messages) self->socket_->send(message);
        return G_SOURCE_CONTINUE;
      },
      this, nullptr);
  g_source_attach(sender_, nullptr);

  socket_ = std::make_unique<WebSocketClient>(port, options_.query);
  std::deque<nlohmann::json> early;
  early.swap(socket_->received);
  socket_->on_message = [this](const nlohmann::json& message) { return handle(message); };
  for (const auto& message : early)
    if (!handle(message)) socket_->received.push_back(message);
}

TestViewer::~TestViewer() {
  g_source_destroy(sender_);
  g_source_unref(sender_);
  viewer::end_pipeline(pipeline_);
  gst_object_unref(pipeline_);
}

void TestViewer::say(nlohmann::json message) {
  std::scoped_lock lock(mutex_);
  to_say_.push_back(std::move(message));
}

std::string TestViewer::codec() const {
  std::scoped_lock lock(mutex_);
  return codec_;
}

bool TestViewer::handle(const nlohmann::json& message) {
  if (message["type"] == "welcome") {
    welcome_ = message;
  } else if (message["type"] == "offer") {
    offer_ = message["sdp"];
    if (options_.answer) take_offer(offer_);
  } else if (message["type"] == "ice") {
    const std::string candidate = message["candidate"];
    if (options_.answer && !candidate.empty())
      g_signal_emit_by_name(webrtcbin_, "add-ice-candidate", message["sdpMLineIndex"].get<unsigned>(),
                            candidate.c_str());
  } else {
    return false;
  }
  return true;
}

void TestViewer::take_offer(const std::string& sdp) {
  auto* offer = description(GST_WEBRTC_SDP_TYPE_OFFER, sdp);
  g_signal_emit_by_name(webrtcbin_, "set-remote-description", offer, nullptr);
  gst_webrtc_session_description_free(offer);
  GstPromise* answered = gst_promise_new();  // webrtcbin works through its tasks in order
  g_signal_emit_by_name(webrtcbin_, "create-answer", nullptr, answered);
  if (gst_promise_wait(answered) == GST_PROMISE_RESULT_REPLIED) {
    GstWebRTCSessionDescription* answer = nullptr;
    gst_structure_get(gst_promise_get_reply(answered), "answer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &answer,
                      nullptr);
    if (answer) {
      g_signal_emit_by_name(webrtcbin_, "set-local-description", answer, nullptr);
      char* text = gst_sdp_message_as_text(answer->sdp);
      socket_->send({{"type", "answer"}, {"sdp", options_.edit ? options_.edit(text) : text}});
      g_free(text);
      gst_webrtc_session_description_free(answer);
    }
  }
  gst_promise_unref(answered);
}

void TestViewer::pad_added(GstPad* pad) {
  if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC) return;
  if (GstCaps* caps = gst_pad_get_current_caps(pad)) {
    const char* name = gst_structure_get_string(gst_caps_get_structure(caps, 0), "encoding-name");
    std::scoped_lock lock(mutex_);
    codec_ = name ? name : "";
    gst_caps_unref(caps);
  }
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count_packet, this, nullptr);
  GError* error = nullptr;
  // openh264dec refuses caps without a profile, which the depayloader cannot know.
  const std::string chain =
      !options_.decode   ? "fakesink sync=false async=false"
      : codec() == "VP8" ? "rtpvp8depay wait-for-keyframe=true request-keyframe=true ! vp8dec ! "
                           "fakesink name=end sync=false async=false"
      : codec() == "VP9" ? "rtpvp9depay wait-for-keyframe=true request-keyframe=true ! vp9dec ! "
                           "fakesink name=end sync=false async=false"
                         : "rtph264depay wait-for-keyframe=true request-keyframe=true ! "
                           "video/x-h264,stream-format=byte-stream,alignment=au ! "
                           "capssetter caps=video/x-h264,profile=constrained-baseline ! openh264dec ! "
                           "fakesink name=end sync=false async=false";
  GstElement* bin = gst_parse_bin_from_description(chain.c_str(), TRUE, &error);
  g_assert_no_error(error);
  gst_bin_add(GST_BIN(pipeline_), bin);
  if (GstElement* end = gst_bin_get_by_name(GST_BIN(bin), "end")) {
    GstPad* sink = gst_element_get_static_pad(end, "sink");
    gst_pad_add_probe(sink, GST_PAD_PROBE_TYPE_BUFFER, count_frame, this, nullptr);
    gst_object_unref(sink);
    gst_object_unref(end);
  }
  gst_element_sync_state_with_parent(bin);
  GstPad* entry = GST_PAD(bin->sinkpads->data);
  gst_pad_link(pad, entry);
}

GstPadProbeReturn TestViewer::count_packet(GstPad*, GstPadProbeInfo*, gpointer data) {
  auto* self = static_cast<TestViewer*>(data);
  if (self->packets_++ == 0 && !self->options_.decode) self->first_media_ = g_get_monotonic_time();
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn TestViewer::count_frame(GstPad*, GstPadProbeInfo*, gpointer data) {
  auto* self = static_cast<TestViewer*>(data);
  if (self->frames_++ == 0) self->first_media_ = g_get_monotonic_time();
  return GST_PAD_PROBE_OK;
}

bool TestViewer::wait_for_frames(unsigned more, double seconds) {
  const unsigned goal = frames_ + more;
  return wait_until([&] { return frames_ >= goal; }, seconds);
}

bool TestViewer::wait_for_packets(unsigned more, double seconds) {
  const unsigned goal = packets_ + more;
  return wait_until([&] { return packets_ >= goal; }, seconds);
}

}  // namespace campaign::test
