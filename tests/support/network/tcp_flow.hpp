// A TCP-like sender (Reno with selective acknowledgement, RFC 5681 and 6675 in spirit), as cross traffic: it
// fills the queue until it loses. Sends one file, or for ever.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "link.hpp"

namespace campaign::network {

class TcpFlow {
 public:
  TcpFlow(EventQueue& events, Link& forward, TimeDelta return_delay)
      : events_(events), forward_(forward), return_delay_(return_delay) {}

  // `size` empty: for ever. `done` is called when all of it has arrived.
  void start(std::optional<DataSize> size, std::function<void()> done = {});

  double arrived_bits() const { return arrived_bits_; }

 private:
  struct Flight {
    Timestamp sent;
    int overtaken = 0;  // later packets that were acknowledged
  };
  void fill();
  void transmit();
  void acknowledge(std::int64_t packet, std::uint64_t run);
  void lose(std::int64_t recovery_until);
  void arm_timeout();

  EventQueue& events_;
  Link& forward_;
  TimeDelta return_delay_;
  std::uint64_t run_ = 0;
  std::int64_t to_send_ = 0, next_packet_ = 0, recovery_until_ = 0;
  bool active_ = false;
  std::function<void()> done_;
  std::map<std::int64_t, Flight> flight_;
  double window_ = 10, slow_start_until_ = 1e9;  // packets; RFC 6928 and 5681
  std::optional<double> smoothed_rtt_ms_;
  double rtt_variation_ms_ = 0;
  std::uint64_t timeout_ = 0;  // counts, so that an old timer does nothing
  double arrived_bits_ = 0;
};

}  // namespace campaign::network
