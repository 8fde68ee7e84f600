#include "congestion/inter_arrival.hpp"

#include <algorithm>

namespace campaign::congestion {
namespace {

constexpr TimeDelta kGroupLength = TimeDelta::ms(5);     // the draft's burst_time, 5.2
constexpr TimeDelta kBurstGap = TimeDelta::ms(5);        // the same, at the receiver
constexpr TimeDelta kLongestBurst = TimeDelta::ms(100);  // libwebrtc inter_arrival_delta
constexpr TimeDelta kClockJump = TimeDelta::seconds(3);  // libwebrtc inter_arrival_delta
constexpr int kReorderedUntilReset = 3;                  // libwebrtc inter_arrival_delta

}  // namespace

void InterArrival::reset() {
  current_.reset();
  previous_.reset();
  reordered_ = 0;
}

bool InterArrival::belongs_to_current(Timestamp sent, Timestamp received) const {
  if (sent - current_->first_sent <= kGroupLength) return true;
  // What a queue let go at once was one burst at the receiver, however it was sent.
  const TimeDelta sent_apart = sent - current_->last_sent,
                  received_apart = received - current_->last_received;
  return received_apart < sent_apart && received_apart <= kBurstGap &&
         received - current_->first_received < kLongestBurst;
}

std::optional<GroupDelta> InterArrival::add(Timestamp sent, Timestamp received, Timestamp now) {
  if (!current_) {
    current_ = {sent, sent, received, received, now};
    return std::nullopt;
  }
  if (sent < current_->first_sent) return std::nullopt;  // reordered
  std::optional<GroupDelta> delta;
  if (belongs_to_current(sent, received)) {
    current_->last_sent = std::max(current_->last_sent, sent);
    current_->last_received = received;
    current_->told = now;
    return std::nullopt;
  }
  if (previous_) {
    delta = GroupDelta{current_->last_sent - previous_->last_sent,
                       current_->last_received - previous_->last_received, current_->last_received};
    const TimeDelta told_apart = current_->told - previous_->told;
    const bool jumped = delta->received - told_apart >= kClockJump;
    if (delta->received < TimeDelta()) {
      delta.reset();
      if (++reordered_ >= kReorderedUntilReset) {
        reset();
        return std::nullopt;
      }
    } else if (jumped) {
      reset();
      return std::nullopt;
    } else {
      reordered_ = 0;
    }
  }
  previous_ = current_;
  current_ = {sent, sent, received, received, now};
  return delta;
}

}  // namespace campaign::congestion
