// See delivery_queue.hpp.
#include "campaign/routing/delivery_queue.hpp"

#include <algorithm>

namespace campaign::routing {
namespace {

// How far apart two encoders of one source finish: 5 to 40 ms on a machine that is not overloaded. Longer
// than this a viewer would see the old stream stand still for a new one that has not even begun.
constexpr Nanoseconds kHold = 60ms;
constexpr Nanoseconds kHoldMargin = 20ms;
constexpr Nanoseconds kLongestHold = 2s;  // for streams that lag: their own lag has to be waited for
constexpr Nanoseconds kLongestPark = 200ms;
constexpr Nanoseconds kStalled = 500ms;  // a stream that gave nothing for so long says nothing about lag
constexpr unsigned kMostMisses = 3;      // then the old stream is given up
constexpr Nanoseconds kBurstStep = 1ms;  // between timestamps of cached units, see start_from()

}  // namespace

void DeliveryQueue::admit(const AccessUnit& unit, std::uint32_t stream, Nanoseconds release, std::size_t at) {
  ring_.insert(at, {unit, release, stream, std::exchange(gap_, false)});
  ++counts_.admitted;
  thinning_.spend(unit);
}

void DeliveryQueue::thin_to(std::uint64_t bits_per_second) {
  thinning_.set_rate(bits_per_second);
  wish_ |= closed_by_rate_ && bits_per_second == 0;
}

void DeliveryQueue::refuse() {
  ++counts_.dropped;
  ++counts_.refused;
}

// Without it the next units cannot be decoded, except where it is one that none needs.
void DeliveryQueue::refuse_for_rate(const AccessUnit& unit) {
  refuse();
  ++counts_.thinned;
  if (unit.droppable) return;
  open_ = false;
  gap_ = closed_by_rate_ = true;
}

void DeliveryQueue::open() {
  open_ = true;
  wish_ = closed_by_rate_ = false;
}

void DeliveryQueue::offer(const AccessUnit& unit, Nanoseconds now) {
  if (!watching_) return;
  newest_offered_ = std::max(newest_offered_, unit.pts);
  offered_at_ = now;
  if (parked_ > 0 && unit.pts >= ring_[settled()].unit.pts) {  // as far as the next stream's key frame
    watch_next();
    return;
  }
  if (open_ && unit.pts <= newest()) lose_reference();  // a stream that goes back is a stream that broke
  const bool begins = !open_;
  if (begins && (!unit.key_frame || unit.pts <= newest())) {
    refuse();
    counts_.thinned += closed_by_rate_;
    wish_ |= closed_by_rate_ && thinning_.wants_key_frame(unit.pts);
    return;
  }
  if (!thinning_.passes(unit, begins)) {
    refuse_for_rate(unit);
    return;
  }
  open();
  if (is_full()) {
    const std::uint32_t before = generation_;
    drop_to_key_frame();
    if (generation_ != before || (!open_ && !unit.key_frame)) {
      refuse();
      return;
    }
    open();
  }
  admit(unit, generation_, expecting_ ? now + hold_ : Nanoseconds::min(), settled());
}

// The viewer is too slow. What waits is old: it goes on at the next key frame among it, or after it.
void DeliveryQueue::drop_to_key_frame() {
  ++counts_.overflows;
  const std::size_t count = settled();
  std::size_t next = 1;
  while (next < count && !ring_[next].unit.key_frame) ++next;
  if (next < count) {
    drop_front(next);
    ring_.front().after_gap = true;
    return;
  }
  drop_front(count);
  lose_reference();
  if (parked_ > 0) {  // nothing is left that the parked ones could wait for
    ring_.front().after_gap = std::exchange(gap_, false);
    watch_next();
  }
}

void DeliveryQueue::drop_front(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) ring_.pop_front();
  counts_.dropped += count;
  burst_ -= std::min(burst_, count);
}

void DeliveryQueue::lose_reference() {
  open_ = false;
  gap_ = wish_ = true;
}

void DeliveryQueue::supersede_back() {
  gap_ |= ring_.pop_back().after_gap;  // what comes in its place comes after that gap, too
  ++counts_.superseded;
  burst_ = std::min(burst_, ring_.size());
}

void DeliveryQueue::note_lag(const AccessUnit& unit, Nanoseconds now) {
  if (!watching_ || newest_offered_ == Nanoseconds::min() || now - offered_at_ > kStalled) return;
  const Nanoseconds lag = (now - offered_at_) + (newest_offered_ - unit.pts);
  hold_ = std::clamp(std::max(lag, -lag) + kHoldMargin, hold_, kLongestHold);
}

