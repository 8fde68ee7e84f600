#include "congestion/repairs.hpp"

#include <algorithm>

namespace campaign::congestion {
namespace {

constexpr double kShare = 0.3;          // own: repairs a random loss of 20 %, with some losses of the repairs
constexpr double kSavedSeconds = 0.25;  // own: a burst of loss is repaired at once
// Own: a receiver's timers are not ours, so a request a little before the round trip is over is a new one.
constexpr double kAgain = 0.8;
constexpr TimeDelta kLeastRoundTrip = TimeDelta::ms(20);  // libwebrtc nack_requester: processed every 20 ms
// Numbers this far back are not remembered by anybody, and would soon look like ones that are to come.
constexpr std::uint16_t kOldest = 1 << 14;

}  // namespace

bool Repairs::on_media(std::uint16_t number, bool of_key_frame) {
  const bool starts = starts_key_frame(of_key_frame);
  in_key_frame_ = of_key_frame;
  if (starts || !first_wanted_) first_wanted_ = number;
  if (std::uint16_t(number - *first_wanted_) > kOldest) first_wanted_ = std::uint16_t(number - kOldest);
  return starts;
}

Repairs::Entry& Repairs::entry(std::uint16_t number) {
  Entry& found = entries_[number % kRemembered];
  if (found.number != number) found = {.number = number};
  return found;
}

void Repairs::expect(std::uint16_t number) { ++entry(number).expected; }

bool Repairs::admit(std::uint16_t number, DataSize size, DataRate target, TimeDelta round_trip,
                    Timestamp now) {
  const double rate = kShare * double(target.bps()) / 8;
  if (credited_ && now > *credited_) credit_ += rate * (now - *credited_).seconds();
  if (!credited_) credit_ = rate * kSavedSeconds;
  credit_ = std::min(credit_, rate * kSavedSeconds);
  credited_ = now;

  Entry& known = entry(number);
  if (known.expected > 0) {
    --known.expected;
    return true;
  }
  if (first_wanted_ && std::int16_t(number - *first_wanted_) < 0) return false;
  if (known.repeated && now - *known.repeated < std::max(round_trip * kAgain, kLeastRoundTrip)) return false;
  if (credit_ <= 0) return false;  // the last one may go below
  credit_ -= double(size.bytes());
  known.repeated = now;
  return true;
}

}  // namespace campaign::congestion
