// Bounds how much a viewer may ask of the server. Time is an argument, so that tests need no clock.
#pragma once

#include <algorithm>
#include <cstdint>

namespace campaign::signalling {

class TokenBucket {
 public:
  TokenBucket(double per_second, double burst) : per_second_(per_second), burst_(burst), tokens_(burst) {}

  // `now` in microseconds of any steady clock, never decreasing. False when the bucket is too empty.
  bool take(double tokens, std::int64_t now) {
    if (last_ != 0) tokens_ = std::min(burst_, tokens_ + per_second_ * double(now - last_) / 1e6);
    last_ = now;
    if (tokens_ < tokens) return false;
    tokens_ -= tokens;
    return true;
  }

 private:
  double per_second_, burst_, tokens_;
  std::int64_t last_ = 0;
};

}  // namespace campaign::signalling
