// See ice_connection.hpp.
#include "viewer/ice/ice_connection.hpp"

#include <algorithm>
#include <utility>

#include "util/glib_ptr.hpp"
#include "viewer/ice/remote_candidate.hpp"

namespace campaign::viewer {
namespace {

// Of one viewer's at a time. A browser has one name for every interface and protocol.
constexpr unsigned kMostLookUps = 8;

struct CandidateFree {
  void operator()(NiceCandidate* candidate) const { nice_candidate_free(candidate); }
};
using CandidatePtr = std::unique_ptr<NiceCandidate, CandidateFree>;

GstWebRTCICEConnectionState to_webrtc(guint state) {
  switch (state) {
    case NICE_COMPONENT_STATE_DISCONNECTED:
      return GST_WEBRTC_ICE_CONNECTION_STATE_DISCONNECTED;
    case NICE_COMPONENT_STATE_CONNECTING:
      return GST_WEBRTC_ICE_CONNECTION_STATE_CHECKING;
    case NICE_COMPONENT_STATE_CONNECTED:
      return GST_WEBRTC_ICE_CONNECTION_STATE_CONNECTED;
    case NICE_COMPONENT_STATE_READY:
      return GST_WEBRTC_ICE_CONNECTION_STATE_COMPLETED;
    case NICE_COMPONENT_STATE_FAILED:
      return GST_WEBRTC_ICE_CONNECTION_STATE_FAILED;
    default:  // gathering
      return GST_WEBRTC_ICE_CONNECTION_STATE_NEW;
  }
}

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

using Weak = std::weak_ptr<IceConnection>;

template <class Callback>
void connect(NiceAgent* agent, const char* signal, Callback callback, const Weak& connection) {
  g_signal_connect_data(
      agent, signal, G_CALLBACK(callback), new Weak(connection),
      [](gpointer weak, GClosure*) { delete static_cast<Weak*>(weak); }, GConnectFlags(0));
}

// A TURN server keeps what it has given out for ten minutes, unless it is told that nobody needs it any more.
// On the thread; `agent`'s last reference goes there, too.
void leave_relays(IceThread& thread, Ref<NiceAgent> agent, const std::vector<guint>& streams) {
  struct Leaving {
    Ref<NiceAgent> agent;
    std::shared_ptr<void> thread;  // is kept
  };
  // Whoever read what arrived, the server's answers too, is gone.
  for (const guint stream : streams)
    nice_agent_attach_recv(
        agent.get(), stream, kIceComponent, thread.context(),
        [](NiceAgent*, guint, guint, guint, char*, gpointer) {}, nullptr);
  NiceAgent* leaves = agent.get();
  nice_agent_close_async(
      leaves, [](GObject*, GAsyncResult*, gpointer left) { delete static_cast<Leaving*>(left); },
      new Leaving{std::move(agent), thread.keep()});
}

std::shared_ptr<IceConnection> lock(gpointer weak) { return static_cast<Weak*>(weak)->lock(); }

}  // namespace

IceConnection::IceConnection(std::shared_ptr<IceThread> thread)
    : thread_(std::move(thread)),
      agent_(adopt(nice_agent_new_full(
          thread_->context(), NICE_COMPATIBILITY_RFC5245,
          NiceAgentOption(NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_REGULAR_NOMINATION)))) {}

std::shared_ptr<IceConnection> IceConnection::make(std::shared_ptr<IceThread> thread) {
  std::shared_ptr<IceConnection> made;
  IceThread& there = *thread;
  there.call([&] { made.reset(new IceConnection(std::move(thread))); });  // it draws a random number
  made->listen();
  return made;
}

IceConnection::~IceConnection() {
  std::vector<guint> streams;
  streams_.with([&](const auto& all) {
    for (const Stream& stream : all) streams.push_back(stream.id);
  });
  thread_->post([thread = thread_, streams = std::move(streams), agent = std::move(agent_)]() mutable {
    if (g_main_context_is_owner(thread->context())) leave_relays(*thread, std::move(agent), streams);
  });
}

void IceConnection::listen() {
  const Weak self = weak_from_this();
  connect(
      agent(), "new-candidate-full",
      +[](NiceAgent*, NiceCandidate* candidate, gpointer weak) {
        if (const auto connection = lock(weak)) connection->candidate_found(candidate);
      },
      self);
  connect(
      agent(), "candidate-gathering-done",
      +[](NiceAgent*, guint stream_id, gpointer weak) {
        if (const auto connection = lock(weak)) connection->gathering_done(stream_id);
      },
      self);
  connect(
      agent(), "component-state-changed",
      +[](NiceAgent*, guint stream_id, guint component, guint state, gpointer weak) {
        const auto connection = lock(weak);
        if (!connection || component != kIceComponent) return;
        connection->gate_.through([&] {
          if (const auto transport = connection->transport(stream_id))
            gst_webrtc_ice_transport_connection_state_change(transport.get(), to_webrtc(state));
        });
      },
      self);
  connect(
      agent(), "new-selected-pair-full",
      +[](NiceAgent*, guint stream_id, guint component, NiceCandidate*, NiceCandidate*, gpointer weak) {
        const auto connection = lock(weak);
        if (!connection || component != kIceComponent) return;
        connection->gate_.through([&] {
          if (const auto transport = connection->transport(stream_id))
            gst_webrtc_ice_transport_selected_pair_change(transport.get());
        });
      },
      self);
}

// What makes libnice begin something is done on the thread, in the order in which it was asked for.
template <class F>
void IceConnection::on_thread(F job) {
  thread_->post([weak = weak_from_this(), job = std::move(job)] {
    if (const auto self = weak.lock()) job(*self);
  });
}

void IceConnection::on_candidate(OnCandidate tell) {
  on_candidate_.with([&](OnCandidate& current) { std::swap(current, tell); });
}

guint IceConnection::add_stream(guint session_id) {
  guint id = 0;
  thread_->call([&] {
    id = nice_agent_add_stream(agent(), 1);
    if (id == 0) return;
    streams_.with([&](auto& streams) {
      streams.push_back({session_id, id, false, std::make_shared<WeakRef<GstWebRTCICETransport>>()});
    });
    for (const IceServer& server : turn_servers_) use_turn_server(id, server);
  });
  return id;
}

void IceConnection::add_turn_server(const IceServer& server) {
  on_thread([server](IceConnection& self) {
    self.turn_servers_.push_back(server);
    const auto streams = self.streams_.snapshot();
    for (const Stream& stream : streams) self.use_turn_server(stream.id, server);
  });
}

void IceConnection::use_turn_server(guint stream_id, const IceServer& server) {
  const auto use = [&](NiceRelayType type) {
    if (!nice_agent_set_relay_info(agent(), stream_id, kIceComponent, server.host.c_str(),
                                   server.port_or_default(), server.username.c_str(), server.password.c_str(),
                                   type))
      GST_WARNING("libnice does not take another TURN server, %s", server.host.c_str());
  };
  if (server.scheme == "turns") return use(NICE_RELAY_TYPE_TURN_TLS);
  if (server.transport != "tcp") use(NICE_RELAY_TYPE_TURN_UDP);
  if (server.transport != "udp") use(NICE_RELAY_TYPE_TURN_TCP);
}

void IceConnection::set_proxy(const std::string& host, guint port, const std::string& username,
                              const std::string& password) {
  on_thread([=](IceConnection& self) {
    const auto use = [=, weak = self.weak_from_this()](const std::string& address) {
      if (const auto found = weak.lock())
        g_object_set(found->agent(), "proxy-ip", address.c_str(), "proxy-port", port, "proxy-type",
                     NICE_PROXY_TYPE_HTTP, "proxy-username", or_null(username), "proxy-password",
                     or_null(password), nullptr);
    };
    if (!self.thread_->resolve(host, use)) GST_WARNING("the HTTP proxy %s was not looked up", host.c_str());
  });
}

void IceConnection::set_transport(guint stream_id, GstWebRTCICETransport* transport) {
  streams_.with([&](auto& streams) {
    const auto found = std::ranges::find(streams, stream_id, &Stream::id);
    if (found != streams.end()) found->transport->set(transport);
  });
}

Ref<GstWebRTCICETransport> IceConnection::transport(guint stream_id) const {
  std::shared_ptr<WeakRef<GstWebRTCICETransport>> transport;
  streams_.with([&](const auto& streams) {
    const auto found = std::ranges::find(streams, stream_id, &Stream::id);
    if (found != streams.end()) transport = found->transport;
  });
  return transport ? transport->get() : nullptr;
}

void IceConnection::gather(guint stream_id, Ports ports) {
  const bool gathered = streams_.with([&](const auto& streams) {
    const auto found = std::ranges::find(streams, stream_id, &Stream::id);
    return found == streams.end() || found->gathered;
  });
  if (gathered) return;
  if (const auto transport = this->transport(stream_id))
    gst_webrtc_ice_transport_gathering_state_change(transport.get(),
                                                    GST_WEBRTC_ICE_GATHERING_STATE_GATHERING);
  on_thread([=](IceConnection& self) {
    if (ports.min != 0 || ports.max != 65535)
      nice_agent_set_port_range(self.agent(), stream_id, kIceComponent, ports.min, ports.max);
    if (nice_agent_gather_candidates(self.agent(), stream_id)) return;
    GST_WARNING("no socket could be opened for ICE, between the ports %u and %u", ports.min, ports.max);
    self.gathering_done(stream_id);
  });
}

void IceConnection::gathering_done(guint stream_id) {
  streams_.with([&](auto& streams) {
    const auto found = std::ranges::find(streams, stream_id, &Stream::id);
    if (found != streams.end()) found->gathered = true;
  });
  gate_.through([&] {
    if (const auto transport = this->transport(stream_id))
      gst_webrtc_ice_transport_gathering_state_change(transport.get(),
                                                      GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE);
  });
}

void IceConnection::candidate_found(NiceCandidate* candidate) {
  guint session_id = 0;
  const bool known = streams_.with([&](const auto& streams) {
    const auto found = std::ranges::find(streams, candidate->stream_id, &Stream::id);
    if (found != streams.end()) session_id = found->session_id;
    return found != streams.end();
  });
  if (!known) return;
  const CharPtr text{nice_agent_generate_local_candidate_sdp(agent(), candidate)};
  gate_.through([&] {
    const auto tell = on_candidate_.snapshot();
    if (text && tell) tell(session_id, text.get());
  });
}

void IceConnection::set_remote_credentials(guint stream_id, const std::string& ufrag,
                                           const std::string& pwd) {
  on_thread([=](IceConnection& self) {
    nice_agent_set_remote_credentials(self.agent(), stream_id, ufrag.c_str(), pwd.c_str());
  });
}

void IceConnection::add_remote_candidate(guint stream_id, const std::string& candidate) {
  on_thread([=](IceConnection& self) {
    const auto name = local_name(candidate);
    if (!name) return self.take_candidate(stream_id, candidate);
    if (self.look_ups_ >= kMostLookUps) return;
    // Counted until the answer is there or, with the closure, will not be.
    auto counted = std::shared_ptr<void>(nullptr, [weak = self.weak_from_this()](void*) {
      if (const auto left = weak.lock()) --left->look_ups_;
    });
    ++self.look_ups_;
    self.thread_->resolve(std::string(*name), [=, counted = std::move(counted),
                                               weak = self.weak_from_this()](const std::string& address) {
      if (const auto left = weak.lock()) left->take_candidate(stream_id, with_address(candidate, address));
    });
  });
}

void IceConnection::take_candidate(guint stream_id, const std::string& candidate) {
  const CandidatePtr parsed{nice_agent_parse_remote_candidate_sdp(agent(), stream_id, candidate.c_str())};
  if (!parsed || parsed->component_id != kIceComponent) return;
  GSList list{parsed.get(), nullptr};
  nice_agent_set_remote_candidates(agent(), stream_id, kIceComponent, &list);  // adds a copy
}

void IceConnection::end_of_remote_candidates(guint stream_id) {
  on_thread([=](IceConnection& self) { nice_agent_peer_candidate_gathering_done(self.agent(), stream_id); });
}

}  // namespace campaign::viewer
