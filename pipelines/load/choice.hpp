// What a server offers a viewer to watch, and what a viewer picks from it at random. Plain C++, any thread.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <vector>

namespace campaign::load {

inline constexpr const char* kAuto = "auto";  // the quality that fits the network

struct Pick {
  std::string campaign, quality;  // a rung, or kAuto
};

struct Choice {
  std::string campaign;                // the one that is watched
  std::vector<std::string> campaigns;  // all of them
  std::vector<std::string> qualities;  // of the one that is watched

  bool offers(const Pick& pick) const;
  // A rung of the campaign that is watched, or another campaign, whose rungs are told once it is watched:
  // kAuto. Nothing where that campaign has no rungs.
  std::optional<Pick> pick(std::mt19937_64& random) const;
};

}  // namespace campaign::load
