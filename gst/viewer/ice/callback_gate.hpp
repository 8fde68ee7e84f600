// What an object tells to somebody who may go away: calls go through the gate, and close() returns when none
// of them is inside any more and none will be. No lock is held during a call. Any thread.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace campaign::viewer {

class CallbackGate {
 public:
  // Calls `f`, unless the gate is closed.
  template <class F>
  void through(F&& f) {
    if (!enter()) return;
    f();
    leave();
  }

  // A call that the calling thread is in itself is not waited for.
  void close() {
    const auto self = std::this_thread::get_id();
    std::unique_lock lock(mutex_);
    closed_ = true;
    left_.wait(lock, [&] {
      return std::ranges::all_of(inside_, [self](std::thread::id each) { return each == self; });
    });
  }

 private:
  bool enter() {
    std::scoped_lock lock(mutex_);
    if (!closed_) inside_.push_back(std::this_thread::get_id());
    return !closed_;
  }

  void leave() {
    {
      std::scoped_lock lock(mutex_);
      inside_.erase(std::ranges::find(inside_, std::this_thread::get_id()));
    }
    left_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable left_;
  std::vector<std::thread::id> inside_;  // once for every call
  bool closed_ = false;
};

}  // namespace campaign::viewer
