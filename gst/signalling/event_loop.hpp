// A GMainContext with a thread of its own, for the server: what it runs never competes with, and never
// depends on, the application's main loop.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <thread>

namespace campaign::signalling {

class EventLoop {
 public:
  explicit EventLoop(const char* thread_name);
  EventLoop(const EventLoop&) = delete;
  ~EventLoop();

  // Any thread. What is posted before stop() runs before the thread ends; later posts are dropped.
  void post(std::function<void()> job);
  // Runs `job` on the loop and returns when it is done; at once when called on the loop.
  void call(const std::function<void()>& job);
  // On the loop: `tick` until it returns false, first after one period. Ends with the loop.
  void every(unsigned milliseconds, std::function<bool()> tick);
  // Ends and joins the thread. Not from the loop itself.
  void stop();

  GMainContext* context() const { return context_; }

 private:
  GMainContext* context_;
  GMainLoop* loop_;
  std::thread thread_;
};

}  // namespace campaign::signalling
