// Serialises the server's messages. Text that came from outside may be broken UTF-8: it is repaired, since
// an exception or an invalid frame would end the connection it was meant to explain.
#include "signalling/server_message.hpp"

#include <nlohmann/json.hpp>

namespace campaign::signalling {
namespace {

using nlohmann::json;

std::string dump(const json& object) { return object.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

std::string to_json(const Welcome& message) {
  json servers = json::array();
  for (const IceServer& server : message.ice_servers) {
    json entry{{"urls", server.urls}};
    if (!server.username.empty()) entry["username"] = server.username;
    if (!server.credential.empty()) entry["credential"] = server.credential;
    servers.push_back(std::move(entry));
  }
  return dump({{"type", "welcome"},
               {"version", kProtocolVersion},
               {"peer", message.peer},
               {"campaign", message.campaign},
               {"campaigns", message.campaigns},
               {"qualities", message.qualities},
               {"iceServers", std::move(servers)}});
}

std::string to_json(const Choice& message) {
  return dump({{"type", "choice"},
               {"campaign", message.campaign},
               {"campaigns", message.campaigns},
               {"qualities", message.qualities}});
}

std::string to_json(const Offer& message) { return dump({{"type", "offer"}, {"sdp", message.sdp}}); }

std::string to_json(const IceCandidate& message) {
  return dump(
      {{"type", "ice"}, {"candidate", message.candidate}, {"sdpMLineIndex", message.sdp_m_line_index}});
}

std::string to_json(const QualityChange& message) {
  return dump({{"type", "quality"},
               {"campaign", message.campaign},
               {"quality", message.quality},
               {"reason", message.reason},
               {"estimate", message.estimate}});
}

std::string to_json(const ServerStats& message) {
  json busy = nullptr;
  if (message.busy) {
    busy = {{"framerate", message.framerate_limit}, {"fullFramerate", message.full_framerate}};
    if (message.all_particles > 0) {
      busy["particles"] = message.particles;
      busy["allParticles"] = message.all_particles;
    }
  }
  return dump({{"type", "stats"},
               {"campaign", message.campaign},
               {"quality", message.quality},
               {"viewers", message.viewers},
               {"bitrate", message.bitrate},
               {"framerate", message.framerate},
               {"width", message.width},
               {"height", message.height},
               {"codec", message.codec},
               {"encoder", message.encoder},
               {"dropped", message.dropped},
               {"keyFrames", message.key_frames},
               {"connectedSeconds", message.connected_seconds},
               {"estimate", message.estimate},
               {"tooSlow", message.too_slow},
               {"busy", std::move(busy)}});
}

std::string to_json(const Refusal& message) {
  json error{{"type", "error"}, {"code", message.name()}, {"message", message.message}};
  if (!message.campaigns.empty()) error["campaigns"] = message.campaigns;
  return dump(error);
}

std::string to_json(const Waiting& message) {
  return dump({{"type", "waiting"}, {"campaign", message.campaign}});
}

// The state is passed on as it is, rather than read and written again for every update.
std::string to_json(const CampaignState& message) {
  std::string text = dump({{"type", "campaign:state:v1:update"},
                           {"campaign_id", message.campaign},
                           {"revision", message.revision}});
  text.back() = ',';
  return text.append("\"state\":").append(message.state).append("}");
}

std::string to_json(const Servers& message) { return dump({{"type", "servers"}, {"urls", message.urls}}); }

std::string to_json(const Bye& message) {
  json bye{{"type", "bye"}, {"reason", message.reason}};
  if (!message.url.empty()) bye["url"] = message.url;
  return dump(bye);
}

std::string to_json(const Pong&) { return dump({{"type", "pong"}}); }

}  // namespace campaign::signalling
