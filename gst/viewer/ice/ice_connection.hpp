// One viewer's ICE: libnice's agent, on the thread of all of them, and what webrtcbin is told of it.
//
// webrtcbin's callbacks take a plain pointer to it, which its own agent keeps good by ending its thread while
// webrtcbin is disposed of. Here close() does, by the gate that all of them go through. And some of libnice's
// timers (0.1.21, socket/udp-turn.c) do not expect their agent to go while they run, so that it goes on the
// thread that runs them: everything that uses the agent keeps this object alive, which hands the last
// reference over.
#pragma once

#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>
#include <nice/agent.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "util/guarded.hpp"
#include "util/weak_ref.hpp"
#include "viewer/ice/callback_gate.hpp"
#include "viewer/ice/ice_server.hpp"
#include "viewer/ice/ice_thread.hpp"

namespace campaign::viewer {

// webrtcbin has RTP and RTCP share one.
inline constexpr guint kIceComponent = NICE_COMPONENT_TYPE_RTP;

class IceConnection : public std::enable_shared_from_this<IceConnection> {
 public:
  struct Ports {
    guint min = 0, max = 65535;  // these are any
  };
  // In the session of webrtcbin's that the stream was added for.
  using OnCandidate = std::function<void(guint session_id, const char* candidate)>;

  static std::shared_ptr<IceConnection> make(std::shared_ptr<IceThread> thread);
  ~IceConnection();

  // Any thread, as all that follows. Borrowed; whoever keeps it keeps this, too.
  NiceAgent* agent() const { return agent_.get(); }

  void on_candidate(OnCandidate tell);
  // Nobody is told anything any more.
  void close() { gate_.close(); }

  // Takes what is known of the TURN servers so far, and of those that come later; 0: there is no such stream.
  guint add_stream(guint session_id);
  void add_turn_server(const IceServer& server);
  void set_proxy(const std::string& host, guint port, const std::string& username,
                 const std::string& password);

  // The transport that is told of `stream_id`'s states from here on.
  void set_transport(guint stream_id, GstWebRTCICETransport* transport);
  Ref<GstWebRTCICETransport> transport(guint stream_id) const;

  void gather(guint stream_id, Ports ports);
  void set_remote_credentials(guint stream_id, const std::string& ufrag, const std::string& pwd);
  // "a=candidate:…". What cannot be used is left out: the viewer's checks arrive as peer-reflexive still.
  void add_remote_candidate(guint stream_id, const std::string& candidate);
  void end_of_remote_candidates(guint stream_id);

 private:
  struct Stream {
    guint session_id, id;
    bool gathered = false;
    std::shared_ptr<WeakRef<GstWebRTCICETransport>> transport;
  };

  explicit IceConnection(std::shared_ptr<IceThread> thread);
  void listen();
  template <class F>
  void on_thread(F job);
  void use_turn_server(guint stream_id, const IceServer& server);
  void take_candidate(guint stream_id, const std::string& candidate);
  void candidate_found(NiceCandidate* candidate);
  void gathering_done(guint stream_id);

  const std::shared_ptr<IceThread> thread_;
  Ref<NiceAgent> agent_;
  CallbackGate gate_;
  Guarded<OnCandidate> on_candidate_;
  Guarded<std::vector<Stream>> streams_;
  std::vector<IceServer> turn_servers_;  // on the thread
  unsigned look_ups_ = 0;                // likewise
};

}  // namespace campaign::viewer
