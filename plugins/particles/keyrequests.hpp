// Requests for key updates that wait for their time, as GstForceKeyUnit carries them. Plain; the caller
// locks.
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <array>
#include <optional>

namespace campaign {

class KeyRequests {
 public:
  struct Request {
    GstClockTime at = GST_CLOCK_TIME_NONE;  // running time; none for the next update
    gboolean all_headers = FALSE;
    guint count = 0;
  };

  // More than can be remembered are due at once.
  void add(Request request) {
    if (waiting_ == kMost) request.at = GST_CLOCK_TIME_NONE, --waiting_;
    all_[waiting_++] = request;
  }
  void clear() { waiting_ = 0; }

  // Takes all that are due at a running time; the last one of them, for one key update answers all.
  std::optional<Request> take(GstClockTime running_time) {
    auto due = [&](const Request& r) {
      return !GST_CLOCK_TIME_IS_VALID(r.at) || !GST_CLOCK_TIME_IS_VALID(running_time) || r.at <= running_time;
    };
    const auto end = all_.begin() + waiting_;
    const auto left = std::stable_partition(all_.begin(), end, [&](const Request& r) { return !due(r); });
    if (left == end) return std::nullopt;
    const Request last = *(end - 1);
    waiting_ = static_cast<unsigned>(left - all_.begin());
    return last;
  }

 private:
  static constexpr unsigned kMost = 16;
  std::array<Request, kMost> all_{};
  unsigned waiting_ = 0;
};

}  // namespace campaign
