// See remote_candidate.hpp.
#include "viewer/ice/remote_candidate.hpp"

#include <algorithm>

namespace campaign::viewer {
namespace {

constexpr std::string_view kPrefix = "a=candidate:";
constexpr std::string_view kLocal = ".local";
constexpr std::size_t kLongestLabel = 63;  // RFC 1035, section 2.3.4
constexpr int kBeforeAddress = 4;          // foundation, component, transport, priority

bool in_a_label(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

std::string_view address_of(std::string_view candidate) {
  if (!candidate.starts_with(kPrefix)) return {};
  std::size_t begin = kPrefix.size();
  for (int i = 0; i < kBeforeAddress; ++i) {
    const auto space = candidate.find(' ', begin);
    if (space == candidate.npos || space == begin) return {};
    begin = space + 1;
  }
  const auto end = candidate.find(' ', begin);
  return end == candidate.npos ? std::string_view{} : candidate.substr(begin, end - begin);
}

}  // namespace

std::optional<std::string_view> local_name(std::string_view candidate) {
  const std::string_view name = address_of(candidate);
  if (!name.ends_with(kLocal)) return std::nullopt;
  const std::string_view label = name.substr(0, name.size() - kLocal.size());
  if (label.empty() || label.size() > kLongestLabel || !std::ranges::all_of(label, in_a_label))
    return std::nullopt;
  return name;
}

std::string with_address(std::string_view candidate, std::string_view address) {
  const std::string_view name = address_of(candidate);
  std::string text(candidate.begin(), name.begin());
  return text.append(address).append(name.end(), candidate.end());
}

}  // namespace campaign::viewer
