#include "packpace.hpp"

namespace campaign {

void PackPace::set_rate(int num, int den, bool every_one) {
  if (num == num_ && den == den_ && every_one == every_one_) return;
  num_ = num, den_ = den;
  every_one_ = every_one || num == 0;
  restart();
}

GstClockTime PackPace::time_of(uint64_t update) const {
  return gst_util_uint64_scale(update, static_cast<guint64>(den_) * GST_SECOND, static_cast<guint64>(num_));
}

std::optional<GstClockTime> PackPace::take(GstClockTime position, GstClockTime duration) {
  if (every_one_ || !GST_CLOCK_TIME_IS_VALID(position)) return duration;
  if (!begin_) {
    begin_ = position;
    next_ = 0;
  }
  // Either way along the stream. A state may be a little early for its update: its position is rounded down,
  // and waiting for the next one would be later than this is early.
  const GstClockTime from_begin = position > *begin_ ? position - *begin_ : *begin_ - position;
  const GstClockTime early = GST_CLOCK_TIME_IS_VALID(duration) ? duration / 4 : 1;
  if (from_begin + early < time_of(next_)) return std::nullopt;
  // After a gap those that were missed are not made up for.
  const uint64_t reached = gst_util_uint64_scale(from_begin + early, static_cast<guint64>(num_),
                                                 static_cast<guint64>(den_) * GST_SECOND);
  const uint64_t taken = reached > next_ ? reached : next_;
  next_ = taken + 1;
  return time_of(next_) - time_of(taken);
}

}  // namespace campaign
