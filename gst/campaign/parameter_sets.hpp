// The parameter sets of an H.264 byte stream, without which nobody can decode it from the middle: encoders
// and parsers may send them at the start only. Plain C++; one stream, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace campaign {

class ParameterSets {
 public:
  struct Missing {
    std::size_t at;                      // where in the unit they belong
    std::span<const std::uint8_t> sets;  // until the next call
  };

  // Of every access unit, or as much of its beginning as there is before the picture itself: keeps the sets
  // that are in it, and tells what a key frame lacks.
  std::optional<Missing> look(std::span<const std::uint8_t> unit, bool key_frame);

 private:
  std::vector<std::uint8_t> sequence_, picture_, both_;
};

}  // namespace campaign
