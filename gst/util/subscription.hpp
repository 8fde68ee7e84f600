// Being called back, and the right to end it. One thread: the one that subscribes, calls and ends.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace campaign {

// Whoever holds it is called; once it is gone no call comes any more. May outlive what it was given by.
class [[nodiscard]] Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::function<void()> end) : end_(std::move(end)) {}
  Subscription(Subscription&& other) noexcept : end_(std::exchange(other.end_, nullptr)) {}
  Subscription& operator=(Subscription&& other) noexcept {
    if (this != &other) {
      reset();
      end_ = std::exchange(other.end_, nullptr);
    }
    return *this;
  }
  ~Subscription() { reset(); }

  void reset() {
    if (auto end = std::exchange(end_, nullptr)) end();
  }

 private:
  std::function<void()> end_;
};

// Those who are called, in the order in which they came. A callback may add and end subscriptions, its own
// included: who is added meanwhile is first called the next time. It may destroy the list too.
template <class... Arguments>
class Subscribers {
 public:
  using Callback = std::function<void(Arguments...)>;

  Subscribers() = default;
  Subscribers(const Subscribers&) = delete;
  ~Subscribers() {
    for (const auto& entry : *entries_) *entry = nullptr;  // a call that goes round at this moment ends
  }

  Subscription add(Callback callback) {
    auto entry = std::make_shared<Callback>(std::move(callback));
    entries_->push_back(entry);
    return Subscription([entries = std::weak_ptr(entries_), entry]() mutable {
      if (auto alive = entries.lock()) std::erase(*alive, entry);
      *entry = nullptr;  // a call that goes round at this moment passes it by
    });
  }

  bool empty() const { return entries_->empty(); }

  void call(Arguments... arguments) const {
    const auto round = *entries_;
    for (const auto& entry : round) {
      const Callback callback = *entry;  // which lives on while it ends its own subscription
      if (callback) callback(arguments...);
    }
  }

 private:
  using Entries = std::vector<std::shared_ptr<Callback>>;
  std::shared_ptr<Entries> entries_ = std::make_shared<Entries>();
};

}  // namespace campaign
