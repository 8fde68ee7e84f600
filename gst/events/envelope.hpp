// What every event travels in: {"type", "campaign_id", "timestamp", "data"} and an optional "context".
// Written by us and by others, so it is read strictly and within bounds. Pure functions.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "util/result.hpp"

namespace campaign::events {

inline constexpr std::size_t kMaxEnvelopeBytes =
    128 * 1024;                               // a whole campaign's state and what is around it
inline constexpr int kMaxEnvelopeDepth = 20;  // levels of nesting
inline constexpr std::size_t kMaxTypeBytes = 128;
inline constexpr std::size_t kMaxContextBytes = 128;
inline constexpr std::string_view kTypeRule =
    "<thing>:<action>:v<n>:<kind> of at most 128 characters, each word of a-z 0-9 - from a letter on, n from "
    "1 to 999";

// As in particle:update:v1:stream and campaign:state:v1:update.
bool is_event_type(std::string_view type);

struct Envelope {
  std::string type;
  std::string campaign_id;
  std::int64_t timestamp = 0;  // milliseconds since 1970 in UTC, when what is told happened
  nlohmann::json data = nlohmann::json::object();
  std::string context;  // why those concerned are here; empty: nobody in particular

  friend bool operator==(const Envelope&, const Envelope&) = default;
};

// Refused: unknown, missing or repeated members, wrong types, whatever breaks a rule or bound above.
Result<Envelope> parse_envelope(std::string_view json);

// Refused by the same rules, so that nobody sends what nobody would read.
Result<std::string> to_json(const Envelope& envelope);

}  // namespace campaign::events
