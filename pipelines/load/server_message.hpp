// What a server says to a viewer, as far as a load generator listens; DESIGN.md's signalling, read from
// hostile text. Plain C++, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pipelines/load/choice.hpp"

namespace campaign::load {

struct Welcome {
  std::string peer;
  Choice choice;
};
struct OfferMessage {
  std::string sdp;
};
struct CandidateMessage {
  std::string candidate;
};
struct QualityMessage {
  std::string campaign, quality;
};
struct ErrorMessage {
  std::string code, message;
};
struct ByeMessage {
  std::string reason;
  std::string url;  // of "moved": the page of another server
};
struct ServersMessage {
  std::vector<std::string> urls;  // whom to turn to when this server is gone
};
struct StateMessage {
  std::string campaign;
  std::uint64_t revision = 0;
};
struct OtherMessage {};  // statistics, and what later versions add

using ServerMessage = std::variant<Welcome, Choice, OfferMessage, CandidateMessage, QualityMessage,
                                   ErrorMessage, ByeMessage, ServersMessage, StateMessage, OtherMessage>;

// Nothing when the text is no message at all.
std::optional<ServerMessage> parse_server_message(std::string_view text);

}  // namespace campaign::load
