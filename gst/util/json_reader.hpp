// Strict, bounded reading of JSON that a person or a stranger wrote: an unknown field, one that is there
// twice, a wrong type or a number out of its range is refused with the place where it stands. Pure functions,
// safe from any thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/json_place.hpp"
#include "util/result.hpp"

namespace campaign {

struct JsonLimits {
  std::size_t bytes;
  int depth;  // levels of nesting
};

// Reads one JSON object. The first thing wrong is kept, with its path, and everything after it is ignored.
class JsonReader {
 public:
  using Json = nlohmann::json;

  // `root` names the whole in messages ("the scene"); `path` is empty for it. All references outlive the
  // reader.
  JsonReader(const Json& json, std::string_view root, std::string path, std::optional<Error>& error)
      : json_(json), root_(root), path_(std::move(path)), error_(error) {
    if (!json.is_object()) fail("", "an object", json);
  }

  void allow(std::initializer_list<std::string_view> known) {
    if (error_) return;
    for (const auto& [key, value] : json_.items()) {
      if (std::ranges::find(known, key) != known.end()) continue;
      std::string list;
      for (auto name : known) list.append(list.empty() ? "" : ", ").append(name);
      error_ = Error::invalid(at(""), "made of " + list, "'" + shown_name(key) + "'");
      return;
    }
  }

  void number(const char* key, double& to, double low, double high) {
    if (const Json* value = find(key)) read_number(*value, key, to, low, high);
  }

  // A whole number, in whatever integer type holds it.
  template <class T>
  void integer(const char* key, T& to, T low, T high) {
    const Json* value = find(key);
    if (!value) return;
    double number = value->is_number() ? value->get<double>() : NAN;
    if (!(number >= double(low) && number <= double(high) && number == std::floor(number))) {
      return fail(key, "a whole number from " + std::to_string(low) + " to " + std::to_string(high), *value);
    }
    to = T(number);
  }

  void text(const char* key, std::string& to) {
    const Json* value = find(key);
    if (!value) return;
    if (!value->is_string() || value->get_ref<const std::string&>().size() > 64) {
      return fail(key, "a text of at most 64 bytes", *value);
    }
    to = value->get<std::string>();
  }

  template <class T>
  void choice(const char* key, T& to, std::initializer_list<std::pair<const char*, T>> choices) {
    const Json* value = find(key);
    if (!value) return;
    std::string list;
    for (const auto& [name, meaning] : choices) {
      if (value->is_string() && value->get_ref<const std::string&>() == name) {
        to = meaning;
        return;
      }
      list.append(list.empty() ? "one of " : ", ").append(name);
    }
    fail(key, list, *value);
  }

  template <class F>
  void object(const char* key, F&& read) {
    if (const Json* value = find(key)) {
      JsonReader reader(*value, root_, at(key), error_);
      if (!error_) read(reader);
    }
  }

  template <class T, class F>
  void list(const char* key, std::vector<T>& to, std::size_t most, F&& read) {
    const Json* value = find(key);
    if (!value) return;
    if (!value->is_array() || value->size() > most) {
      return fail(key, "an array of at most " + std::to_string(most), *value);
    }
    for (std::size_t i = 0; i < value->size() && !error_; ++i) {
      JsonReader reader((*value)[i], root_, at(key) + "[" + std::to_string(i) + "]", error_);
      if (!error_) read(reader, to.emplace_back());
    }
  }

  // Says that a field that was read does not fit after all; an empty `key` is the object itself.
  void refuse(const char* key, std::string_view expected, std::string_view got) {
    if (!error_) error_ = Error::invalid(at(key), expected, got);
  }

  // The parts of the above, for types that only one format has.
  const Json* find(const char* key) const {
    if (error_) return nullptr;
    auto it = json_.find(key);
    return it == json_.end() ? nullptr : &*it;
  }
  void fail(const char* key, std::string_view expected, const Json& got) {
    if (error_) return;
    std::string shown = got.is_array()    ? "an array of " + std::to_string(got.size())
                        : got.is_object() ? "an object"
                                          : got.dump(-1, ' ', true, Json::error_handler_t::replace);
    error_ = Error::invalid(at(key), expected, shown.substr(0, 80));
  }
  void read_number(const Json& value, const char* key, double& to, double low, double high) {
    double number = value.is_number() ? value.get<double>() : NAN;
    if (!(number >= low && number <= high)) {
      char range[64];
      std::snprintf(range, sizeof range, "a number from %g to %g", low, high);
      return fail(key, range, value);
    }
    to = number;
  }

 private:
  std::string at(const char* key) const {
    if (path_.empty()) return *key ? key : std::string(root_);
    return *key ? path_ + "." + key : path_;
  }

  const Json& json_;
  std::string_view root_;
  std::string path_;
  std::optional<Error>& error_;
};

// "line 3, column 12" of the byte before `end`, both counted from 1, the column in bytes.
inline std::string place_before(std::string_view text, std::size_t end) {
  const std::string_view before = text.substr(0, end > 0 ? end - 1 : 0);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto start = before.rfind('\n');  // npos + 1 is 0
  return "line " + std::to_string(line) + ", column " + std::to_string(before.size() - (start + 1) + 1);
}

// Parses `text` within its limits; `root` names it in messages.
inline Result<nlohmann::json> parse_json(std::string_view text, std::string_view root, JsonLimits limits) {
  using Json = nlohmann::json;
  if (text.size() > limits.bytes) {
    return Error::invalid(root, "at most " + std::to_string(limits.bytes / 1024) + " KiB of JSON",
                          std::to_string(text.size()) + " bytes");
  }
  bool too_deep = false;
  JsonPlace place;
  auto follow = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    too_deep |= depth > limits.depth;
    if (!too_deep) place.follow(depth, event, parsed);
    return !too_deep;
  };
  std::optional<Error> fault;
  Json json;
  try {
    json = Json::parse(text.begin(), text.end(), follow);
  } catch (const Json::parse_error& error) {
    fault =
        Error::invalid(root, "valid JSON", "text that does not parse at " + place_before(text, error.byte));
  } catch (const Json::exception&) {
    const std::string path = place.of_next();
    fault = Error::invalid(path.empty() ? root : path, "a number", "one that is too large");
  }
  if (too_deep) {
    return Error::invalid(root, "nested at most " + std::to_string(limits.depth) + " levels", "deeper");
  }
  if (fault) return *fault;
  if (place.twice()) return Error::invalid(*place.twice(), "there once", "twice");
  return json;
}

// Parses `text` within its limits and lets `read(JsonReader&, T&)` fill a T from it.
template <class T, class F>
Result<T> read_json(std::string_view text, std::string_view root, JsonLimits limits, F&& read) {
  const Result<nlohmann::json> json = parse_json(text, root, limits);
  if (!json) return json.error();
  T value{};
  std::optional<Error> error;
  JsonReader reader(*json, root, "", error);
  if (!error) read(reader, value);
  if (error) return *error;
  return value;
}

}  // namespace campaign
