// See ice.hpp.
#include "pipelines/load/ice.hpp"

#include <sys/socket.h>

#include <utility>

namespace campaign::load {
namespace {

constexpr guint kComponent = 1;  // RTP and RTCP share it
constexpr std::size_t kMaxCandidateBytes = 512;
constexpr std::size_t kMaxAside = 16;
// A key frame may be a burst of a hundred packets, for every viewer at once.
constexpr int kReceiveBuffer = 512 * 1024;

// The address from which this machine reaches `address`; sends nothing.
Result<NiceAddress> local_address_towards(const NiceAddress& address) {
  union {
    sockaddr base;
    sockaddr_storage storage;
  } there{};
  nice_address_copy_to_sockaddr(&address, &there.base);
  GError* raw = nullptr;
  const ObjectPtr<GSocketAddress> target{g_socket_address_new_from_native(&there, sizeof there)};
  const ObjectPtr<GSocket> socket{g_socket_new(g_socket_address_get_family(target.get()),
                                               G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, &raw)};
  ObjectPtr<GSocketAddress> ours;
  if (socket && g_socket_connect(socket.get(), target.get(), nullptr, &raw))
    ours.reset(g_socket_get_local_address(socket.get(), &raw));
  const ErrorPtr error{raw};
  if (!ours || !g_socket_address_to_native(ours.get(), &there, sizeof there, nullptr))
    return Error("ICE: there is no way to the server's media.", error ? error->message : "");
  NiceAddress local;
  nice_address_init(&local);
  nice_address_set_from_sockaddr(&local, &there.base);
  nice_address_set_port(&local, 0);
  return local;
}

}  // namespace

IceAgent::IceAgent(GMainContext* context, GSocketFamily family, Handlers handlers)
    : handlers_(std::move(handlers)),
      agent_(nice_agent_new_full(context, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_ICE_TRICKLE)),
      context_(context),
      family_(family) {
  g_object_set(agent_.get(), "controlling-mode", FALSE, "upnp", FALSE, "ice-tcp", FALSE,
               "keepalive-conncheck", FALSE, nullptr);
  state_signal_ =
      g_signal_connect(agent_.get(), "component-state-changed",
                       G_CALLBACK(+[](NiceAgent*, guint, guint, guint state, gpointer data) {
                         auto* self = static_cast<IceAgent*>(data);
                         if (state == NICE_COMPONENT_STATE_CONNECTED || state == NICE_COMPONENT_STATE_READY)
                           self->handlers_.connected();
                         if (state == NICE_COMPONENT_STATE_FAILED) self->handlers_.failed();
                       }),
                       this);
}

IceAgent::~IceAgent() {
  g_signal_handler_disconnect(agent_.get(), state_signal_);
  if (stream_) {
    nice_agent_attach_recv(agent_.get(), stream_, kComponent, context_, nullptr, nullptr);
    nice_agent_remove_stream(agent_.get(), stream_);
  }
}

Result<std::unique_ptr<IceAgent>> IceAgent::make(GMainContext* context, GSocketFamily family,
                                                 Handlers handlers) {
  std::unique_ptr<IceAgent> made{new IceAgent(context, family, std::move(handlers))};
  NiceAgent* agent = made->agent_.get();
  made->stream_ = nice_agent_add_stream(agent, 1);
  if (!made->stream_) return Error("ICE: no stream could be made.");
  nice_agent_attach_recv(agent, made->stream_, kComponent, context, received, made.get());
  char *ufrag = nullptr, *pwd = nullptr;
  if (!nice_agent_get_local_credentials(agent, made->stream_, &ufrag, &pwd))
    return Error("ICE: there are no credentials.");
  made->ufrag_ = CharPtr(ufrag).get();
  made->pwd_ = CharPtr(pwd).get();
  return made;
}

Result<void> IceAgent::open_socket(const NiceAddress& towards) {
  const auto local = local_address_towards(towards);
  if (!local) return local.error();
  has_socket_ = true;
  NiceAddress address = *local;
  nice_agent_add_local_address(agent_.get(), &address);
  if (!nice_agent_gather_candidates(agent_.get(), stream_)) return Error("ICE: no socket could be opened.");

  if (GPtrArray* sockets = nice_agent_get_sockets(agent_.get(), stream_, kComponent)) {
    for (guint i = 0; i < sockets->len; ++i)
      g_socket_set_option(G_SOCKET(sockets->pdata[i]), SOL_SOCKET, SO_RCVBUF, kReceiveBuffer, nullptr);
    g_ptr_array_unref(sockets);
  }
  GSList* candidates = nice_agent_get_local_candidates(agent_.get(), stream_, kComponent);
  for (GSList* each = candidates; each; each = each->next) {
    const CharPtr line{
        nice_agent_generate_local_candidate_sdp(agent_.get(), static_cast<NiceCandidate*>(each->data))};
    if (line) handlers_.candidate(line.get() + (g_str_has_prefix(line.get(), "a=") ? 2 : 0));
  }
  g_slist_free_full(candidates,
                    [](gpointer each) { nice_candidate_free(static_cast<NiceCandidate*>(each)); });
  return {};
}

Result<void> IceAgent::set_remote(const std::string& ufrag, const std::string& pwd) {
  if (!nice_agent_set_remote_credentials(agent_.get(), stream_, ufrag.c_str(), pwd.c_str()))
    return Error("ICE: the server's credentials were not taken.");
  return {};
}

Result<void> IceAgent::add_remote_candidate(const std::string& candidate) {
  if (candidate.empty() || candidate.size() > kMaxCandidateBytes) return {};
  Candidate parsed{nice_agent_parse_remote_candidate_sdp(agent_.get(), stream_, ("a=" + candidate).c_str())};
  if (!parsed || parsed->component_id != kComponent || parsed->transport != NICE_CANDIDATE_TRANSPORT_UDP)
    return {};
  const bool preferred = (nice_address_ip_version(&parsed->addr) == 6) == (family_ == G_SOCKET_FAMILY_IPV6);
  if (has_socket_ || preferred) return take(std::move(parsed));
  if (aside_.size() < kMaxAside) aside_.push_back(std::move(parsed));
  return {};
}

Result<void> IceAgent::take_any_family() {
  for (Candidate& candidate : std::exchange(aside_, {}))
    if (const auto taken = take(std::move(candidate)); !taken) return taken;
  return {};
}

Result<void> IceAgent::take(Candidate candidate) {
  if (!has_socket_)
    if (const auto opened = open_socket(candidate->addr); !opened) return opened;
  GSList list{candidate.get(), nullptr};
  nice_agent_set_remote_candidates(agent_.get(), stream_, kComponent, &list);  // adds a copy
  return {};
}

void IceAgent::send(Bytes datagram) {
  nice_agent_send(agent_.get(), stream_, kComponent, static_cast<guint>(datagram.size()),
                  reinterpret_cast<const char*>(datagram.data()));
}

void IceAgent::received(NiceAgent*, guint, guint, guint size, char* data, gpointer self) {
  static_cast<IceAgent*>(self)->handlers_.received({reinterpret_cast<std::uint8_t*>(data), size});
}

}  // namespace campaign::load
