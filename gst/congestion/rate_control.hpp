// The delay-based rate: grows while the queue is still, falls below what arrives when the queue grows
// (draft-ietf-rmcat-gcc-02, section 5.5). One thread.
#pragma once

#include <optional>

#include "congestion/acknowledged_rate.hpp"
#include "congestion/link_capacity.hpp"
#include "congestion/packet_feedback.hpp"

namespace campaign::congestion {

class RateControl {
 public:
  explicit RateControl(DataRate start) : rate_(start) {}

  struct Input {
    Usage usage = Usage::normal;
    std::optional<AcknowledgedRate::Rates> acknowledged;
    bool application_limited = false;  // what is sent says nothing about whether more would fit
    TimeDelta round_trip;
  };
  DataRate update(const Input& input, Timestamp now);

  // A measured rate replaces the grown one.
  void set(DataRate rate, Timestamp now);

  void bound(DataRate least, DataRate most) { rate_ = std::clamp(rate_, least, most); }

  DataRate rate() const { return rate_; }
  std::optional<Timestamp> last_decrease() const { return last_decrease_; }
  const LinkCapacity& capacity() const { return capacity_; }

 private:
  void increase(const Input& input, Timestamp now);
  void decrease(const Input& input, Timestamp now);

  enum class State { hold, increase };
  DataRate rate_;
  State state_ = State::hold;
  LinkCapacity capacity_;
  std::optional<Timestamp> last_change_, last_decrease_;
};

}  // namespace campaign::congestion
