// The clock that leases are measured by: it goes on while the machine is suspended, so that a node that wakes
// up knows that its leases have run out.
#pragma once

#include <ctime>

#include "congestion/units.hpp"

namespace campaign::events {

inline congestion::Timestamp lease_clock() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return congestion::Timestamp::ns(std::int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec);
}

}  // namespace campaign::events
