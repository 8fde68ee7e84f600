// See server.hpp. The WebSocket upgrade is done here rather than by libsoup's handler, which would answer a
// foreign origin only by not answering, would negotiate deflate (64 KiB on the wire may be 64 MiB in
// memory), and does not bound fragmented messages.
#include "signalling/server.hpp"

#include <algorithm>
#include <cstdio>

#include "signalling/message_limit.hpp"
#include "util/gst_ptr.hpp"
#include "util/id.hpp"

namespace campaign::signalling {
namespace {

// Four keepalive pings unanswered. A viewer whose process is stopped for half a minute stays.
constexpr gint64 kSilence = 45 * G_USEC_PER_SEC;
constexpr gint64 kCloseGrace = 2 * G_USEC_PER_SEC;
constexpr gint64 kWaitLimit = 30 * G_USEC_PER_SEC;  // a software driver compiles its shaders in half of it
constexpr unsigned kLivenessPeriodMs = 500;
constexpr unsigned kUpgradeRequired = 426;  // RFC 9110, section 15.5.22
constexpr std::size_t kMaxContextBytes = 128;
constexpr unsigned kMaxRefusedConnections = 64;  // being told why, beyond the viewers

bool is_loopback(GSocketAddress* address) {
  return G_IS_INET_SOCKET_ADDRESS(address) &&
         g_inet_address_get_is_loopback(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)));
}

Result<Ref<GSocketAddress>> resolve(const std::string& host, unsigned port) {
  if (GSocketAddress* literal = g_inet_socket_address_new_from_string(host.c_str(), port))
    return adopt(literal);
  GResolver* resolver = g_resolver_get_default();
  GError* raw = nullptr;
  GList* found = g_resolver_lookup_by_name(resolver, host.c_str(), nullptr, &raw);
  g_object_unref(resolver);
  const ErrorPtr error{raw};
  if (!found)
    return Error(
        "Cannot resolve the host \"" + host + "\"; set the property host to an address of this machine.",
        error ? error->message : "");
  GSocketAddress* address = g_inet_socket_address_new(G_INET_ADDRESS(found->data), guint16(port));
  g_resolver_free_addresses(found);
  return adopt(address);
}

// A viewer may be silent, and check_liveness() looks after it. libsoup has wrapped the connection that the
// listener made.
void never_time_out(GIOStream* stream) {
  if (!g_object_class_find_property(G_OBJECT_GET_CLASS(stream), "base-iostream")) return;
  GIOStream* inner = nullptr;
  g_object_get(stream, "base-iostream", &inner, nullptr);
  const ObjectPtr<GIOStream> tcp(inner);
  if (G_IS_SOCKET_CONNECTION(inner))
    g_socket_set_timeout(g_socket_connection_get_socket(G_SOCKET_CONNECTION(inner)), 0);
}

std::string random_peer_id() {
  char id[32];
  std::snprintf(id, sizeof id, "viewer-%08x%08x", g_random_int(), g_random_int());
  return id;
}

}  // namespace

Server::Server(EventLoop& loop, ServerDelegate& delegate, WebPage page)
    : loop_(loop), delegate_(delegate), page_(std::move(page)) {}

Server::~Server() {
  *alive_ = false;
  while (!connections_.empty()) {
    leave(connections_.begin()->first);
    connections_.erase(connections_.begin());
  }
  if (!soup_) return;
  listener_.reset();
  soup_server_disconnect(soup_);
  g_object_unref(soup_);
}

