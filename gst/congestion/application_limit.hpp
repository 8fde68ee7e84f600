// Whether the application sends less than the estimate allows, so that what arrives says nothing about what
// would. A budget fills at a part of the estimate and is spent by what is sent (libwebrtc alr_detector). One
// thread.
#pragma once

#include <optional>

#include "congestion/units.hpp"

namespace campaign::congestion {

class ApplicationLimit {
 public:
  // Both in the order of time.
  void on_sent(DataSize size, DataRate estimate, Timestamp now);
  void on_time(DataRate estimate, Timestamp now);

  bool limited() const { return since_.has_value(); }
  std::optional<Timestamp> since() const { return since_; }

 private:
  double level_ms_ = 0;  // −kWindow to +kWindow: how long at its rate the budget has not been spent
  std::optional<Timestamp> last_, since_;
};

}  // namespace campaign::congestion
