// What campaign-load is asked to do. Plain C++ and GLib's option parser, any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipelines/load/media/time.hpp"
#include "util/result.hpp"

namespace campaign::load {

struct Options {
  std::string address;  // as it was given
  std::string url;      // of the WebSocket
  unsigned viewers = 1;
  double join_rate = 10;                          // joins a second
  Time duration = 10s;                            // from when every viewer has seen a frame, or will not
  std::optional<Time> switch_every, leave_every;  // on average, for each viewer
  Time wait{};                                    // for a server that may still be starting
  std::uint64_t seed = 1;
  unsigned decoding = 0;  // how many viewers decode
  unsigned threads = 1;
  std::string json;  // a file, "-" for standard output, empty for none
  bool insecure = false;
  bool follow = false;  // to where the server sends, and to others when it is gone
};

struct ParsedOptions {
  std::optional<Options> options;
  std::string help;  // when that was asked for, and there are no options
};

// `arguments` without the program's name.
Result<ParsedOptions> parse_options(const std::vector<std::string>& arguments);

// "http://host:8080/?campaign=0" and "ws://host:8080/ws?campaign=0" →
// "ws://host:8080/ws?campaign=0&context=…"
Result<std::string> websocket_url(const std::string& address);

// The WebSocket of another server, at `to`, for what is watched at the WebSocket `from`.
Result<std::string> moved_url(const std::string& to, const std::string& from);

}  // namespace campaign::load
