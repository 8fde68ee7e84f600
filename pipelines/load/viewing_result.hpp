// What one viewing, from joining to leaving, came to. Plain C++.
#pragma once

#include <string>
#include <vector>

#include "pipelines/load/media/reception.hpp"

namespace campaign::load {

// Times are since the viewer began to join, before its WebSocket was opened.
struct ViewingResult {
  unsigned viewer = 0;
  std::optional<Time> offered;      // the server has made its offer: what came before is its own time
  std::optional<Time> joined;       // media can flow: ICE, DTLS and SRTP are up
  std::optional<Time> first_frame;  // complete, and decodable
  Time lasted{};
  // Datagrams of media that came before the keys to read them, and those that the keys do not open.
  std::uint64_t early = 0, unreadable = 0;
  ReceptionCounters media;
  std::string peer;
  std::string failure;               // empty: none
  std::string server;                // scheme, host and port
  std::string followed_by;           // why another viewing of this viewer follows; empty: none does
  std::optional<Time> away;          // from the last frame of the viewing before to the first of this one
  std::uint64_t revision = 0;        // of the campaign's state, as told last; 0: none
  std::uint64_t revisions_back = 0;  // times that it did not grow
  std::uint64_t switches_asked = 0, switches_refused = 0;
  std::uint64_t campaign_switches = 0;  // of the switches: to another campaign
  std::vector<Time> switches;           // from `subscribe` to the server's `quality`
  bool decodes = false;
  std::uint64_t decoded = 0, decode_errors = 0;
  int width = 0, height = 0;  // of the last decoded picture

  double frame_rate() const {  // 0 when there were not two frames
    if (media.frames < 2 || *media.last_frame <= *media.first_frame) return 0;
    return double(media.frames - 1) / seconds(*media.last_frame - *media.first_frame);
  }
};

}  // namespace campaign::load
