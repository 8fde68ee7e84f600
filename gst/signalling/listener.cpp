// See listener.hpp.
#include "signalling/listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

namespace campaign::signalling {
namespace {

constexpr unsigned kIdleSeconds = 10;  // for a request to go on
constexpr unsigned kRestMs = 100;      // for a descriptor to become free

void hand_over(SoupServer* server, GSocket* socket) {
  g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, TRUE, nullptr);
  g_socket_set_timeout(socket, kIdleSeconds);
  const ObjectPtr<GSocketConnection> connection(g_socket_connection_factory_create_connection(socket));
  const ObjectPtr<GSocketAddress> here(g_socket_connection_get_local_address(connection.get(), nullptr)),
      there(g_socket_connection_get_remote_address(connection.get(), nullptr));
  if (here && there)  // or it has gone again
    soup_server_accept_iostream(server, G_IO_STREAM(connection.get()), here.get(), there.get(), nullptr);
}

}  // namespace

std::unique_ptr<Listener> Listener::open(EventLoop& loop, SoupServer* server, GSocketAddress* address,
                                         GError** error) {
  const GSocketFamily family = g_socket_address_get_family(address);
  ObjectPtr<GSocket> socket(g_socket_new(family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error));
  if (!socket) return nullptr;
  if (family == G_SOCKET_FAMILY_IPV6)
    g_socket_set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, TRUE, nullptr);
  g_socket_set_blocking(socket.get(), FALSE);
  g_socket_set_listen_backlog(socket.get(), SOMAXCONN);
  if (!g_socket_bind(socket.get(), address, TRUE, error) || !g_socket_listen(socket.get(), error))
    return nullptr;
  return std::unique_ptr<Listener>(new Listener(loop, server, std::move(socket)));
}

Listener::Listener(EventLoop& loop, SoupServer* server, ObjectPtr<GSocket> socket)
    : loop_(loop), server_(server), socket_(std::move(socket)) {
  watch();
}

Listener::~Listener() {
  *alive_ = false;
  if (ready_) {
    g_source_destroy(ready_);
    g_source_unref(ready_);
  }
  g_socket_close(socket_.get(), nullptr);
}

unsigned Listener::port() const {
  const ObjectPtr<GSocketAddress> bound(g_socket_get_local_address(socket_.get(), nullptr));
  return bound ? g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound.get())) : 0;
}

void Listener::watch() {
  ready_ = g_socket_create_source(socket_.get(), G_IO_IN, nullptr);
  g_source_set_callback(ready_, G_SOURCE_FUNC(on_ready), this, nullptr);
  g_source_attach(ready_, loop_.context());
}

gboolean Listener::on_ready(GSocket* socket, GIOCondition, gpointer data) {
  auto* self = static_cast<Listener*>(data);
  GError* raw = nullptr;
  const ObjectPtr<GSocket> accepted(g_socket_accept(socket, nullptr, &raw));
  const ErrorPtr error{raw};
  if (accepted) {
    hand_over(self->server_, accepted.get());
  } else if (!g_error_matches(raw, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
    self->rest();
    return G_SOURCE_REMOVE;
  }
  return G_SOURCE_CONTINUE;
}

// Who waits to be taken would make the source ready again at once.
void Listener::rest() {
  g_source_unref(std::exchange(ready_, nullptr));
  loop_.every(kRestMs, [this, alive = alive_] {
    if (*alive) watch();
    return false;
  });
}

}  // namespace campaign::signalling
