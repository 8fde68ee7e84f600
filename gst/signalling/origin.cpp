// See origin.hpp.
#include "signalling/origin.hpp"

#include <algorithm>

namespace campaign::signalling {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return out;
}

// "http://host:port" → "host:port", without the scheme's default port.
std::string authority(std::string_view origin) {
  std::string text = lower(origin);
  std::string_view default_port;
  if (text.starts_with("http://")) {
    default_port = ":80";
    text.erase(0, 7);
  } else if (text.starts_with("https://")) {
    default_port = ":443";
    text.erase(0, 8);
  }
  if (!default_port.empty() && text.ends_with(default_port)) text.resize(text.size() - default_port.size());
  return text;
}

std::string without_port(std::string_view host) {
  const auto bracket = host.rfind(']');
  const auto colon = host.rfind(':');
  if (colon != host.npos && (bracket == host.npos || colon > bracket)) host = host.substr(0, colon);
  return lower(host);
}

bool names_loopback(std::string_view host) {
  const std::string name = without_port(host);
  return name == "localhost" || name.ends_with(".localhost") || name == "[::1]" ||
         (name.starts_with("127.") && name.find_first_not_of("0123456789.") == name.npos);
}

// RFC 6454, section 6.1: scheme://host[:port], and nothing after that.
bool is_origin(std::string_view text) {
  if (text == "*" || text == "null") return true;
  const auto colon = text.find("://");
  if (colon == text.npos || colon == 0) return false;
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz", kDigits = "0123456789";
  const std::string scheme = lower(text.substr(0, colon)), host = lower(text.substr(colon + 3));
  const std::string in_scheme = std::string(kLetters) + std::string(kDigits) + "+-.";
  return scheme.find_first_not_of(in_scheme) == scheme.npos && !host.empty() &&
         host.find_first_of("/?#@*, ") == host.npos;
}

}  // namespace

Result<void> check_origins(const std::vector<std::string>& allowed, std::string_view name) {
  for (const std::string& origin : allowed)
    if (!is_origin(origin))
      return Error::invalid(name, "a list of origins like https://example.org, without a path, or *",
                            "\"" + origin + "\"");
  return {};
}

OriginPolicy::OriginPolicy(std::vector<std::string> allowed, bool bound_to_loopback)
    : loopback_(bound_to_loopback) {
  for (const std::string& origin : allowed) allowed_.push_back(lower(origin));
}

bool OriginPolicy::allows(std::string_view origin, std::string_view host) const {
  if (origin.empty()) return true;
  const std::string wanted = lower(origin);
  for (const std::string& allowed : allowed_)
    if (allowed == "*" || allowed == wanted) return true;
  // A foreign name that resolves to 127.0.0.1 (DNS rebinding) is its own "same origin": a server that
  // listens on loopback answers loopback's names only.
  if (loopback_ && !names_loopback(host)) return false;
  const std::string own = lower(host);
  const std::string theirs = authority(origin);
  return theirs == own || theirs + ":80" == own || theirs + ":443" == own;
}

}  // namespace campaign::signalling
