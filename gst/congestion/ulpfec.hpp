// Packets that repair others without being asked for: each is the sum of some media packets, and gives back
// any one of them that is lost (RFC 5109, one level). A receiver has them at once, where a retransmission
// takes a round trip. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace campaign::congestion {

class Ulpfec {
 public:
  static constexpr std::size_t kMostTogether = 48;  // packets that one mask names (RFC 5109, 7.4)
  static constexpr std::size_t kRtpHeader = 12;     // of a packet, without what follows it
  static constexpr std::size_t kOverhead = 18;      // headers of a repair's own, before the sum

  // `percentage`: repairs for every 100 media packets.
  explicit Ulpfec(unsigned percentage) : percentage_(percentage) {}

  // The next media packet's place, for the caller to write it to before anything else is asked for: RTP, at
  // least its header, numbered in a row, and with zeros for what changes on its way.
  std::span<std::uint8_t> add(std::size_t size);
  bool full() const { return count_ == kMostTogether; }

  // How many repairs are due, at the end of a frame or when it is full(). With any, the packets are taken;
  // with none they wait for more, unless there is no room.
  std::size_t finish();
  // Number `index` of those, to be sent as the payload of an RTP packet; valid until the next is asked for.
  std::span<const std::uint8_t> repair(std::size_t index);

 private:
  const unsigned percentage_;
  unsigned credit_ = 0;                             // hundredths of a repair
  std::vector<std::vector<std::uint8_t>> packets_;  // the first `count_` of them
  std::size_t count_ = 0;
  std::size_t due_ = 0;
  std::vector<std::uint8_t> repair_;
};

}  // namespace campaign::congestion
