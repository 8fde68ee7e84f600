// ICE settings as users type them, for webrtcbin and for the browser. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "signalling/server_message.hpp"
#include "util/result.hpp"

namespace campaign::viewer {

struct IceSettings {
  std::string stun_server;                // "stun://host:port", or empty
  std::vector<std::string> turn_servers;  // "turn(s)://user:password@host:port?transport=udp"
  unsigned min_port = 0, max_port = 0;    // of UDP; 0: any
};

// "a, b" → {"a", "b"}
std::vector<std::string> split_list(std::string_view text);

Result<void> check_ice(const IceSettings& settings);

// The same servers as the browser's RTCIceServer. `settings` passed check_ice().
std::vector<signalling::IceServer> browser_ice_servers(const IceSettings& settings);

// Whether this machine has no address but its own: ICE leaves that one out unless it is told to use it.
bool only_loopback();

}  // namespace campaign::viewer
