// One thread that runs jobs in order: for work that must not happen on the caller's thread, such as taking
// down a pipeline from one of that pipeline's own callbacks. Joined by stop() or the destructor.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include <pthread.h>

namespace campaign {

class Worker {
 public:
  explicit Worker(const char* name) : thread_([this] { run(); }) {
    pthread_setname_np(thread_.native_handle(), name);
  }
  Worker(const Worker&) = delete;
  ~Worker() { stop(); }

  // Any thread. Refused once stop() has begun: the return value says whether `job` will run.
  bool post(std::function<void()> job) {
    {
      std::scoped_lock lock(mutex_);
      if (stopping_) return false;
      jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
  }

  // Runs what is queued, then joins. Not from the worker itself.
  void stop() {
    {
      std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    for (;;) {
      std::function<void()> job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;  // under mutex_
  bool stopping_ = false;                   // under mutex_
  std::thread thread_;                      // last: it uses the members above
};

}  // namespace campaign
