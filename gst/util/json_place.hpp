// Where in a document a JSON parser stands, by what it calls back, and the first field that stands twice in
// one object: most parsers keep the last of the two without a word. One thread at a time.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace campaign {

// A field's name as people can be shown it, whatever a stranger put there.
inline std::string shown_name(std::string_view name) {
  using Json = nlohmann::json;
  const std::string quoted = Json(name.substr(0, 64)).dump(-1, ' ', true, Json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

class JsonPlace {
 public:
  using Json = nlohmann::json;

  // What nlohmann's parser_callback_t is given.
  void follow(int depth, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    levels_.resize(std::size_t(depth));  // inside of as many objects and arrays
    if (event == Event::key) {
      Level& level = levels_.back();
      level.name = parsed.get_ref<const std::string&>();
      if (!level.names.insert(level.name).second && !twice_) twice_ = of_next();
      return;
    }
    if (event == Event::object_end || event == Event::array_end) return;
    if (!levels_.empty()) ++levels_.back().begun;
    if (event != Event::value) levels_.push_back({.is_array = event == Event::array_start});
  }

  // As in "emitters[1].share": of the value that comes next; empty for the whole.
  std::string of_next() const {
    std::string path;
    for (const Level& level : levels_) {
      const bool last = &level == &levels_.back();
      if (level.is_array)
        path += "[" + std::to_string(last ? level.begun : level.begun - 1) + "]";
      else
        path += (path.empty() ? "" : ".") + shown_name(level.name);
    }
    return path;
  }

  const std::optional<std::string>& twice() const { return twice_; }

 private:
  struct Level {
    bool is_array = false;
    std::size_t begun = 0;  // of its values
    std::string name;       // of an object's value of now
    std::set<std::string> names;
  };
  std::vector<Level> levels_;
  std::optional<std::string> twice_;
};

}  // namespace campaign
