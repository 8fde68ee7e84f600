// Which units a viewer gets whose network carries less than the stream that it watches. What no other unit
// needs is left out first. Where what is left is still too much, the stream goes on until that shows, and
// then anew from the first key frame that there is room for. So the picture moves as often as the rate
// carries, and everything that is sent can be decoded.
//
// A budget in stream time: it may be overdrawn by a key frame, which no rate near its stream's carries at
// once, and a little more.
// Plain C++; the caller locks.
#pragma once

#include <algorithm>
#include <cstdint>

#include "campaign/routing/access_unit.hpp"

namespace campaign::routing {

class Thinning {
 public:
  void set_rate(std::uint64_t bits_per_second) {  // 0: everything passes
    if (rate_ == 0) *this = {};
    rate_ = bits_per_second;
  }

  // `begins`: the viewer has nothing that the unit could need, which is a key frame then.
  bool passes(const AccessUnit& unit, bool begins) {
    if (rate_ == 0) return true;
    earn(unit.pts);
    if (unit.droppable) return credit_ >= bits(unit);
    return begins ? credit_ >= 0 : credit_ > -(key_frame_ + seconds_of(kOverdraft));
  }

  // What was let through.
  void spend(const AccessUnit& unit) {
    if (rate_ == 0) return;
    earn(unit.pts);
    credit_ -= bits(unit);
    if (unit.key_frame) key_frame_ = bits(unit);
    quiet_since_ = unit.pts;
  }

  // Between units that do not pass: a key frame would, and none has come for long.
  bool wants_key_frame(Nanoseconds pts) {
    if (rate_ == 0) return false;
    earn(pts);
    if (credit_ < 0 || pts - quiet_since_ < kPatience) return false;
    quiet_since_ = pts;
    return true;
  }

 private:
  static constexpr Nanoseconds kSaved = 250ms, kOverdraft = 250ms;  // as much time's worth of the rate
  // Of a stream whose own key frames are further apart, one is asked for so often, within the share that the
  // stream gives to requests.
  static constexpr Nanoseconds kPatience = 1s;

  static double bits(const AccessUnit& unit) { return 8.0 * unit.bytes; }
  double seconds_of(Nanoseconds time) const {
    return double(rate_) * std::chrono::duration<double>(time).count();
  }
  void earn(Nanoseconds pts) {
    if (earned_until_ == Nanoseconds::min()) quiet_since_ = earned_until_ = pts;
    if (pts > earned_until_)
      credit_ = std::min(credit_ + seconds_of(pts - earned_until_), seconds_of(kSaved));
    earned_until_ = std::max(earned_until_, pts);
  }

  std::uint64_t rate_ = 0;  // bit/s
  double credit_ = 0;       // bits
  double key_frame_ = 0;    // bits, of the last one
  Nanoseconds earned_until_ = Nanoseconds::min();
  Nanoseconds quiet_since_{};  // the last unit, or the last time a key frame was wanted
};

}  // namespace campaign::routing
