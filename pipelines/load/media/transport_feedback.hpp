// When each packet arrived, in the form a sender estimates its bandwidth from:
// draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1. Plain C++, one thread.
#pragma once

#include <optional>
#include <vector>

#include "pipelines/load/media/bytes.hpp"
#include "pipelines/load/media/time.hpp"

namespace campaign::load {

class TransportFeedback {
 public:
  void arrived(std::uint16_t sequence, Time now);

  // The body of the next message, after the two SSRCs, about what arrived since the one before; nothing when
  // nothing did. Called until it returns nothing.
  std::optional<std::vector<std::uint8_t>> next();

 private:
  struct Arrival {
    std::int64_t sequence;  // without its wrap-around
    Time at;
  };

  bool started_ = false;
  std::int64_t highest_ = 0;
  std::int64_t base_ = 0;  // the first number of the next message
  std::uint8_t count_ = 0;
  std::vector<Arrival> arrivals_;  // by sequence
};

}  // namespace campaign::load
