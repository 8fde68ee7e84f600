// The server's log: one JSON object a line on standard error, with the time, a level, what happened, a
// sentence, and whom it is about. Any thread. Tokens never come here.
//
//   {"time":"2026-11-25T03:14:15.926Z","level":"info","event":"viewer-added","message":"…","campaign":"0",
//    "peer":"…"}
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace campaign::server {

enum class LogLevel { debug, info, warning, error };

std::optional<LogLevel> log_level(std::string_view name);
void set_log_level(LogLevel least);

using LogField = std::pair<const char*, nlohmann::json>;
void log(LogLevel level, std::string_view event, std::string_view message,
         std::initializer_list<LogField> fields = {});

}  // namespace campaign::server
