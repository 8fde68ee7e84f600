// See log.hpp. A line is one write(), so that threads and processes do not mix theirs.
#include "pipelines/server/log.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace campaign::server {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};
std::atomic<int> least_level{int(LogLevel::info)};

std::string now_in_words() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  const int milliseconds = int(std::chrono::duration_cast<std::chrono::milliseconds>(now).count() % 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char day[24], text[40];
  std::strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text, sizeof text, "%s.%03dZ", day, milliseconds);
  return text;
}

}  // namespace

std::optional<LogLevel> log_level(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return LogLevel(i);
  return std::nullopt;
}

void set_log_level(LogLevel least) { least_level = int(least); }

void log(LogLevel level, std::string_view event, std::string_view message,
         std::initializer_list<LogField> fields) {
  if (int(level) < least_level) return;
  nlohmann::ordered_json line{{"time", now_in_words()},
                              {"level", kNames[std::size_t(level)]},
                              {"event", event},
                              {"message", message}};
  for (const auto& [name, value] : fields) line[name] = value;
  const std::string text = line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace campaign::server
