// Parses what viewers send. Every field is checked for presence, type and range before it is used; the
// nesting is measured before the JSON parser sees the text, so depth costs neither stack nor memory.
#include "signalling/viewer_message.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "util/id.hpp"

namespace campaign::signalling {
namespace {

using nlohmann::json;
using Parsed = Result<ViewerMessage, Refusal>;

constexpr std::size_t kMaxStats = 32;
constexpr std::size_t kMaxCandidateBytes = 2048;
constexpr unsigned kMaxMLines = 16;
constexpr int kMaxButton = 32;
constexpr double kMaxScroll = 1000;
constexpr std::size_t kMaxEcho = 40;  // of the viewer's own text, when an error quotes it

Refusal bad(std::string message) { return {RefusalCode::bad_message, std::move(message)}; }

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  out.append(text.substr(0, kMaxEcho));
  if (text.size() > kMaxEcho) out.append("…");
  return out.append("\"");
}

bool nests_too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxNesting) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

// Reads the fields of one message; the first one that does not fit is remembered and reported.
class Fields {
 public:
  Fields(const json& object, std::string type) : object_(object), type_(std::move(type)) {}

  std::string string(const char* name) {
    const auto* field = find(name);
    if (field && field->is_string()) return field->get<std::string>();
    refuse(name, "a string");
    return {};
  }

  std::string id(const char* name) {
    std::string value = string(name);
    if (!refusal_ && !is_valid_id(value))
      refusal_ = Refusal{RefusalCode::bad_id, type_ + "." + name + " must be " + std::string(kIdRule)};
    return value;
  }

  double number(const char* name, double low, double high) {
    const auto* field = find(name);
    const double value = field && field->is_number() ? field->get<double>() : NAN;
    if (value >= low && value <= high) return value;  // false for NaN
    refuse(name, "a number from " + pretty(low) + " to " + pretty(high));
    return 0;
  }

  int integer(const char* name, int low, int high) {
    const auto* field = find(name);
    if (field && field->is_number_integer()) {
      const double value = field->get<double>();  // exact or far outside: no 64-bit wrap
      if (value >= low && value <= high) return static_cast<int>(value);
    }
    refuse(name, "an integer from " + std::to_string(low) + " to " + std::to_string(high));
    return 0;
  }

  void refuse(const char* name, const std::string& expected) {
    if (!refusal_) refusal_ = bad(type_ + "." + name + " must be " + expected);
  }

  Parsed finish(ViewerMessage message) const {
    if (refusal_) return *refusal_;
    return message;
  }

 private:
  const json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }

  static std::string pretty(double value) { return std::to_string(static_cast<long>(value)); }

  const json& object_;
  std::string type_;
  std::optional<Refusal> refusal_;
};

Parsed parse_answer(Fields fields) {
  Answer answer{fields.string("sdp")};
  if (answer.sdp.empty()) fields.refuse("sdp", "a session description");
  if (answer.sdp.find('\0') != std::string::npos) fields.refuse("sdp", "text without NUL");
  return fields.finish(std::move(answer));
}

Parsed parse_ice(Fields fields) {
  IceCandidate ice{fields.string("candidate"),
                   static_cast<unsigned>(fields.integer("sdpMLineIndex", 0, kMaxMLines - 1))};
  const bool printable = std::all_of(ice.candidate.begin(), ice.candidate.end(),
                                     [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  if (ice.candidate.size() > kMaxCandidateBytes || !printable)
    fields.refuse("candidate", "at most 2048 characters of ASCII");
  return fields.finish(std::move(ice));
}

Parsed parse_subscribe(Fields fields) {
  Subscribe subscribe{fields.id("campaign"), fields.id("quality")};
  return fields.finish(std::move(subscribe));
}

Parsed parse_control(Fields fields) {
  Pointer pointer;
  const std::string event = fields.string("event");
  if (event == "mouse-move") {
    pointer.event = Pointer::Event::move;
  } else if (event == "mouse-button-press" || event == "mouse-button-release") {
    pointer.event = event == "mouse-button-press" ? Pointer::Event::press : Pointer::Event::release;
    pointer.button = fields.integer("button", 1, kMaxButton);
  } else if (event == "mouse-scroll") {
    pointer.event = Pointer::Event::scroll;
    pointer.dx = fields.number("dx", -kMaxScroll, kMaxScroll);
    pointer.dy = fields.number("dy", -kMaxScroll, kMaxScroll);
  } else {
    fields.refuse("event", "one of mouse-move, mouse-button-press, mouse-button-release, mouse-scroll");
  }
  pointer.x = fields.number("x", 0, 1);
  pointer.y = fields.number("y", 0, 1);
  return fields.finish(pointer);
}

Parsed parse_stats(const json& object) {
  ViewerStats stats;
  for (const auto& [name, value] : object.items()) {
    if (name == "type") continue;
    if (!is_valid_id(name)) return bad("the names in stats must be " + std::string(kIdRule));
    if (!value.is_number() || !std::isfinite(value.get<double>()))
      return bad("stats." + name + " must be a finite number");
    if (stats.numbers.size() == kMaxStats)
      return bad("stats may hold at most " + std::to_string(kMaxStats) + " numbers");
    stats.numbers.emplace(name, value.get<double>());
  }
  return ViewerMessage(std::move(stats));
}

}  // namespace

Parsed parse_viewer_message(std::string_view text) {
  if (text.size() > kMaxMessageBytes)
    return Refusal{RefusalCode::too_large,
                   "a message may have at most " + std::to_string(kMaxMessageBytes) + " bytes"};
  if (nests_too_deep(text))
    return bad("a message may nest at most " + std::to_string(kMaxNesting) + " levels deep");

  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return bad("a message must be valid JSON in UTF-8");
  if (!object.is_object()) return bad("a message must be a JSON object");
  const auto type_field = object.find("type");
  if (type_field == object.end() || !type_field->is_string()) return bad("\"type\" must be a string");

  const auto type = type_field->get<std::string>();
  if (type == "answer") return parse_answer({object, type});
  if (type == "ice") return parse_ice({object, type});
  if (type == "subscribe") return parse_subscribe({object, type});
  if (type == "control") return parse_control({object, type});
  if (type == "stats") return parse_stats(object);
  if (type == "ping") return ViewerMessage(Ping{});
  return Refusal{RefusalCode::unknown_type, "unknown type " + in_quotes(type) +
                                                "; known are answer, ice, subscribe, control, stats, ping"};
}

}  // namespace campaign::signalling
