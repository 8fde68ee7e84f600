// Data that several threads share, reachable only under its own lock.
// Never emit, post, push or notify inside `with`: collect what to say, leave, then say it.
#pragma once

#include <mutex>
#include <utility>

namespace campaign {

template <class T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  template <class F>
  decltype(auto) with(F&& f) {
    std::scoped_lock lock(mutex_);
    return std::forward<F>(f)(value_);
  }

  template <class F>
  decltype(auto) with(F&& f) const {
    std::scoped_lock lock(mutex_);
    return std::forward<F>(f)(value_);
  }

  T snapshot() const {
    std::scoped_lock lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

}  // namespace campaign
