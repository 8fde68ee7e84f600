// Decides for one viewer which encoded frames it gets: it starts on a key frame, and when it falls behind it
// loses everything up to the next key frame, never a frame that later ones need.
// Plain C++; the caller locks.
#pragma once

#include <cstdint>

namespace campaign::viewer {

class KeyFrameGate {
 public:
  explicit KeyFrameGate(unsigned capacity) : capacity_(capacity) {}

  // `waiting`: frames handed over and not yet sent.
  bool admit(bool key_frame, std::uint64_t waiting) {
    if (open_ && waiting >= capacity_) {
      open_ = false;
      overflowed_ = true;
    }
    // After an overflow the backlog must have drained, or the key frame would only overflow it again.
    if (!open_ && key_frame && waiting < (capacity_ + 1) / 2) open_ = true;
    if (open_) {
      overflowed_ = false;
      return true;
    }
    if (overflowed_) ++dropped_;
    return false;
  }

  // The stream changes: nothing more until a key frame of the new one.
  void close() {
    open_ = false;
    overflowed_ = false;
  }

  bool is_open() const { return open_; }
  std::uint64_t dropped() const { return dropped_; }  // withheld because the viewer was too slow

 private:
  unsigned capacity_;
  bool open_ = false;
  bool overflowed_ = false;
  std::uint64_t dropped_ = 0;
};

}  // namespace campaign::viewer
