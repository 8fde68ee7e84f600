// Merges the key frame requests of all viewers of one encoder. A key frame costs as much as many others:
// one serves all who asked since the last, and they come no closer than kKeyFrameSpacing.
// Plain C++; time is an argument, the caller locks.
#pragma once

#include <cstdint>

namespace campaign::viewer {

class KeyFrameRequests {
 public:
  static constexpr std::int64_t kSpacing = 300'000;     // microseconds between key frames on request
  static constexpr std::int64_t kPatience = 1'000'000;  // an encoder that ignored a request is asked again

  // A viewer needs a key frame. True: ask the encoder now.
  bool request(std::int64_t now) {
    wanted_ = true;
    return due(now);
  }

  // For every encoded frame. True: ask the encoder now, for a request that had to wait.
  bool frame(bool key_frame, std::int64_t now) {
    if (key_frame) {
      wanted_ = asked_ = false;
      last_key_frame_ = now;
      return false;
    }
    return due(now);
  }

 private:
  bool due(std::int64_t now) {
    if (!wanted_) return false;
    if (asked_ && now - asked_at_ < kPatience) return false;
    if (last_key_frame_ != 0 && now - last_key_frame_ < kSpacing) return false;
    asked_ = true;
    asked_at_ = now;
    return true;
  }

  bool wanted_ = false, asked_ = false;
  std::int64_t asked_at_ = 0, last_key_frame_ = 0;
};

}  // namespace campaign::viewer
