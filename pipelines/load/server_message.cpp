// See server_message.hpp.
#include "pipelines/load/server_message.hpp"

#include <nlohmann/json.hpp>

#include "util/id.hpp"

namespace campaign::load {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBytes = 256 * 1024;
constexpr std::size_t kMaxEntries = 1000;
constexpr std::size_t kMaxText = 500;

std::string string(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

// For people, on a terminal: no control characters, and not without end.
std::string words(const json& object, const char* name) {
  std::string text = string(object, name).substr(0, kMaxText);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

std::string id(const json& object, const char* name) {
  std::string value = string(object, name);
  return is_valid_id(value) ? value : std::string{};
}

// Those entries of an array that are fit for use, and not without end.
std::vector<std::string> strings(const json& object, const char* name, bool (*fit)(std::string_view)) {
  std::vector<std::string> values;
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array()) return values;
  for (const json& entry : *found)
    if (entry.is_string() && values.size() < kMaxEntries && fit(entry.get_ref<const std::string&>()))
      values.push_back(entry.get<std::string>());
  return values;
}

std::vector<std::string> ids(const json& object, const char* name) {
  return strings(object, name, is_valid_id);
}

Choice choice(const json& object) {
  return {id(object, "campaign"), ids(object, "campaigns"), ids(object, "qualities")};
}

bool is_short(std::string_view text) { return text.size() <= kMaxText; }

}  // namespace

std::optional<ServerMessage> parse_server_message(std::string_view text) {
  if (text.size() > kMaxBytes) return std::nullopt;
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return std::nullopt;
  const std::string type = string(object, "type");
  if (type.empty()) return std::nullopt;
  if (type == "welcome") return Welcome{id(object, "peer"), choice(object)};
  if (type == "choice") return choice(object);
  if (type == "offer") return OfferMessage{string(object, "sdp")};
  if (type == "ice") return CandidateMessage{string(object, "candidate")};
  if (type == "quality") return QualityMessage{id(object, "campaign"), id(object, "quality")};
  if (type == "error") return ErrorMessage{words(object, "code"), words(object, "message")};
  if (type == "bye") return ByeMessage{words(object, "reason"), words(object, "url")};
  if (type == "servers") return ServersMessage{strings(object, "urls", is_short)};
  if (type == "campaign:state:v1:update") {
    const auto revision = object.find("revision");
    return StateMessage{id(object, "campaign_id"), revision != object.end() && revision->is_number_unsigned()
                                                       ? revision->get<std::uint64_t>()
                                                       : 0};
  }
  return OtherMessage{};
}

}  // namespace campaign::load
