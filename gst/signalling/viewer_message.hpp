// What a viewer may say, as types, and the parser that lets nothing else through.
// Plain C++, no I/O and no state: any thread.
//
// One JSON object per WebSocket text message, at most 64 KiB, told apart by "type":
//   {"type":"answer","sdp":"v=0…"}
//   {"type":"ice","candidate":"candidate:…","sdpMLineIndex":0}     an empty candidate ends the list
//   {"type":"subscribe","campaign":"0","quality":"auto"}           quality: "auto" or a rung
//   {"type":"control","event":"mouse-move","x":0.5,"y":0.5}        x, y: 0..1 over the video
//   {"type":"control","event":"mouse-button-press","x":…,"y":…,"button":1}       likewise …-release
//   {"type":"control","event":"mouse-scroll","x":…,"y":…,"dx":0,"dy":-1}
//   {"type":"stats","fps":29.9,…}                                  numbers only, at most 32
//   {"type":"ping"}
// Unknown fields are ignored, so that newer pages work with older servers.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "signalling/refusal.hpp"
#include "util/result.hpp"

namespace campaign::signalling {

inline constexpr std::size_t kMaxMessageBytes = 64 * 1024;
inline constexpr std::size_t kMaxNesting = 16;

struct Answer {
  std::string sdp;
};

struct IceCandidate {  // also sent by the server
  std::string candidate;
  unsigned sdp_m_line_index = 0;
};

struct Subscribe {
  std::string campaign;
  std::string quality;
};

struct Pointer {
  enum class Event { move, press, release, scroll };
  Event event = Event::move;
  double x = 0, y = 0;    // 0..1 over the video
  int button = 0;         // 1 left, 2 middle, 3 right; press and release only
  double dx = 0, dy = 0;  // scroll only, in notches; as GstNavigation counts them
};

struct ViewerStats {
  std::map<std::string, double> numbers;
};

struct Ping {};

using ViewerMessage = std::variant<Answer, IceCandidate, Subscribe, Pointer, ViewerStats, Ping>;

Result<ViewerMessage, Refusal> parse_viewer_message(std::string_view text);

}  // namespace campaign::signalling
