// Merges the key frame requests of all viewers of one rung, and keeps what they cost within a share of the
// rung's bitrate: a key frame is as large as many others, and an encoder at a constant rate pays for it with
// everybody's quality. One key frame serves all who asked since the last. Key frames that the encoder makes
// by itself serve them too, and cost nothing here.
// Plain C++; time is an argument, the caller locks.
#pragma once

#include <algorithm>
#include <cstdint>

#include "campaign/routing/access_unit.hpp"

namespace campaign::routing {

class KeyFrameRequests {
 public:
  static constexpr Nanoseconds kPatience = 1s;  // an encoder that ignored a request is asked again

  explicit KeyFrameRequests(double share) : share_(share) {}

  // Bit/s of the rung, as it is set or measured; 0 while it is not known, and then nothing is earned.
  void set_rate(std::uint64_t bits_per_second, Nanoseconds now) {
    earn(now);
    const bool is_first = rate_ == 0;
    rate_ = bits_per_second;
    if (is_first) credit_ = std::max(credit_, most());
  }

  // A viewer needs a key frame. True: ask the encoder now.
  bool request(Nanoseconds now) {
    if (wanted_) ++merged_;
    wanted_ = true;
    return ask_if_due(now);
  }

  // For every unit. True: ask the encoder now, for a request that had to wait.
  bool passed(const AccessUnit& unit, Nanoseconds now) {
    if (!unit.key_frame) return ask_if_due(now);
    const double cost = 8.0 * unit.bytes;
    earn(now);
    if (asked_) credit_ -= cost;
    cost_ = cost;
    wanted_ = asked_ = false;
    return false;
  }

  // Whether a request would be passed on at once, or has been passed on and is under way.
  bool can_be_soon(Nanoseconds now) {
    earn(now);
    return asked_ || affordable();
  }

  // The first viewer after a time without any: nobody is there who could lose quality.
  void restart(Nanoseconds now) {
    earned_until_ = now;
    credit_ = most();
    wanted_ = asked_ = false;
  }

  std::uint64_t asked() const { return asks_; }     // passed on to the encoder
  std::uint64_t merged() const { return merged_; }  // served by one that another had asked for

 private:
  // What may be saved up: one key frame, or two seconds' share where key frames are small.
  double most() const { return std::max(cost_, share_ * double(rate_) * 2); }

  void earn(Nanoseconds now) {
    if (earned_until_ == Nanoseconds::min()) {
      credit_ = most();
    } else if (now > earned_until_) {
      const double seconds = std::chrono::duration<double>(now - earned_until_).count();
      credit_ = std::min(most(), credit_ + share_ * double(rate_) * seconds);
    }
    earned_until_ = std::max(earned_until_, now);
  }

  bool affordable() const { return credit_ >= cost_ * 0.999; }  // its sum is of rounded numbers

  bool ask_if_due(Nanoseconds now) {
    if (!wanted_) return false;
    if (asked_ && now - asked_at_ < kPatience) return false;
    earn(now);
    if (!asked_ && !affordable()) return false;
    asked_ = true;
    asked_at_ = now;
    ++asks_;
    return true;
  }

  const double share_;
  std::uint64_t rate_ = 0;
  double credit_ = 0, cost_ = 0;  // bits; the cost is the last key frame's
  Nanoseconds earned_until_ = Nanoseconds::min(), asked_at_{};
  bool wanted_ = false, asked_ = false;
  std::uint64_t asks_ = 0, merged_ = 0;
};

}  // namespace campaign::routing
