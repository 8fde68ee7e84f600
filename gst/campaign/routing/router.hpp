// Who watches what: the streams and the viewers there are, and which stream each viewer goes to. The control
// side of routing; units pass between streams and viewers without it.
// Any thread; calls on it follow one another under its lock.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "campaign/routing/stream.hpp"
#include "campaign/routing/viewer.hpp"

namespace campaign::routing {

class Router {
 public:
  Router() = default;
  Router(const Router&) = delete;
  ~Router();  // lets go of all viewers

  std::shared_ptr<Stream> add_stream(StreamDescription description, StreamLimits limits,
                                     std::shared_ptr<StreamUpstream> upstream, Nanoseconds now);
  // Null: its campaign has that quality already.
  std::shared_ptr<Stream> add_only_stream(StreamDescription description, StreamLimits limits,
                                          std::shared_ptr<StreamUpstream> upstream, Nanoseconds now);
  // It is gone, and may be back: viewers of its campaign go to another rung, or wait.
  void remove_stream(const std::shared_ptr<Stream>& stream, Nanoseconds now);
  // It is over. Viewers go to another rung; with the last rung a campaign ends, and its viewers with it.
  void end_stream(const std::shared_ptr<Stream>& stream, Nanoseconds now);
  // Its timestamps begin anew after a flush. Returns the viewers that watched it: what they have been sent
  // is to be flushed as well, before resume_after_flush().
  std::vector<std::shared_ptr<Viewer>> flush_stream(const std::shared_ptr<Stream>& stream);
  void resume_after_flush(const std::shared_ptr<Viewer>& viewer, Nanoseconds now);

  std::shared_ptr<Viewer> add_viewer(Wish wish, ViewerLimits limits, Nanoseconds now);
  void remove_viewer(const std::shared_ptr<Viewer>& viewer);
  void wish(const std::shared_ptr<Viewer>& viewer, Wish wish, Nanoseconds now);
  // The bandwidth to a viewer, in bit/s, which chooses among qualities where the wish leaves the choice. It
  // is a sign of life, too.
  void estimate(const std::shared_ptr<Viewer>& viewer, std::uint64_t admits, Nanoseconds now);
  // Feedback has come from a viewer: it is alive. From the first sign on, silence pauses it.
  void heard_from(const std::shared_ptr<Viewer>& viewer, Nanoseconds now);

  std::vector<std::shared_ptr<Stream>> streams() const;
  std::vector<std::shared_ptr<Viewer>> viewers() const;

 private:
  // Does something under the lock, and settles what it touched without.
  template <class F>
  void change(F&& f);
  bool has_stream(const StreamDescription& like) const;
  void take_in(const std::shared_ptr<Stream>& stream, Nanoseconds now, Viewer::Touched& touched);
  std::shared_ptr<Stream> choose(const Viewer& viewer) const;
  void assign(const std::shared_ptr<Viewer>& viewer, Nanoseconds now, Viewer::Touched& touched);
  void drop_stream(const std::shared_ptr<Stream>& stream, bool over, Nanoseconds now);

  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Stream>> streams_;  // under mutex_, as below
  std::vector<std::shared_ptr<Viewer>> viewers_;
};

}  // namespace campaign::routing
