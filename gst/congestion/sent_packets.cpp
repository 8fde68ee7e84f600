#include "congestion/sent_packets.hpp"

namespace campaign::congestion {

void SentPackets::add(std::uint16_t sequence, Timestamp sent, DataSize size, ProbeId probe) {
  const std::int64_t whole = unwrapper_.unwrap(sequence);
  Slot& slot = slots_[index(whole)];
  if (slot.state == State::sent) --unanswered_;
  slot = {{whole, sent, size, probe}, State::sent};
  ++unanswered_;
}

std::optional<SentPackets::Answer> SentPackets::take(std::uint16_t sequence, Told told) {
  const std::int64_t whole = unwrapper_.peek(sequence);
  Slot& slot = slots_[index(whole)];
  if (slot.state == State::empty || slot.packet.sequence != whole) return std::nullopt;
  const bool was_lost = slot.state == State::lost;
  if (slot.state == State::received || (was_lost && told == Told::lost)) return std::nullopt;
  if (slot.state == State::sent) --unanswered_;
  slot.state = told == Told::received ? State::received : State::lost;
  return Answer{slot.packet, was_lost};
}

}  // namespace campaign::congestion
