// See envelope.hpp.
#include "events/envelope.hpp"

#include <algorithm>
#include <cmath>

#include "util/id.hpp"
#include "util/json_reader.hpp"

namespace campaign::events {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kRoot = "the event";
constexpr JsonLimits kLimits{kMaxEnvelopeBytes, kMaxEnvelopeDepth};
constexpr std::int64_t kMaxTimestamp = 253'402'300'799'999;  // the end of the year 9999

bool is_word(std::string_view word) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !word.empty() && letter(word.front()) &&
         std::ranges::all_of(word, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

bool is_version(std::string_view word) {
  return word.size() >= 2 && word.size() <= 4 && word[0] == 'v' && word[1] != '0' &&
         std::ranges::all_of(word.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_context(std::string_view text) {
  return text.size() <= kMaxContextBytes &&
         std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

std::string shown(std::string_view text) {
  return Json(text.substr(0, 64)).dump(-1, ' ', true, Json::error_handler_t::replace);
}

// What is checked whichever way an envelope goes.
std::optional<Error> broken_rule(const Envelope& envelope) {
  if (!is_event_type(envelope.type)) return Error::invalid("type", kTypeRule, shown(envelope.type));
  if (!is_valid_id(envelope.campaign_id))
    return Error::invalid("campaign_id", kIdRule, shown(envelope.campaign_id));
  if (envelope.timestamp < 0 || envelope.timestamp > kMaxTimestamp)
    return Error::invalid("timestamp", "milliseconds since 1970", std::to_string(envelope.timestamp));
  if (!envelope.data.is_object()) return Error::invalid("data", "an object", envelope.data.type_name());
  if (!is_context(envelope.context))
    return Error::invalid("context", "a text of at most 128 bytes without control characters",
                          shown(envelope.context));
  return std::nullopt;
}

}  // namespace

bool is_event_type(std::string_view type) {
  if (type.size() > kMaxTypeBytes) return false;
  std::string_view words[4];
  for (int i = 0; i < 4; ++i) {
    const std::size_t colon = type.find(':');
    if ((colon == type.npos) != (i == 3)) return false;
    words[i] = type.substr(0, colon);
    type.remove_prefix(i == 3 ? type.size() : colon + 1);
  }
  return is_word(words[0]) && is_word(words[1]) && is_version(words[2]) && is_word(words[3]);
}

Result<Envelope> parse_envelope(std::string_view text) {
  Result<Json> json = parse_json(text, kRoot, kLimits);
  if (!json) return json.error();
  if (!json->is_object()) return Error::invalid(kRoot, "a JSON object", json->type_name());

  std::optional<Error> error;
  JsonReader reader(*json, kRoot, "", error);
  reader.allow({"type", "campaign_id", "timestamp", "data", "context"});
  Envelope envelope;
  for (const auto& [name, to, required] :
       {std::tuple{"type", &envelope.type, true}, std::tuple{"campaign_id", &envelope.campaign_id, true},
        std::tuple{"context", &envelope.context, false}}) {
    const Json* member = reader.find(name);
    if (member && member->is_string()) {
      *to = member->get<std::string>();
    } else if (member || required) {
      reader.fail(name, "a text", member ? *member : Json("missing"));
    }
  }
  if (const Json* timestamp = reader.find("timestamp"); timestamp && timestamp->is_number_integer()) {
    // as a double it does not wrap
    envelope.timestamp = std::int64_t(std::clamp(timestamp->get<double>(), -1.0, double(kMaxTimestamp) + 1));
  } else {
    reader.fail("timestamp", "a whole number", timestamp ? *timestamp : Json("missing"));
  }
  if (!error) {
    if (auto data = json->find("data"); data != json->end())
      envelope.data = std::move(*data);
    else
      reader.fail("data", "an object", Json("missing"));
  }
  if (!error) error = broken_rule(envelope);
  if (error) return *error;
  return envelope;
}

Result<std::string> to_json(const Envelope& envelope) {
  if (auto error = broken_rule(envelope)) return *error;
  Json json{{"type", envelope.type},
            {"campaign_id", envelope.campaign_id},
            {"timestamp", envelope.timestamp},
            {"data", envelope.data}};
  if (!envelope.context.empty()) json["context"] = envelope.context;
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  // The reader's own bounds, on the text that would be read.
  if (Result<Json> again = parse_json(text, kRoot, kLimits); !again) return again.error();
  return text;
}

}  // namespace campaign::events
