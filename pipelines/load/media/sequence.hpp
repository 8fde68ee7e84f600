// What a receiver knows from sequence numbers alone: gaps, losses, duplicates (RFC 3550, appendix A.1 and
// A.3). Plain C++, one thread.
#pragma once

#include <bitset>
#include <cstdint>

namespace campaign::load {

class SequenceTracker {
 public:
  enum class Arrival { in_order, after_gap, late, duplicate };
  struct Step {
    Arrival arrival;
    std::int64_t extended;  // the sequence number without its wrap-around
  };

  Step take(std::uint16_t sequence) {
    if (!started_) {
      started_ = true;
      first_ = highest_ = sequence;
      seen_.set(slot(highest_));
      received_ = 1;
      return {Arrival::in_order, highest_};
    }
    // The nearest number with these low 16 bits, in either direction.
    const auto ahead = static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(highest_));
    const std::int64_t extended = highest_ + ahead;
    if (ahead > 0) {
      for (std::int64_t i = highest_ + 1; i < extended; ++i) seen_.reset(slot(i));
      seen_.set(slot(extended));
      highest_ = extended;
      ++received_;
      if (ahead == 1) return {Arrival::in_order, extended};
      ++gaps_;
      return {Arrival::after_gap, extended};
    }
    if (extended < first_ || highest_ - extended >= std::int64_t(kWindow)) {
      ++late_;  // before the first, or too old to tell a late packet from a duplicate
      return {Arrival::late, extended};
    }
    if (seen_.test(slot(extended))) {
      ++duplicates_;
      return {Arrival::duplicate, extended};
    }
    seen_.set(slot(extended));
    ++received_;
    ++late_;
    return {Arrival::late, extended};
  }

  bool started() const { return started_; }
  std::int64_t highest() const { return highest_; }
  std::uint64_t expected() const { return started_ ? std::uint64_t(highest_ - first_ + 1) : 0; }
  std::uint64_t received() const { return received_; }  // without duplicates
  std::uint64_t lost() const { return expected() - received_; }
  std::uint64_t gaps() const { return gaps_; }  // jumps forward, also those filled later
  std::uint64_t late() const { return late_; }
  std::uint64_t duplicates() const { return duplicates_; }

 private:
  static constexpr std::size_t kWindow = 1024;
  static std::size_t slot(std::int64_t extended) { return std::size_t(extended) % kWindow; }

  bool started_ = false;
  std::int64_t first_ = 0, highest_ = 0;
  std::uint64_t received_ = 0, gaps_ = 0, late_ = 0, duplicates_ = 0;
  std::bitset<kWindow> seen_;
};

}  // namespace campaign::load
