// The packets that were sent and that feedback may still speak of: a ring, so that neither time nor a
// stranger's sequence numbers make it grow. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "congestion/packet_feedback.hpp"
#include "congestion/sequence_unwrapper.hpp"

namespace campaign::congestion {

class SentPackets {
 public:
  // At 100 Mbit/s and 1,200 bytes this is 0.8 s; at a rung's rate many seconds.
  static constexpr std::size_t kCapacity = 8192;

  // In the order of sending. Overwrites what is kCapacity packets older.
  void add(std::uint16_t sequence, Timestamp sent, DataSize size, ProbeId probe);

  enum class Told { received, lost };
  struct Answer {
    SentPacket packet;
    bool was_lost;  // it had been reported lost before
  };
  // What the sender knows about a packet that feedback speaks of. Empty where it was never sent, is
  // forgotten, or was told so before: each packet is received once and lost once, whatever is repeated.
  std::optional<Answer> take(std::uint16_t sequence, Told told);

  // Packets that no feedback has spoken of yet.
  std::int64_t unanswered() const { return unanswered_; }

 private:
  enum class State : std::uint8_t { empty, sent, lost, received };
  struct Slot {
    SentPacket packet;
    State state = State::empty;
  };
  static std::size_t index(std::int64_t sequence) { return std::size_t(sequence) % kCapacity; }

  SequenceUnwrapper unwrapper_;
  std::unique_ptr<Slot[]> slots_ = std::make_unique<Slot[]>(kCapacity);
  std::int64_t unanswered_ = 0;
};

}  // namespace campaign::congestion
