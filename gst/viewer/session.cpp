// See session.hpp. webrtcbin's callbacks hold weak references only: a strong one would keep its threads
// alive, and the last one dropped on such a thread would make webrtcbin join itself.
#include "viewer/session.hpp"

#include <gst/sdp/sdp.h>
#include <gst/video/video.h>
#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>

#include "viewer/dtls_record.hpp"
#include "viewer/ice/webrtc_ice.hpp"
#include "viewer/ice_agent.hpp"
#include "viewer/joined_threads.hpp"
#include "viewer/known_attributes.hpp"
#include "viewer/pipeline_end.hpp"
#include "viewer/protected_offer.hpp"
#include "viewer/protection.hpp"
#include "viewer/refused_video.hpp"
#include "viewer/rtp_format.hpp"
#include "viewer/short_way.hpp"
#include "viewer/unit_source.hpp"

namespace campaign::viewer {
namespace {

using signalling::IceCandidate;
using signalling::Refusal;
using signalling::RefusalCode;

constexpr unsigned kMaxCandidates = 128;
constexpr gint64 kPatience = 2 * G_USEC_PER_SEC;  // for webrtcbin to end what it has begun

template <class T>
void destroy_closure(gpointer data, GClosure*) {
  delete static_cast<T*>(data);
}
template <class T>
void destroy(gpointer data) {
  delete static_cast<T*>(data);
}

template <class Callback>
void connect(GstElement* element, const char* signal, Callback callback, std::weak_ptr<Session> session) {
  using Weak = std::weak_ptr<Session>;
  g_signal_connect_data(element, signal, G_CALLBACK(callback), new Weak(std::move(session)),
                        destroy_closure<Weak>, GConnectFlags(0));
}

struct Reply {
  std::weak_ptr<Session> session;
  std::shared_ptr<void> asked;  // see Session::ask()
};

// Of what is asked of webrtcbin. `changed` lets go of the promise.
GstPromise* promise(void (*changed)(GstPromise*, gpointer), Reply reply) {
  return gst_promise_new_with_change_func(changed, new Reply(std::move(reply)), destroy<Reply>);
}

std::shared_ptr<Session> lock(gpointer weak) { return static_cast<std::weak_ptr<Session>*>(weak)->lock(); }
std::shared_ptr<Session> session_of(gpointer reply) { return static_cast<Reply*>(reply)->session.lock(); }

std::string error_in(GstPromise* promise) {
  const GstStructure* reply = gst_promise_get_reply(promise);
  GError* raw = nullptr;
  if (!reply || !gst_structure_get(reply, "error", G_TYPE_ERROR, &raw, nullptr)) return {};
  const ErrorPtr error{raw};
  return error->message;
}

// One for all sessions, which have nothing in common but this. webrtcbin (1.22) makes a field's name of it,
// and GLib keeps every name for ever.
guint32 our_ssrc() {
  static const guint32 ssrc = guint32(g_random_int_range(1, G_MAXINT32));
  return ssrc;
}

bool is_made_by(GstElement* element, const char* name) {
  const GstElementFactory* factory = gst_element_get_factory(element);
  return factory && g_strcmp0(GST_OBJECT_NAME(factory), name) == 0;
}

void configure_transceiver(GstPad* pad, GstCaps* caps) {
  GObject* transceiver = nullptr;
  g_object_get(pad, "transceiver", &transceiver, nullptr);
  if (!transceiver) return;
  g_object_set(transceiver, "direction", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY, "do-nack", TRUE,
               "codec-preferences", caps, nullptr);
  g_object_unref(transceiver);
}

}  // namespace

Session::Session(SessionSettings settings, Events events)
    : settings_(std::move(settings)),
      events_(std::move(events)),
      adaptive_(settings_.ladder, settings_.fec) {}

Session::~Session() { g_assert(!graph_.snapshot().pipeline); }  // close() was forgotten

Result<void> Session::start() {
  auto built = build();
  if (!built) return built.error();
  GstElement* pipeline = built->pipeline.get();
  GstElement* webrtcbin = built->webrtcbin.get();
  graph_.with([&](Graph& graph) { graph = *built; });
  events_.webrtcbin_ready(webrtcbin);

  if (gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return Error("A viewer's connection could not be set up.", "the viewer's pipeline refused to play");

  // An offer needs caps on the pad. Announcing them here, rather than with the first frame, lets the offer
  // go out at once, even while the campaign is paused, and leaves nothing blocked in front of webrtcbin.
  auto pad = adopt(gst_element_get_static_pad(webrtcbin, "sink_0"));
  gst_pad_send_event(pad.get(), gst_event_new_stream_start(settings_.peer.c_str()));
  gst_pad_send_event(pad.get(), gst_event_new_caps(rtp_caps(settings_.codec, our_ssrc()).get()));
  return {};
}

Result<Session::Graph> Session::build() {
  Graph graph;
  graph.pipeline = sink(gst_pipeline_new(("viewer-" + settings_.peer).c_str()));
  auto unit_source = make_unit_source({.changed = [weak = weak_from_this()](const auto& from) {
    if (auto session = weak.lock()) session->events_.changed(from.campaign, from.quality);
  }});
  GstElement* source = unit_source.get();
  auto payloader =
      make_payloader(settings_.codec, our_ssrc(), settings_.fec > 0 ? kMtu - kRepairHeaders : kMtu);
  auto webrtcbin = make_webrtcbin("webrtcbin", settings_.ice_thread);
  const struct {
    GstElement* element;
    const char* advice;
  } parts[] = {{source, "there is no source"},
               {payloader.get(), "the RTP payloader is missing; install gstreamer1.0-plugins-good"},
               {webrtcbin, "the element webrtcbin is missing; install gstreamer1.0-plugins-bad"}};
  const char* missing = nullptr;
  for (const auto& part : parts) {
    if (part.element)
      gst_bin_add(GST_BIN(graph.pipeline.get()), part.element);
    else
      missing = part.advice;
  }
  if (missing) return Error("Nobody can watch: " + std::string(missing) + ".");
  graph.source = share(source);
  graph.webrtcbin = share(webrtcbin);

  auto* pipeline = GST_PIPELINE(graph.pipeline.get());
  gst_pipeline_use_clock(pipeline, settings_.clock.get());
  gst_element_set_start_time(graph.pipeline.get(), GST_CLOCK_TIME_NONE);
  gst_element_set_base_time(graph.pipeline.get(), settings_.epoch);
  auto bus = adopt(gst_pipeline_get_bus(pipeline));
  gst_bus_set_sync_handler(bus.get(), on_bus, new Weak(weak_from_this()), destroy<Weak>);

  events_.payloader_setup(payloader.get());
  gst_util_set_object_arg(G_OBJECT(webrtcbin), "bundle-policy", "max-bundle");
  configure_ice_agent(webrtcbin, settings_.ice);

  auto last = payloader;
  if (settings_.fec > 0) {
    last = graph.protection = make_protection(settings_.fec);
    gst_bin_add(GST_BIN(graph.pipeline.get()), last.get());
    gst_element_link(payloader.get(), last.get());
  }
  auto pad = adopt(gst_element_request_pad_simple(webrtcbin, "sink_0"));
  auto src = adopt(gst_element_get_static_pad(last.get(), "src"));
  if (!gst_element_link(source, payloader.get()) || !pad ||
      gst_pad_link(src.get(), pad.get()) != GST_PAD_LINK_OK)
    return Error("A viewer's connection could not be set up.", "the viewer's pipeline does not link");
  configure_transceiver(pad.get(), rtp_caps(settings_.codec, our_ssrc()).get());

  // It stands between the retransmissions and the session. webrtcbin takes it floating; without it the
  // connection works as it is.
  connect(
      webrtcbin, "request-aux-sender",
      +[](GstElement*, GObject*, gpointer weak) -> GstElement* {
        auto session = lock(weak);
        return session ? session->adaptive_.make() : nullptr;
      },
      weak_from_this());

  // Every RTCP report of the viewer's is a sign of life.
  if (auto rtpbin = adopt(gst_bin_get_by_name(GST_BIN(webrtcbin), "rtpbin")))
    connect(
        rtpbin.get(), "on-ssrc-active",
        +[](GstElement*, guint, guint, gpointer weak) {
          if (auto session = lock(weak)) session->events_.heard();
        },
        weak_from_this());
  connect(
      webrtcbin, "deep-element-added",
      +[](GstBin*, GstBin*, GstElement* element, gpointer weak) {
        if (is_made_by(element, "dtlsenc")) {
          if (auto session = lock(weak)) session->watch_handshake(element);
        } else if (is_made_by(element, "dtlsdec")) {
          if (auto session = lock(weak)) session->watch_certificate(element);
        }
      },
      weak_from_this());
  connect(
      webrtcbin, "on-negotiation-needed",
      +[](GstElement*, gpointer weak) {
        if (auto session = lock(weak)) session->create_offer();
      },
      weak_from_this());
  connect(
      webrtcbin, "on-ice-candidate",
      +[](GstElement*, guint line, char* candidate, gpointer weak) {
        if (auto session = lock(weak)) session->events_.candidate({candidate, line});
      },
      weak_from_this());
  connect(
      webrtcbin, "notify::ice-connection-state",
      +[](GstElement* element, GParamSpec*, gpointer) {
        GstWebRTCICEConnectionState state;
        g_object_get(element, "ice-connection-state", &state, nullptr);
        if (state == GST_WEBRTC_ICE_CONNECTION_STATE_COMPLETED) rest_ice_agent(element);
      },
      weak_from_this());
  connect(
      webrtcbin, "notify::connection-state",
      +[](GstElement* element, GParamSpec*, gpointer weak) {
        if (auto session = lock(weak)) session->connection_state_changed(element);
      },
      weak_from_this());
  return graph;
}

// While webrtcbin makes an offer or takes a description it starts elements, on a thread of its own, which it
// ends only after its elements. end_pipeline() finds those that it starts meanwhile, but they run on threads
// of GStreamer's, since the bus tells nobody of them any more; see joined_threads.hpp. So close() waits until
// what was asked for is done, and nothing is asked for once it has begun: first ask(), then look at closed_.
std::shared_ptr<void> Session::ask() {
  ++*asked_;
  return {nullptr, [asked = asked_](void*) { --*asked; }};
}

void Session::close() {
  closed_ = true;
  connected_ = false;
  Graph graph = graph_.with([](Graph& current) { return std::exchange(current, {}); });
  if (!graph.pipeline) return;
  const gint64 deadline = g_get_monotonic_time() + kPatience;
  while (*asked_ > 0 && g_get_monotonic_time() < deadline) g_usleep(1000);
  end_ice(graph.webrtcbin.get());
  auto bus = adopt(gst_pipeline_get_bus(GST_PIPELINE(graph.pipeline.get())));
  gst_bus_set_flushing(bus.get(), TRUE);  // on_bus() hears nothing more
  adaptive_.let_go();
  end_pipeline(graph.pipeline.get());
}

// Until the latency is known, rtpsession cannot relate RTP time to the clock in its sender reports.
void Session::recalculate_latency() {
  const auto pipeline = graph_.snapshot().pipeline;
  if (pipeline) gst_bin_recalculate_latency(GST_BIN(pipeline.get()));
}

// Once: the session offers, and nothing that changes later is worth a second negotiation.
void Session::create_offer() {
  auto asked = ask();
  if (closed_) return;
  const bool first =
      negotiation_.with([](Negotiation& negotiation) { return !std::exchange(negotiation.offered, true); });
  const auto webrtcbin = graph_.snapshot().webrtcbin;
  if (!first || !webrtcbin) return;
  GstPromise* created = promise(
      [](GstPromise* done, gpointer reply) {
        if (auto session = session_of(reply)) session->offer_created(done);
        gst_promise_unref(done);
      },
      {weak_from_this(), std::move(asked)});
  g_signal_emit_by_name(webrtcbin.get(), "create-offer", nullptr, created);
}

void Session::offer_created(GstPromise* done) {
  auto asked = ask();
  if (closed_ || gst_promise_wait(done) != GST_PROMISE_RESULT_REPLIED) return;
  const auto webrtcbin = graph_.snapshot().webrtcbin;
  GstWebRTCSessionDescription* offer = nullptr;
  const GstStructure* reply = gst_promise_get_reply(done);
  if (reply) gst_structure_get(reply, "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &offer, nullptr);
  if (!offer || !webrtcbin) {
    if (offer) gst_webrtc_session_description_free(offer);
    fail(RefusalCode::internal, "no offer could be made: " + error_in(done));
    return;
  }
  GstPromise* set = promise([](GstPromise* local, gpointer) { gst_promise_unref(local); },
                            {weak_from_this(), std::move(asked)});
  g_signal_emit_by_name(webrtcbin.get(), "set-local-description", offer, set);
  if (settings_.fec > 0) offer_protection(offer->sdp);
  const CharPtr sdp{gst_sdp_message_as_text(offer->sdp)};
  gst_webrtc_session_description_free(offer);
  events_.offer(sdp.get());
}

Result<void, Refusal> Session::take_answer(const std::string& sdp) {
  const auto webrtcbin = graph_.snapshot().webrtcbin;
  const bool expected = webrtcbin && negotiation_.with([](Negotiation& negotiation) {
    return negotiation.offered && !negotiation.answered;
  });
  if (!expected) return Refusal{RefusalCode::wrong_order, "an answer is taken once, after the offer"};

  GstSDPMessage* message = nullptr;
  if (gst_sdp_message_new_from_text(sdp.c_str(), &message) != GST_SDP_OK || !message ||
      gst_sdp_message_medias_len(message) != 1) {
    if (message) gst_sdp_message_free(message);
    return Refusal{RefusalCode::bad_message, "answer.sdp must be a session description with one media"};
  }
  auto asked = ask();
  if (closed_) {
    gst_sdp_message_free(message);
    return {};
  }
  if (const std::string why = refused_video(message, settings_.codec); !why.empty()) {
    gst_sdp_message_free(message);
    fail(RefusalCode::video_refused, why);
    return {};
  }
  keep_known_attributes(message);
  const bool can_be_protected = settings_.fec > 0 && take_protection(message);
  negotiation_.with([&](Negotiation& negotiation) {
    negotiation.answered = true;
    negotiation.certificates = AnsweredCertificates(message);
    if (can_be_protected) negotiation.protection = retransmission_type(message, kPayloadType);
  });
  GstWebRTCSessionDescription* answer =
      gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, message);  // takes `message`
  GstPromise* set = promise(
      [](GstPromise* done, gpointer reply) {
        if (auto session = session_of(reply)) session->answer_set(done);
        gst_promise_unref(done);
      },
      {weak_from_this(), std::move(asked)});
  g_signal_emit_by_name(webrtcbin.get(), "set-remote-description", answer, set);
  gst_webrtc_session_description_free(answer);
  return {};
}

void Session::answer_set(GstPromise* done) {
  if (closed_ || gst_promise_wait(done) != GST_PROMISE_RESULT_REPLIED) return;
  if (const std::string error = error_in(done); !error.empty()) {
    fail(RefusalCode::negotiation_failed, "the answer does not fit the offer: " + error);
    return;
  }
  const auto [early, protection] = negotiation_.with([](Negotiation& negotiation) {
    negotiation.remote_set = true;
    return std::pair(std::exchange(negotiation.early, {}), negotiation.protection);
  });
  const Graph graph = graph_.snapshot();
  const auto& webrtcbin = graph.webrtcbin;
  if (!webrtcbin) return;
  if (graph.protection && protection)
    protect(graph.protection.get(), webrtcbin.get(), *protection);
  else if (graph.protection)
    adaptive_.send_no_repairs();
  for (const IceCandidate& ice : early)
    g_signal_emit_by_name(webrtcbin.get(), "add-ice-candidate", ice.sdp_m_line_index, ice.candidate.c_str());
}

Result<void, Refusal> Session::take_candidate(const IceCandidate& ice) {
  if (ice.sdp_m_line_index != 0)
    return Refusal{RefusalCode::bad_message, "ice.sdpMLineIndex must be 0, there is one media"};
  // Browsers hide their addresses behind mDNS names, which resolve on the viewer's own network at best;
  // its checks arrive all the same, and give a peer-reflexive candidate. The end mark needs no action.
  if (ice.candidate.empty() || ice.candidate.find(".local ") != std::string::npos) return {};

  enum class Then { add, keep, refuse };
  const Then then = negotiation_.with([&](Negotiation& negotiation) {
    if (++negotiation.candidates > kMaxCandidates) return Then::refuse;
    if (negotiation.remote_set) return Then::add;
    negotiation.early.push_back(ice);
    return Then::keep;
  });
  if (then == Then::refuse)
    return Refusal{RefusalCode::rate_limited,
                   "at most " + std::to_string(kMaxCandidates) + " ICE candidates are taken"};
  const auto webrtcbin = graph_.snapshot().webrtcbin;
  if (then == Then::add && webrtcbin)
    g_signal_emit_by_name(webrtcbin.get(), "add-ice-candidate", ice.sdp_m_line_index, ice.candidate.c_str());
  return {};
}

void Session::connection_state_changed(GstElement* webrtcbin) {
  GstWebRTCPeerConnectionState state;
  g_object_get(webrtcbin, "connection-state", &state, nullptr);
  if (state == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED) {
    if (closed_ || connected_.exchange(true)) return;
    pass_gate();
    if (!handshake_watched_) handshake_sent();
  } else if (state == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED) {
    fail(RefusalCode::negotiation_failed, "the media connection failed");
  }
}

// dtlsenc hands the handshake on with a task of its own, and media goes past it: on a busy machine a viewer
// had the first key frame before the Finished without which it cannot be read, threw it away and saw nothing
// for a second.
void Session::watch_handshake(GstElement* dtls_encoder) {
  const auto pad = adopt(gst_element_get_static_pad(dtls_encoder, "src"));
  if (!pad) return;
  handshake_watched_ = true;
  gst_pad_add_probe(
      pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
      +[](GstPad*, GstPadProbeInfo* info, gpointer weak) {
        GstMapInfo map;
        GstBuffer* datagram = GST_PAD_PROBE_INFO_BUFFER(info);
        if (!gst_buffer_map(datagram, &map, GST_MAP_READ)) return GST_PAD_PROBE_OK;
        const bool last = has_encrypted_record({map.data, map.size});
        gst_buffer_unmap(datagram, &map);
        if (!last) return GST_PAD_PROBE_OK;
        if (auto session = lock(weak)) session->handshake_sent();
        return GST_PAD_PROBE_REMOVE;
      },
      new Weak(weak_from_this()), destroy<Weak>);
}

// On the thread of the handshake, before it is over.
void Session::watch_certificate(GstElement* dtls_decoder) {
  connect(
      dtls_decoder, "notify::peer-pem",
      +[](GstElement* decoder, GParamSpec*, gpointer weak) {
        if (auto session = lock(weak)) session->certificate_came(decoder);
      },
      weak_from_this());
}

void Session::certificate_came(GstElement* dtls_decoder) {
  char* raw = nullptr;
  g_object_get(dtls_decoder, "peer-pem", &raw, nullptr);
  const CharPtr pem{raw};
  const bool known = negotiation_.with(
      [&](const Negotiation& negotiation) { return pem && negotiation.certificates.include(pem.get()); });
  if (!known)
    fail(RefusalCode::negotiation_failed, "the certificate of the media connection is not the answer's");
  else if (!known_.exchange(true))
    pass_gate();
}

void Session::handshake_sent() {
  if (!handshake_sent_.exchange(true)) pass_gate();
}

void Session::pass_gate() {
  if (--gate_ == 0 && !closed_) events_.connected();
}

void Session::play(std::shared_ptr<routing::Viewer> viewer) {
  const Graph graph = graph_.snapshot();
  if (!graph.source) return;
  shorten_ways(graph.webrtcbin.get());
  start_unit_source(graph.source.get(), std::move(viewer));
}

void Session::fail(RefusalCode code, const std::string& what) {
  if (closed_ || failed_.exchange(true)) return;
  events_.failed({code, what});
}

GstBusSyncReply Session::on_bus(GstBus*, GstMessage* message, gpointer weak) {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* raw = nullptr;
    gst_message_parse_error(message, &raw, nullptr);
    const ErrorPtr error{raw};
    if (auto session = lock(weak)) session->fail(RefusalCode::internal, error->message);
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_STREAM_STATUS) {
    if (auto session = lock(weak)) use_threads(message, session->settings_.threads.get());
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_LATENCY) {
    if (auto session = lock(weak)) session->events_.latency_changed();
  } else if (gst_message_has_name(message, "campaign-quality")) {
    const GstStructure* told = gst_message_get_structure(message);
    const char *quality = gst_structure_get_string(told, "quality"),
               *reason = gst_structure_get_string(told, "reason");
    if (auto session = lock(weak); session && quality && reason && !session->closed_)
      session->events_.fits(quality, reason);
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

}  // namespace campaign::viewer
