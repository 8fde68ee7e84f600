// Transport-wide sequence numbers have 16 bits and wrap every 65,536 packets; this gives each its place in
// the whole.
#pragma once

#include <cstdint>
#include <optional>

namespace campaign::congestion {

class SequenceUnwrapper {
 public:
  // The number nearest to the last one that has these low 16 bits. Moves on; the first starts at its own
  // value.
  std::int64_t unwrap(std::uint16_t sequence) {
    const std::int64_t whole = peek(sequence);
    last_ = whole;
    return whole;
  }

  // The same without moving on, for numbers that a stranger says.
  std::int64_t peek(std::uint16_t sequence) const {
    if (!last_) return sequence;
    return *last_ + std::int16_t(std::uint16_t(sequence - std::uint16_t(*last_)));
  }

 private:
  std::optional<std::int64_t> last_;
};

}  // namespace campaign::congestion
