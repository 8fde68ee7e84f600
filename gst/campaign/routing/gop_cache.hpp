// The current group of pictures of one stream, from its key frame on: a viewer that joins can start from
// here, where a new key frame would cost everybody. Bounded: a group that grows too long is forgotten until
// the next key frame.
// Plain C++; the caller locks.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "campaign/routing/access_unit.hpp"

namespace campaign::routing {

struct GopCacheLimits {
  std::size_t units = 150;
  std::size_t bytes = 1024 * 1024;
};

class GopCache {
 public:
  explicit GopCache(GopCacheLimits limits) : limits_(limits) {}

  void add(const AccessUnit& unit, Nanoseconds now) {
    const bool goes_back = !units_.empty() && unit.pts <= units_.back().pts;
    if (unit.key_frame || goes_back) clear();
    if (units_.empty() && !unit.key_frame) return;
    if (units_.size() >= limits_.units || bytes_ + unit.bytes > limits_.bytes) {
      clear();
      return;
    }
    units_.push_back(unit);
    bytes_ += unit.bytes;
    newest_ = now;
  }

  void clear() {
    units_.clear();  // keeps its memory
    bytes_ = 0;
  }

  // Empty, or everything from a key frame up to the stream's last unit.
  std::span<const AccessUnit> units() const { return units_; }
  Nanoseconds length() const {
    return units_.empty() ? Nanoseconds{} : units_.back().pts - units_.front().pts;
  }
  Nanoseconds age(Nanoseconds now) const { return now - newest_; }  // since the last unit came

 private:
  const GopCacheLimits limits_;
  std::vector<AccessUnit> units_;
  std::size_t bytes_ = 0;
  Nanoseconds newest_{};
};

}  // namespace campaign::routing
