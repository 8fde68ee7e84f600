// A STUN or TURN server as users write it: "stun://host:port",
// "turn(s)://user:password@host:port?transport=udp". Any thread.
#pragma once

#include <optional>
#include <string>

namespace campaign::viewer {

struct IceServer {
  std::string scheme;  // "stun", "turn" or "turns"
  std::string host;    // a name or an address, without brackets
  unsigned port = 0;   // 0: the scheme's own
  std::string username, password;
  std::string transport;  // to a TURN server: "udp", "tcp", or empty for either

  unsigned port_or_default() const;
  std::string url() const;  // as RTCIceServer wants it
};

// Nothing if it is no server of `scheme` ("turn" includes "turns"), or a TURN server without credentials.
std::optional<IceServer> parse_ice_server(const std::string& text, const std::string& scheme);

}  // namespace campaign::viewer
