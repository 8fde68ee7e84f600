// The receiver's clock in transport-wide feedback: 24 bits of 64 ms, which wrap every 12.4 days
// (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).
#pragma once

#include <cstdint>
#include <optional>

#include "congestion/units.hpp"

namespace campaign::congestion {

class ReferenceTimeUnwrapper {
 public:
  static constexpr TimeDelta kTick = TimeDelta::ms(64);
  static constexpr TimeDelta kPeriod = TimeDelta::ns(kTick.ns() << 24);

  // `wrapped`: a moment of the receiver's clock modulo kPeriod, anywhere in it. Returns the moment nearest to
  // the last one, so that reordered feedback across a wrap goes back and not 12 days ahead.
  Timestamp unwrap(Timestamp wrapped) {
    const std::int64_t period = kPeriod.ns();
    const std::int64_t within = ((wrapped.ns() % period) + period) % period;
    // A clock that jumps half of its period with each packet would leave 64 bits: it begins anew before.
    if (!last_ || *last_ < -kFarthest || *last_ > kFarthest) return Timestamp::ns(*(last_ = within));
    std::int64_t step = (within - *last_) % period;
    if (step < -period / 2) step += period;
    if (step >= period / 2) step -= period;
    return Timestamp::ns(*last_ += step);
  }

 private:
  static constexpr std::int64_t kFarthest = std::int64_t(1) << 61;
  std::optional<std::int64_t> last_;  // ns, unwrapped
};

}  // namespace campaign::congestion
