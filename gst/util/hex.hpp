// A number in hexadecimal, all 16 digits.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace campaign {

inline std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace campaign