Result<void> Server::listen(const ServerSettings& settings) {
  if (auto valid = check_origins(settings.allowed_origins, "The property allowed-origins"); !valid)
    return valid;
  auto address = resolve(settings.host, settings.port);
  if (!address) return address.error();

  soup_ = soup_server_new("server-header", "gst-campaign", nullptr);
  soup_server_add_early_handler(soup_, nullptr, on_early_request, this, nullptr);
  soup_server_add_handler(soup_, nullptr, on_request, this, nullptr);
  if (settings.setup) settings.setup(soup_);
  GError* raw = nullptr;
  listener_ = Listener::open(loop_, soup_, address->get(), &raw);
  if (!listener_) {
    const ErrorPtr error{raw};
    const std::string where = settings.host + ":" + std::to_string(settings.port);
    if (g_error_matches(raw, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
      return Error("Port " + std::to_string(settings.port) + " on " + settings.host +
                       " is in use by another program; stop that one, or set the property port to "
                       "another number (0 takes any that is free).",
                   raw->message);
    if (g_error_matches(raw, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
      return Error("Not permitted to listen on " + where + "; set the property port to 1024 or above.",
                   raw->message);
    return Error("Cannot listen on " + where +
                     "; set the properties host and port to an address of this "
                     "machine and a free port.",
                 raw->message);
  }
  port_ = listener_->port();
  origins_ = std::make_unique<OriginPolicy>(settings.allowed_origins, is_loopback(address->get()));
  max_viewers_ = settings.max_viewers;
  loop_.every(kLivenessPeriodMs, [this, alive = alive_] { return *alive && check_liveness(); });
  return {};
}

// Before the body: nothing here takes one, so none is kept.
void Server::on_early_request(SoupServer*, SoupServerMessage* message, const char*, GHashTable*, gpointer) {
  soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
}

void Server::on_request(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                        gpointer self) {
  static_cast<Server*>(self)->handle(message, path);
}

void Server::handle(SoupServerMessage* message, std::string_view path) {
  const std::string_view method = soup_server_message_get_method(message);
  if (method != "GET" && method != "HEAD") {
    respond_error(message, SOUP_STATUS_METHOD_NOT_ALLOWED, "method-not-allowed",
                  "Only GET and HEAD work here.");
    soup_message_headers_replace(soup_server_message_get_response_headers(message), "Allow", "GET, HEAD");
  } else if (path == "/healthz") {
    respond_json(message, SOUP_STATUS_OK, R"({"status":"ok"})");
    // Pages of other servers ask whether this one is there.
    soup_message_headers_replace(soup_server_message_get_response_headers(message),
                                 "Cross-Origin-Resource-Policy", "cross-origin");
  } else if (path == "/ws") {
    upgrade(message);
  } else {
    page_.serve(message, path);
  }
}

void Server::upgrade(SoupServerMessage* message) {
  SoupMessageHeaders* headers = soup_server_message_get_request_headers(message);
  const char* origin = soup_message_headers_get_one(headers, "Origin");
  const char* host = soup_message_headers_get_one(headers, "Host");
  if (!origins_->allows(origin ? origin : "", host ? host : "")) {
    respond_error(
        message, SOUP_STATUS_FORBIDDEN, Refusal{RefusalCode::origin_refused, {}}.name(),
        "Pages of this origin may not watch here; the property allowed-origins lists those that may.");
    return;
  }
  if (!soup_websocket_server_check_handshake(message, nullptr, nullptr, nullptr, nullptr)) {
    respond_error(message, kUpgradeRequired, "websocket-required", "/ws speaks WebSocket only.");
    soup_server_message_set_status(message, kUpgradeRequired, "Upgrade Required");
    soup_message_headers_replace(soup_server_message_get_response_headers(message), "Upgrade", "websocket");
    return;
  }
  set_common_headers(message);
  soup_message_headers_remove(soup_server_message_get_response_headers(message), "Connection");
  if (soup_websocket_server_process_handshake(message, nullptr, nullptr, nullptr, nullptr))
    g_signal_connect(message, "wrote-informational", G_CALLBACK(on_upgraded), this);
}

void Server::on_upgraded(SoupServerMessage* message, gpointer data) {
  auto* self = static_cast<Server*>(data);
  GUri* uri = g_uri_ref(soup_server_message_get_uri(message));
  GIOStream* stream = soup_server_message_steal_connection(message);  // `message` may be gone after this
  if (stream) {
    never_time_out(stream);
    GList* extensions = g_list_append(nullptr, message_limit_new());
    SoupWebsocketConnection* socket = soup_websocket_connection_new(
        stream, uri, SOUP_WEBSOCKET_CONNECTION_SERVER, nullptr, nullptr, extensions);
    self->accept(socket, g_uri_get_query(uri));
    g_object_unref(socket);
    g_object_unref(stream);
  }
  g_uri_unref(uri);
}

Result<Visitor, Refusal> Server::read_query(const char* query) {
  Visitor visitor;
  GHashTable* fields = query ? soup_form_decode(query) : nullptr;
  const auto field = [fields](const char* name) -> std::string {
    const void* value = fields ? g_hash_table_lookup(fields, name) : nullptr;
    return value ? static_cast<const char*>(value) : "";
  };
  visitor.peer = field("peer");
  visitor.campaign = field("campaign");
  visitor.context = field("context");
  if (fields) g_hash_table_unref(fields);

  if (!visitor.peer.empty() && !is_valid_id(visitor.peer))
    return Refusal{RefusalCode::bad_id, "peer must be " + std::string(kIdRule)};
  if (!visitor.campaign.empty() && !is_valid_id(visitor.campaign))
    return Refusal{RefusalCode::bad_id, "campaign must be " + std::string(kIdRule)};
  if (visitor.context.size() > kMaxContextBytes)
    return Refusal{RefusalCode::bad_message,
                   "context may have at most " + std::to_string(kMaxContextBytes) + " bytes"};
  if (visitor.peer.empty()) visitor.peer = random_peer_id();
  return visitor;
}

void Server::accept(SoupWebsocketConnection* socket, const char* query) {
  auto visitor = read_query(query);
  const ConnectionId id = next_connection_++;
  Visitor who = visitor ? *visitor : Visitor{};
  who.connection = id;

  // Not even worth an answer.
  if (closing_ || connections_.size() >= max_viewers_ + kMaxRefusedConnections) return;

  Peer& peer = connections_[id];
  peer.connection = std::make_unique<Connection>(socket, who, loop_.context());
  peer.connection->open({[this, id](ViewerMessage message) { delegate_.received(id, std::move(message)); },
                         [this, id, alive = alive_] {
                           leave(id);
                           loop_.post([this, id, alive] {
                             if (*alive) forget(id);
                           });
                         }});

  if (visitor)
    admit(id);
  else
    peer.connection->refuse(visitor.error());
}

void Server::admit(ConnectionId id) {
  Peer& peer = connections_.at(id);
  Visitor who = peer.connection->visitor();
  // The newer connection is the one a reloading browser still looks at.
  unsigned viewers = 0;
  std::vector<ConnectionId> older;
  for (const auto& [other, entry] : connections_) {
    if (other < id && (entry.arrived || entry.waiting) && entry.connection->visitor().peer == who.peer)
      older.push_back(other);
    else if (entry.arrived)
      ++viewers;
  }
  const bool has_waited = std::exchange(peer.waiting, std::nullopt).has_value();
  if (viewers >= max_viewers_) {
    peer.connection->refuse({RefusalCode::too_many_viewers,
                             "all " + std::to_string(max_viewers_) + " places are taken; try again later"});
    return;
  }
  auto admission = delegate_.admit(who);
  if (auto* refusal = std::get_if<Refusal>(&admission)) {
    peer.connection->refuse(*refusal);
    return;
  }
  for (ConnectionId other : older) bye(other, "replaced", 4409);
  if (auto* wait = std::get_if<Wait>(&admission)) {
    peer.waiting = std::move(*wait);
    if (has_waited) return;
    peer.waiting_since = g_get_monotonic_time();
    peer.connection->send(to_json(Waiting{who.campaign}));
    delegate_.waits(who);
    return;
  }
  const Welcome& welcome = std::get<Welcome>(admission);
  peer.connection->send(to_json(welcome));
  peer.arrived = true;
  who.campaign = welcome.campaign;
  delegate_.arrived(who, welcome);
}

void Server::readmit() {
  std::vector<ConnectionId> waiting;
  for (const auto& [id, peer] : connections_)
    if (peer.waiting && !peer.connection->is_closing()) waiting.push_back(id);
  for (ConnectionId id : waiting) admit(id);
}

std::optional<ConnectionId> Server::find(std::string_view peer) const {
  for (auto entry = connections_.rbegin(); entry != connections_.rend(); ++entry)
    if ((entry->second.arrived || entry->second.waiting) && !entry->second.connection->is_closing() &&
        entry->second.connection->visitor().peer == peer)
      return entry->first;
  return std::nullopt;
}

void Server::send(ConnectionId connection, std::string text) {
  if (auto found = connections_.find(connection); found != connections_.end())
    found->second.connection->send(std::move(text));
}

void Server::refuse(ConnectionId connection, const Refusal& refusal) {
  if (auto found = connections_.find(connection); found != connections_.end())
    found->second.connection->refuse(refusal);
  leave(connection);
}

void Server::bye(ConnectionId connection, const std::string& reason, unsigned short close_code,
                 const std::string& url) {
  if (auto found = connections_.find(connection); found != connections_.end()) {
    found->second.connection->send(to_json(Bye{reason, url}));
    found->second.connection->close(close_code, reason);
  }
  leave(connection);
}

void Server::leave(ConnectionId connection) {
  auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  found->second.waiting.reset();
  if (std::exchange(found->second.arrived, false)) delegate_.left(connection);
}

void Server::forget(ConnectionId connection) {
  leave(connection);
  connections_.erase(connection);
}

bool Server::check_liveness() {
  const gint64 now = g_get_monotonic_time();
  std::vector<ConnectionId> silent, stuck;
  std::vector<std::pair<ConnectionId, Refusal>> tired;
  for (const auto& [id, peer] : connections_) {
    if (peer.connection->is_closing()) {
      if (now - peer.connection->closing_since() > kCloseGrace) stuck.push_back(id);
    } else if (now - peer.connection->last_heard() > kSilence) {
      silent.push_back(id);
    } else if (peer.waiting && now - peer.waiting_since > kWaitLimit) {
      tired.emplace_back(id, peer.waiting->otherwise);
    }
  }
  for (const auto& [id, otherwise] : tired) refuse(id, otherwise);
  for (ConnectionId id : stuck) forget(id);
  for (ConnectionId id : silent) bye(id, "timeout", 4408);
  // A connection that closed itself (too slow, too many messages) has still to be taken from the delegate.
  std::vector<ConnectionId> closing;
  for (const auto& [id, peer] : connections_)
    if (peer.connection->is_closing() && peer.arrived) closing.push_back(id);
  for (ConnectionId id : closing) leave(id);
  return true;
}

void Server::shut_down(const std::string& reason) {
  closing_ = true;
  listener_.reset();
  if (soup_) soup_server_disconnect(soup_);  // upgraded connections are no longer libsoup's
  std::vector<ConnectionId> all;
  for (const auto& [id, peer] : connections_) all.push_back(id);
  for (ConnectionId id : all) bye(id, reason, SOUP_WEBSOCKET_CLOSE_GOING_AWAY);
}

}  // namespace campaign::signalling
