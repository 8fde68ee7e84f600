// The rule for campaign, quality and peer ids, which end up in URLs, logs and metric labels.
#pragma once

#include <algorithm>
#include <string_view>

namespace campaign {

inline constexpr std::size_t kMaxIdLength = 64;
inline constexpr std::string_view kIdRule = "1 to 64 characters of A-Z a-z 0-9 . _ -";

constexpr bool is_valid_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdLength && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace campaign
