// What the server says to a viewer, as types, and their JSON. Plain C++, any thread.
//
//   {"type":"welcome","version":1,"peer":…,"campaign":…,"campaigns":[…],"qualities":[…],
//    "iceServers":[{"urls":[…],"username":…,"credential":…}]}      first, once
//   {"type":"offer","sdp":…}   {"type":"ice","candidate":…,"sdpMLineIndex":0}
//   {"type":"quality","campaign":…,"quality":…,"reason":…,"estimate":0}     estimate in bit/s, 0: unknown
//   {"type":"stats",…}          each second
//   {"type":"choice","campaign":…,"campaigns":[…],"qualities":[…]}     what the viewer may subscribe to, when
//                               that is no longer what the welcome said
//   {"type":"waiting","campaign":…}     instead of a welcome: the campaign is being started; a welcome, an
//                               error or a bye follows
//   {"type":"campaign:state:v1:update","campaign_id":…,"revision":1,"state":{…}}     of the campaign that the
//                               viewer watches: the whole of it on joining, and on every change, in order
//   {"type":"servers","urls":[…]}     other servers that show the same campaigns, should this one be gone:
//                               on joining, and whenever they change
//   {"type":"error","code":…,"message":…}     {"type":"bye","reason":…}     {"type":"pong"}
//   an unknown-campaign error also has "campaigns":[…], those that are served
// `bye` reasons: "replaced" (a newer connection took this peer id), "stopped" (the server or the campaign
// ends), "timeout" (the viewer went silent), "error" (an `error` said why), "removed" (by whoever runs the
// server), "moved" (watch at "url", the address of another server's page, instead).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "signalling/refusal.hpp"
#include "signalling/viewer_message.hpp"

namespace campaign::signalling {

inline constexpr int kProtocolVersion = 1;

struct IceServer {
  std::vector<std::string> urls;  // as RTCIceServer wants them: "stun:host:port"
  std::string username, credential;
};

struct Welcome {
  std::string peer, campaign;
  std::vector<std::string> campaigns, qualities;
  std::vector<IceServer> ice_servers;
};

struct Choice {
  std::string campaign;  // whose qualities these are
  std::vector<std::string> campaigns, qualities;
};

struct Offer {
  std::string sdp;
};

struct QualityChange {
  std::string campaign, quality, reason;
  std::uint64_t estimate = 0;  // bit/s
};

struct ServerStats {
  std::string campaign, quality, codec, encoder;
  unsigned viewers = 0;       // of this campaign
  std::uint64_t bitrate = 0;  // bit/s, as encoded, over the last second
  double framerate = 0;       // as encoded, over the last second
  int width = 0, height = 0;
  std::uint64_t dropped = 0;     // frames withheld from this viewer because it was too slow
  std::uint64_t key_frames = 0;  // encoded so far
  double connected_seconds = 0;  // since this viewer's media connection was up
  std::uint64_t estimate = 0;    // bit/s, what this viewer's network carries; 0: unknown
  bool too_slow = false;         // for the lowest quality
  // The server cannot keep up: it draws fewer particles, of so many, or fewer pictures a second.
  bool busy = false;
  std::uint32_t particles = 0, all_particles = 0;  // 0: it is video
  double framerate_limit = 0, full_framerate = 0;
};

struct Waiting {
  std::string campaign;
};

struct CampaignState {
  std::string campaign;
  std::uint64_t revision = 0;
  std::string state;  // a JSON object
};

struct Servers {
  std::vector<std::string> urls;  // of their pages
};

struct Bye {
  std::string reason;
  std::string url = {};  // of "moved" only
};

struct Pong {};

std::string to_json(const Welcome& message);
std::string to_json(const Choice& message);
std::string to_json(const Offer& message);
std::string to_json(const IceCandidate& message);
std::string to_json(const QualityChange& message);
std::string to_json(const ServerStats& message);
std::string to_json(const Waiting& message);
std::string to_json(const CampaignState& message);
std::string to_json(const Refusal& message);
std::string to_json(const Servers& message);
std::string to_json(const Bye& message);
std::string to_json(const Pong& message);

}  // namespace campaign::signalling
