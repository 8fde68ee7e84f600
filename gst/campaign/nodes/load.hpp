// What campaigns take from a node and what it has: the amounts that placement compares. Values.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace campaign::nodes {

enum class Resource : std::size_t {
  frame_time,     // seconds of simulating and drawing, a second
  encoder_slots,  // encoders open at once
  memory,         // bytes
  viewers,
};

struct ResourceRule {
  Resource resource;
  std::string_view name;   // in JSON
  std::string_view words;  // in messages
  double part;             // of the capacity that is given out; the rest is for what no forecast knows
};
inline constexpr std::array<ResourceRule, 4> kResources = {{
    {Resource::frame_time, "frame_time", "frame time", 0.9},
    {Resource::encoder_slots, "encoder_slots", "encoder slots", 1.0},
    {Resource::memory, "memory", "memory", 0.9},
    {Resource::viewers, "viewers", "room for viewers", 1.0},
}};

// Of every resource an amount. As a capacity, 0 means without limit.
struct Load {
  std::array<double, kResources.size()> amounts{};

  double& operator[](Resource resource) { return amounts[std::size_t(resource)]; }
  double operator[](Resource resource) const { return amounts[std::size_t(resource)]; }
  Load& operator+=(const Load& other) {
    for (std::size_t i = 0; i < amounts.size(); ++i) amounts[i] += other.amounts[i];
    return *this;
  }
  Load& operator-=(const Load& other) {  // what is forecast may be more than what is there
    for (std::size_t i = 0; i < amounts.size(); ++i)
      amounts[i] = std::max(0.0, amounts[i] - other.amounts[i]);
    return *this;
  }
  friend Load operator+(Load a, const Load& b) { return a += b; }
  friend Load operator-(Load a, const Load& b) { return a -= b; }
  bool operator==(const Load&) const = default;
};

// The resource that is nearest to its limit decides: 1 is all that is given out of it.
inline double utilisation(const Load& load, const Load& capacity) {
  double most = 0;
  for (const auto& rule : kResources) {
    const double room = capacity[rule.resource] * rule.part;
    if (room > 0) most = std::max(most, load[rule.resource] / room);
  }
  return most;
}

}  // namespace campaign::nodes
