// One viewer as the router knows it: what it wishes, which stream it watches and which it waits for, and
// what it still has to get. Streams offer on their threads, the viewer's own thread takes; neither waits for
// the other. Any thread, where nothing else is said.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "campaign/routing/delivery_queue.hpp"
#include "campaign/routing/stream.hpp"

namespace campaign::routing {

struct Wish {
  static constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();

  std::string campaign;       // one that is not there is waited for
  std::string quality;        // empty: chosen by `admits`
  std::uint64_t rank = kAny;  // of that quality: the nearest below is taken where the campaign lacks it
  std::uint64_t most = kAny;  // the highest rank that may be chosen

  bool operator==(const Wish&) const = default;
};

struct ViewerLimits {
  std::size_t queue = 15;              // units that may wait: half a second at 30 a second
  Nanoseconds feedback_timeout = 0ns;  // without a sign of life it is paused; 0: never
  std::uint64_t start_admits = 0;      // bandwidth that is assumed until somebody knows better, bit/s
};

struct ViewerStats {
  DeliveryCounts counts;
  std::size_t waiting = 0;
  std::uint64_t bytes = 0;   // delivered
  std::uint64_t pauses = 0;  // for want of feedback
  bool paused = false;
};

class Viewer : public std::enable_shared_from_this<Viewer> {
 public:
  enum class Outcome { unit, nothing, ended, gone };
  struct Delivery {
    Outcome outcome = Outcome::nothing;
    AccessUnit unit;
    // Where it comes from; stands until the next take().
    const StreamDescription* from = nullptr;
    bool changed = false;    // from another stream than the unit before, or it is the first
    bool after_gap = false;  // units before it were dropped
  };

  Viewer(Wish wish, ViewerLimits limits);

  // The viewer's own thread. `ended`: the campaign is over and everything has been delivered; `gone`: the
  // router has let go of the viewer.
  Delivery take(Nanoseconds now);
  // The viewer's own thread: until take() may have something new, at most so long.
  void await(Nanoseconds now, Nanoseconds at_most);
  // Ends an await() that is under way.
  void wake();

  void request_key_frame(Nanoseconds now);
  // What the viewer's network carries, in bit/s, where that is less than what it watches: the rest is left
  // out so that it can be decoded all the same. 0: nothing is left out.
  void thin_to(std::uint64_t bits_per_second);

  // Of the stream that is watched; null before the first. The stream that the viewer is to come to is next.
  std::shared_ptr<Stream> current() const;
  bool watches(const Stream& stream) const;  // or is about to
  std::shared_ptr<Stream> next() const;
  ViewerStats stats() const;

 private:
  friend class Stream;
  friend class Router;

  // What a stream learns when it offers a unit.
  struct Verdict {
    bool stays = true;             // as a watcher
    bool wants_key_frame = false;  // of this stream
    std::shared_ptr<Stream> left;  // the viewer has come over from there
  };
  Verdict offer(const Stream& stream, const AccessUnit& unit, Nanoseconds now);
  enum class Start { not_wanted, waits, started };
  // The stream takes the viewer on. `left` as above.
  Start start(const Stream& stream, std::span<const AccessUnit> cached, std::shared_ptr<Stream>& left);

  // Of the router. What is added to `touched` is to be settled once its lock is free.
  using Touched = std::vector<std::shared_ptr<Stream>>;
  // Null: what is watched goes on, if there is anything.
  void go_to(const std::shared_ptr<Stream>& stream, Nanoseconds now, Touched& touched);
  void lose(const std::shared_ptr<Stream>& stream, Touched& touched);  // it is gone
  void pause(Touched& touched);
  bool resume();  // whether it was paused
  void end(Touched& touched);
  void leave(Touched& touched);
  void restart_time(Touched& touched);
  int format() const;

  void watch_next_if_joined(std::uint32_t before, std::shared_ptr<Stream>& left);
  template <class F>
  void detach(F&& and_do, Touched& touched);

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool fresh_ = false;  // all below under mutex_: something happened since the last take()
  DeliveryQueue queue_;
  std::shared_ptr<Stream> current_, next_;
  struct Source {
    std::uint32_t generation = 0;
    std::shared_ptr<const StreamDescription> description;
  };
  Ring<Source> sources_;  // of what waits, the oldest first
  Source shown_;          // of the last unit taken
  std::uint64_t bytes_ = 0, pauses_ = 0;
  int format_ = 0;
  bool paused_ = false, ended_ = false, gone_ = false;
  std::optional<Nanoseconds> heard_;  // the last sign of life

  // The router's, under its lock.
  Wish wish_;
  std::uint64_t admits_;
  const ViewerLimits limits_;
};

}  // namespace campaign::routing
