// Which retransmissions are worth their bandwidth. A receiver behind a full queue asks for all that the queue
// dropped, again and again; answered, that is a second stream behind the same queue, and the picture that
// could be shown waits behind packets of one that cannot. So a retransmission goes out only if its packet is
// not older than the newest key frame (the picture goes on from there without it), was not sent again within
// the last round trip, and fits into a share of what the network carries. One thread, or under one lock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "congestion/units.hpp"

namespace campaign::congestion {

class Repairs {
 public:
  // A media packet goes out, in the order of their numbers. True: it is the first of a key frame.
  bool on_media(std::uint16_t number, bool of_key_frame);
  // Whether that is what on_media() would say.
  bool starts_key_frame(bool of_key_frame) const { return of_key_frame && !in_key_frame_; }

  // A repeat that is asked for as padding of a probe: the next one of this number goes out whatever it is.
  void expect(std::uint16_t number);

  // A retransmission of the packet of this number: whether it goes out.
  bool admit(std::uint16_t number, DataSize size, DataRate target, TimeDelta round_trip, Timestamp now);

 private:
  static constexpr std::size_t kRemembered = 2048;  // packets: two seconds of the best rung
  struct Entry {
    std::uint16_t number = 0;
    std::uint16_t expected = 0;  // repeats that are padding
    std::optional<Timestamp> repeated;
  };
  Entry& entry(std::uint16_t number);

  std::array<Entry, kRemembered> entries_{};
  std::optional<std::uint16_t> first_wanted_;  // older ones are behind a key frame
  bool in_key_frame_ = false;
  double credit_ = 0;  // bytes
  std::optional<Timestamp> credited_;
};

}  // namespace campaign::congestion
