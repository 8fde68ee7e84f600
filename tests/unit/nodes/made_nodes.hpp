// Nodes for the tests, as they would say what they are.
#pragma once

#include <string>

#include "campaign/nodes/node_record.hpp"

namespace campaign::nodes::test {

inline Load load(double frame_time, double encoder_slots = 0, double memory = 0, double viewers = 0) {
  return Load{{frame_time, encoder_slots, memory, viewers}};
}

inline NodeRecord node(const std::string& id, double used = 0, Load capacity = load(1, 0, 0, 0)) {
  return {.id = id,
          .incarnation = "first",
          .beat = 1,
          .url = "http://" + id + ":8080",
          .capacity = capacity,
          .used = load(used)};
}

}  // namespace campaign::nodes::test
