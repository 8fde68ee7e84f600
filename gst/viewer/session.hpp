// One viewer: a pipeline of its own, unit source ! payloader ! webrtcbin, fed by the router.
// start(), recalculate_latency() and close() run on the audience's worker; the rest on any thread. A fault in
// here ends this viewer only.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "campaign/encoder_profile.hpp"
#include "campaign/routing/router.hpp"
#include "signalling/viewer_message.hpp"
#include "util/gst_ptr.hpp"
#include "util/guarded.hpp"
#include "util/result.hpp"
#include "viewer/adaptive.hpp"
#include "viewer/certificate.hpp"
#include "viewer/ice.hpp"
#include "viewer/ice/ice_thread.hpp"

namespace campaign::viewer {

struct SessionSettings {
  std::string peer;
  Codec codec = Codec::h264;
  IceSettings ice;
  Ref<GstClock> clock;
  GstClockTime epoch = 0;    // of `clock`: what the access units' timestamps count from
  Ladder ladder;             // of the campaign's rungs
  unsigned fec = 0;          // repairs for every 100 packets
  Ref<GstTaskPool> threads;  // of the pipeline's tasks; see joined_threads.hpp
  std::shared_ptr<IceThread> ice_thread;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  // Called on webrtcbin's threads or the worker: they may post, and must not call back into the session.
  struct Events {
    std::function<void(std::string sdp)> offer;
    std::function<void(signalling::IceCandidate)> candidate;
    std::function<void()> connected;                                         // media may flow
    std::function<void()> heard;                                             // feedback came from the viewer
    std::function<void(std::string campaign, std::string quality)> changed;  // what it is sent from here on
    std::function<void()> latency_changed;  // call recalculate_latency() on the worker
    std::function<void(std::string quality, std::string reason)> fits;  // the network, from here on
    std::function<void(signalling::Refusal)> failed;
    std::function<void(GstElement* payloader)> payloader_setup;  // borrowed, before it is used
    std::function<void(GstElement* webrtcbin)> webrtcbin_ready;
  };

  Session(SessionSettings settings, Events events);
  ~Session();

  Result<void> start();
  void close();
  void recalculate_latency();

  Result<void, signalling::Refusal> take_answer(const std::string& sdp);
  Result<void, signalling::Refusal> take_candidate(const signalling::IceCandidate& candidate);

  // Once it is connected: sends what the router has for this viewer, who is let go of before close().
  void play(std::shared_ptr<routing::Viewer> viewer);

  // What adapts to the viewer's network: to be told of the ladder and of the viewer's wish.
  Adaptive& adaptive() { return adaptive_; }
  const Adaptive& adaptive() const { return adaptive_; }

  Codec codec() const { return settings_.codec; }

 private:
  struct Graph {
    Ref<GstElement> pipeline, source, webrtcbin;
    Ref<GstElement> protection;  // of a session with FEC
  };
  struct Negotiation {
    bool offered = false, answered = false, remote_set = false;
    AnsweredCertificates certificates;
    std::optional<unsigned> protection;  // agreed on: the payload type of retransmissions
    unsigned candidates = 0;
    std::vector<signalling::IceCandidate> early;  // came before the remote description was set
  };
  using Weak = std::weak_ptr<Session>;

  Result<Graph> build();
  std::shared_ptr<void> ask();
  void create_offer();
  void offer_created(GstPromise* promise);
  void answer_set(GstPromise* promise);
  void connection_state_changed(GstElement* webrtcbin);
  void watch_handshake(GstElement* dtls_encoder);
  void watch_certificate(GstElement* dtls_decoder);
  void certificate_came(GstElement* dtls_decoder);
  void handshake_sent();
  void pass_gate();
  void fail(signalling::RefusalCode code, const std::string& what);
  static GstBusSyncReply on_bus(GstBus* bus, GstMessage* message, gpointer weak);

  const SessionSettings settings_;
  const Events events_;
  Adaptive adaptive_;
  Guarded<Graph> graph_;
  Guarded<Negotiation> negotiation_;
  std::atomic<bool> connected_ = false, closed_ = false, failed_ = false;
  // Media may flow once the connection stands, the last of the handshake is on its way, and the other side is
  // who answered.
  std::atomic<bool> handshake_watched_ = false, handshake_sent_ = false, known_ = false;
  std::atomic<unsigned> gate_ = 3;
  // What webrtcbin has been asked to do and has not done yet. Shared, since its answers may outlive this.
  const std::shared_ptr<std::atomic<unsigned>> asked_ = std::make_shared<std::atomic<unsigned>>(0);
};

}  // namespace campaign::viewer
