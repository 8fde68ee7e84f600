// See address.hpp.
#include "events/redis/address.hpp"

#include <charconv>
#include <optional>

namespace campaign::events::redis {
namespace {

constexpr std::string_view kForms =
    "redis://[[user]:password@]host[:port][/database] or unix:///path[?db=database]";
constexpr std::size_t kMaxUrlBytes = 1024;
constexpr std::size_t kMaxSocketPath = 107;  // sockaddr_un's, less the NUL

Error wrong(std::string_view what) {
  return Error("the Redis URL must be " + std::string(kForms) + ": " + std::string(what));
}

std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      unsigned byte = 0;
      const char* digits = text.data() + i + 1;
      if (i + 2 >= text.size() || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
        return std::nullopt;
      c = char(byte);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    plain.push_back(c);
  }
  return plain;
}

Result<Address> parse_socket(std::string_view rest) {
  Address address;
  if (const std::size_t query = rest.find('?'); query != rest.npos) {
    const std::string_view wish = rest.substr(query + 1);
    const auto database = wish.starts_with("db=") ? number(wish.substr(3), 65535) : std::nullopt;
    if (!database) return wrong("the only thing after '?' is db=<number>");
    address.database = *database;
    rest = rest.substr(0, query);
  }
  const auto path = decoded(rest);
  if (!path || !path->starts_with('/') || path->size() < 2 || path->size() > kMaxSocketPath)
    return wrong("the socket's path begins with '/' and has at most 107 bytes");
  address.socket = *path;
  return address;
}

}  // namespace

std::string Address::shown() const {
  if (!socket.empty()) return "unix://" + socket;
  const bool ipv6 = host.find(':') != host.npos;
  return "redis://" + (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Address> parse_url(std::string_view url) {
  if (url.size() > kMaxUrlBytes) return wrong("it is longer than 1024 bytes");
  constexpr std::string_view kTcp = "redis://", kUnix = "unix://";
  if (url.starts_with(kUnix)) return parse_socket(url.substr(kUnix.size()));
  if (url.starts_with("rediss://"))
    return wrong("TLS is not supported; put a TLS proxy or a private network between");
  if (!url.starts_with(kTcp)) return wrong("it begins with neither redis:// nor unix://");

  Address address;
  std::string_view rest = url.substr(kTcp.size());
  if (const std::size_t slash = rest.find('/'); slash != rest.npos) {
    if (const std::string_view text = rest.substr(slash + 1); !text.empty()) {
      const auto database = number(text, 65535);
      if (!database) return wrong("the database is a number");
      address.database = *database;
    }
    rest = rest.substr(0, slash);
  }
  if (const std::size_t at = rest.rfind('@'); at != rest.npos) {
    const std::string_view login = rest.substr(0, at);
    const std::size_t colon = login.find(':');
    if (colon == login.npos) return wrong("a password comes after ':'");
    const auto user = decoded(login.substr(0, colon)), password = decoded(login.substr(colon + 1));
    if (!user || !password || password->empty()) return wrong("user and password are percent-encoded");
    address.user = *user;
    address.password = *password;
    rest = rest.substr(at + 1);
  }
  std::string_view host = rest, port;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == rest.npos) return wrong("an IPv6 address ends with ']'");
    host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
  } else if (const std::size_t colon = rest.find(':'); colon != rest.npos) {
    host = rest.substr(0, colon);
    port = rest.substr(colon);
  }
  if (!port.empty()) {
    const auto value = port.starts_with(':') ? number(port.substr(1), 65535) : std::nullopt;
    if (!value || *value == 0) return wrong("the port is a number from 1 to 65535");
    address.port = static_cast<unsigned short>(*value);
  }
  const bool printable =
      host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%") ==
      host.npos;
  if (host.empty() || host.size() > 253 || !printable) return wrong("the host is a name or an address");
  address.host = host;
  return address;
}

}  // namespace campaign::events::redis
