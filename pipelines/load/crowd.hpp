// Part of the viewers of a run, on one thread: when each joins, switches, leaves and comes back, all from a
// seed.
#pragma once

#include <random>
#include <vector>

#include "pipelines/load/options.hpp"
#include "pipelines/load/viewing.hpp"
#include "util/guarded.hpp"

namespace campaign::load {

// A glance at a crowd while it runs.
struct Progress {
  unsigned joined = 0, failed = 0;
  std::uint64_t frames = 0, bytes = 0, freezes = 0, broken = 0, requests = 0;
};

class Crowd {
 public:
  // Has the viewers `first`, `first + step`, … of options.viewers.
  Crowd(const Options& options, const DtlsIdentity& identity, unsigned first, unsigned step);

  // Blocks until the run is over, or `stop` was called. The thread must have no other main context.
  std::vector<ViewingResult> run(Time begin);
  void stop();                                                // any thread
  Progress progress() const { return progress_.snapshot(); }  // any thread

 private:
  struct Viewer {
    unsigned number = 0;
    std::mt19937_64 random;
    std::unique_ptr<Viewing> viewing;
    std::optional<Time> join_at, switch_at, leave_at;
    Time first_join_at{};
    std::string url;                   // of the WebSocket that it watches
    std::vector<std::string> servers;  // others, as it was told
    std::size_t next_server = 0;
    std::optional<Time> last_frame;  // of the viewing before, which this one follows
    bool settled = false;            // has seen a frame once, or will not
  };
  struct Leaving {
    std::unique_ptr<SignallingClient> socket;
    Time until;
  };

  void tick();
  void tick(Viewer& viewer, Time now);
  void join(Viewer& viewer, Time now);
  void leave(Viewer& viewer, Time now, bool politely);
  bool follow(Viewer& viewer, Time now);
  void switch_quality(Viewer& viewer, Time now);
  Time soon(Viewer& viewer, Time mean);
  void publish(Time now);

  const Options& options_;
  const DtlsIdentity& identity_;
  ContextPtr context_;
  LoopPtr loop_;
  ObjectPtr<SoupSession> session_;
  std::vector<Viewer> viewers_;
  std::vector<Leaving> leaving_;
  std::vector<ViewingResult> results_;
  Progress past_;  // of viewings that are over
  Time published_{};
  std::optional<Time> settled_;  // when all viewers were
  Guarded<Progress> progress_;
};

}  // namespace campaign::load
