// See ice_server.hpp. Credentials never reach an error text or a log line.
#include "viewer/ice/ice_server.hpp"

#include <string_view>

#include "util/glib_ptr.hpp"

namespace campaign::viewer {
namespace {

std::string or_empty(const char* text) { return text ? text : ""; }

// RFC 7065, section 3.1, knows one parameter.
bool read_query(std::string_view query, std::string& transport) {
  if (query.empty()) return true;
  if (query != "transport=udp" && query != "transport=tcp") return false;
  transport = query.substr(query.size() - 3);
  return true;
}

}  // namespace

std::optional<IceServer> parse_ice_server(const std::string& text, const std::string& scheme) {
  const UriPtr uri{g_uri_parse(text.c_str(), G_URI_FLAGS_HAS_PASSWORD, nullptr)};
  if (!uri) return std::nullopt;
  IceServer server;
  server.scheme = g_uri_get_scheme(uri.get());
  server.host = or_empty(g_uri_get_host(uri.get()));
  server.username = or_empty(g_uri_get_user(uri.get()));
  server.password = or_empty(g_uri_get_password(uri.get()));
  if (g_uri_get_port(uri.get()) > 0) server.port = unsigned(g_uri_get_port(uri.get()));
  const bool turn = scheme == "turn";
  if (server.scheme != scheme && !(turn && server.scheme == "turns")) return std::nullopt;
  if (server.host.empty() || !read_query(or_empty(g_uri_get_query(uri.get())), server.transport))
    return std::nullopt;
  if (turn && (server.username.empty() || server.password.empty())) return std::nullopt;
  return server;
}

unsigned IceServer::port_or_default() const {
  if (port != 0) return port;
  return scheme == "turns" ? 5349 : 3478;  // RFC 7064, section 3.2, and RFC 7065, section 3.2
}

std::string IceServer::url() const {
  const bool is_v6 = host.find(':') != host.npos;
  std::string text = scheme + ":" + (is_v6 ? "[" + host + "]" : host);
  if (port != 0) text += ":" + std::to_string(port);
  if (!transport.empty()) text += "?transport=" + transport;
  return text;
}

}  // namespace campaign::viewer
