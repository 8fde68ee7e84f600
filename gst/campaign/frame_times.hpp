// How long a rung's pictures take, added up over windows. Two threads: the one that brings pictures, which
// also collects, and the one that draws and encodes them. No lock, nothing allocated.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace campaign {

struct FrameWindow {
  std::chrono::nanoseconds lasted{};
  std::uint64_t came = 0, done = 0;
  std::chrono::nanoseconds busy{};  // with those that were done
};

class FrameTimes {
 public:
  using Nanoseconds = std::chrono::nanoseconds;
  static constexpr Nanoseconds kWindow = std::chrono::milliseconds(500);

  // The drawing thread's.
  void done(Nanoseconds took) {
    busy_.fetch_add(took.count(), std::memory_order_relaxed);
    done_.fetch_add(1, std::memory_order_relaxed);
  }

  // The bringing thread's: a picture comes. The window that ends with it, if one does. Where none came for
  // long, a window says nothing, and a new one begins.
  std::optional<FrameWindow> came(Nanoseconds now) {
    if (!begun_ || now - *begun_ > 4 * kWindow) {
      begin(now);
      return std::nullopt;
    }
    ++came_;
    if (now - *begun_ < kWindow) return std::nullopt;
    const FrameWindow window{now - *begun_, came_, done_.exchange(0), Nanoseconds(busy_.exchange(0))};
    begun_ = now;
    came_ = 0;
    return window;
  }

 private:
  void begin(Nanoseconds now) {
    begun_ = now;
    came_ = 0;
    done_ = 0;
    busy_ = 0;
  }

  std::atomic<std::int64_t> busy_ = 0;  // nanoseconds
  std::atomic<std::uint64_t> done_ = 0;
  std::optional<Nanoseconds> begun_;
  std::uint64_t came_ = 0;
};

}  // namespace campaign
