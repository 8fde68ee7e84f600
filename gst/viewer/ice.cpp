// See ice.hpp. Credentials never reach an error text or a log line.
#include "viewer/ice.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>

#include <memory>

#include "viewer/ice/ice_server.hpp"

namespace campaign::viewer {

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  constexpr std::string_view kBlank = " \t\r\n";
  while (!text.empty()) {
    const auto comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    text = comma == text.npos ? std::string_view{} : text.substr(comma + 1);
    const auto first = part.find_first_not_of(kBlank);
    if (first == part.npos) continue;
    parts.emplace_back(part.substr(first, part.find_last_not_of(kBlank) - first + 1));
  }
  return parts;
}

Result<void> check_ice(const IceSettings& settings) {
  if (!settings.stun_server.empty() && !parse_ice_server(settings.stun_server, "stun"))
    return Error::invalid("The property stun-server", "like stun://host:port",
                          "\"" + settings.stun_server + "\"");
  for (std::size_t i = 0; i < settings.turn_servers.size(); ++i) {
    if (!parse_ice_server(settings.turn_servers[i], "turn"))
      return Error::invalid("Entry " + std::to_string(i + 1) + " of the property turn-servers",
                            "like turn://user:password@host:port", "what was given");
  }
  if (settings.max_port != 0 && settings.min_port > settings.max_port)
    return Error::invalid("The property ice-min-port",
                          "at most ice-max-port, " + std::to_string(settings.max_port),
                          std::to_string(settings.min_port));
  return {};
}

std::vector<signalling::IceServer> browser_ice_servers(const IceSettings& settings) {
  std::vector<signalling::IceServer> servers;
  const auto add = [&](const std::string& text, const char* scheme) {
    if (auto server = parse_ice_server(text, scheme))
      servers.push_back({{server->url()}, server->username, server->password});
  };
  if (!settings.stun_server.empty()) add(settings.stun_server, "stun");
  for (const std::string& turn : settings.turn_servers) add(turn, "turn");
  return servers;
}

bool only_loopback() {
  ifaddrs* raw = nullptr;
  if (getifaddrs(&raw) != 0) return false;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(raw, freeifaddrs);
  for (const ifaddrs* at = list.get(); at; at = at->ifa_next) {
    const bool address =
        at->ifa_addr && (at->ifa_addr->sa_family == AF_INET || at->ifa_addr->sa_family == AF_INET6);
    if (address && (at->ifa_flags & IFF_UP) && !(at->ifa_flags & IFF_LOOPBACK)) return false;
  }
  return true;
}

}  // namespace campaign::viewer