DeliveryQueue::Next DeliveryQueue::offer_next(const AccessUnit& unit, Nanoseconds now) {
  if (!expecting_) return Next::waiting;
  if (parked_ > 0) {
    if (unit.pts > ring_.back().unit.pts) {
      if (is_full()) {  // the old stream does not come this far
        watch_next();
        offer(unit, now);
      } else {
        admit(unit, generation_ + 1, {}, ring_.size());
        ++parked_;
      }
      return Next::waiting;
    }
    for (; parked_ > 0; --parked_) supersede_back();  // it broke: from the beginning
  }
  note_lag(unit, now);
  if (!unit.key_frame) {
    progress_ = std::max(progress_, unit.pts);
    return Next::waiting;
  }
  if (unit.pts <= last_taken_) {
    progress_ = std::max(progress_, unit.pts);
    ++counts_.late_switches;
    if (++misses_ >= kMostMisses) lose_current();
    return Next::too_late;
  }
  while (!ring_.empty() && ring_.back().unit.pts >= unit.pts) supersede_back();
  const bool at_once = !watching_ || !open_ || newest_offered_ >= unit.pts;
  admit(unit, generation_ + 1, {}, ring_.size());
  ++parked_;
  parked_until_ = now + std::min(hold_, kLongestPark);
  if (at_once) watch_next();
  return Next::waiting;
}

void DeliveryQueue::watch_next() {
  parked_ = 0;
  ++generation_;
  counts_.switches += watching_ || lost_;
  lost_ = false;
  watching_ = true;
  expecting_ = false;
  open();
  newest_offered_ = ring_.back().unit.pts;
  misses_ = 0;
}

// The units were live some time ago. With their own timestamps a browser would take their age for the time
// that the network needs, and stay so far behind; so they are moved up to the last one, a step apart, and are
// shown as fast as they can be decoded.
bool DeliveryQueue::start_from(std::span<const AccessUnit> group) {
  if (group.empty() || !expecting_ || (watching_ && open_) || group.front().pts <= last_taken_) return false;
  while (!ring_.empty() && ring_.back().unit.pts >= group.front().pts) supersede_back();
  parked_ = 0;
  const Nanoseconds last = group.back().pts;
  for (std::size_t i = 0; i < group.size(); ++i) {
    AccessUnit unit = group[i];
    unit.pts = std::max(unit.pts, last - kBurstStep * std::int64_t(group.size() - 1 - i));
    admit(unit, generation_ + 1, {}, ring_.size());
  }
  burst_ = ring_.size();
  watch_next();
  return true;
}

void DeliveryQueue::expect_next() {
  forget_next();
  expecting_ = true;
  progress_ = Nanoseconds::min();
  hold_ = kHold;
  misses_ = 0;
}

void DeliveryQueue::forget_next() {
  for (; parked_ > 0; --parked_) supersede_back();
  expecting_ = false;
}

void DeliveryQueue::lose_current() {
  if (parked_ > 0) {
    watch_next();
    return;
  }
  lost_ |= watching_;
  watching_ = open_ = wish_ = false;
}

void DeliveryQueue::close() {
  parked_ = 0;
  gap_ |= watching_ || !ring_.empty();
  drop_front(ring_.size());
  watching_ = lost_ = open_ = expecting_ = wish_ = false;
}

void DeliveryQueue::restart_time() {
  close();
  last_taken_ = newest_offered_ = Nanoseconds::min();
}

std::optional<DeliveryQueue::Taken> DeliveryQueue::take(Nanoseconds now) {
  if (ring_.empty()) return std::nullopt;
  if (settled() == 0) {
    if (now < parked_until_) return std::nullopt;
    watch_next();
  }
  const Entry& first = ring_.front();
  if (expecting_ && parked_ == 0 && now < first.release && first.unit.pts > progress_) return std::nullopt;
  Entry entry = ring_.pop_front();
  burst_ -= burst_ > 0;
  last_taken_ = entry.unit.pts;
  ++counts_.delivered;
  return Taken{std::move(entry.unit), entry.stream, entry.after_gap};
}

std::optional<Nanoseconds> DeliveryQueue::due() const {
  if (ring_.empty()) return std::nullopt;
  if (settled() == 0) return parked_until_;
  const Entry& first = ring_.front();
  if (expecting_ && parked_ == 0 && first.unit.pts > progress_) return first.release;
  return Nanoseconds::min();
}

bool DeliveryQueue::take_key_frame_wish() {
  if (!ring_.empty() || !wish_) return false;
  return std::exchange(wish_, false);
}

}  // namespace campaign::routing
