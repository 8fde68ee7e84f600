// The one thread of all viewers' ICE: it drives libnice's timers, and whatever makes libnice begin something
// is asked of it there. webrtcbin's own agent (1.22) has a thread for every viewer, and GnuTLS, which libnice
// draws its random numbers from, keeps 230 bytes for every thread there has ever been (3.7.9, lib/random.c).
#pragma once

#include <gio/gio.h>

#include <functional>
#include <memory>
#include <string>

namespace campaign::viewer {

class IceThread {
 public:
  IceThread();
  IceThread(const IceThread&) = delete;
  ~IceThread();  // stop()

  GMainContext* context() const;

  // Any thread, as the next two. Jobs run in the order in which they were posted, none inside this call;
  // after stop() they run on the caller's thread, since there is no other one left.
  void post(std::function<void()> job);
  // Returns when `job` is done; at once when called on the thread.
  void call(const std::function<void()>& job);
  // Ends the thread when it has done what was posted and nobody keeps it. From the thread itself it does not
  // wait for the end.
  void stop();

  // On the thread, in a job: tells the first address of `host` there, if it is found. False: so many names
  // are being looked up already that this one is not, or the thread ends.
  bool resolve(const std::string& host, std::function<void(const std::string& address)> found);
  // On the thread, in a job: until the last copy of this goes, there, stop() lets the thread go on, but for
  // no longer than a few seconds.
  std::shared_ptr<void> keep();

 private:
  struct Loop;
  const std::shared_ptr<Loop> loop_;  // the thread's own, too
  GThread* thread_;                   // joined by the first stop()
};

}  // namespace campaign::viewer
