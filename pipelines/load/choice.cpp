// See choice.hpp.
#include "pipelines/load/choice.hpp"

#include <algorithm>

namespace campaign::load {
namespace {

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

const std::string& one_of(const std::vector<std::string>& names, std::mt19937_64& random) {
  return names[random() % names.size()];
}

}  // namespace

bool Choice::offers(const Pick& pick) const {
  if (pick.campaign != campaign) return has(campaigns, pick.campaign);
  return pick.quality == kAuto || has(qualities, pick.quality);
}

std::optional<Pick> Choice::pick(std::mt19937_64& random) const {
  const std::string& picked = campaigns.empty() ? campaign : one_of(campaigns, random);
  if (picked.empty()) return std::nullopt;
  if (picked != campaign) return Pick{picked, kAuto};
  if (qualities.empty()) return std::nullopt;
  return Pick{picked, one_of(qualities, random)};
}

}  // namespace campaign::load
