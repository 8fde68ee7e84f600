// One encoded stream, a rung of a campaign, and the viewers that get its units.
//
// publish() runs on the stream's own thread and takes this stream's lock and then each viewer's, never one
// that another stream needs; it allocates nothing. Everything else on any thread. What the stream has to say
// upstream is said without a lock.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "campaign/routing/gop_cache.hpp"
#include "campaign/routing/key_frame_requests.hpp"

namespace campaign::routing {

class Viewer;

struct StreamDescription {
  std::string campaign, quality;
  int format = 0;             // of the owner's choosing: a viewer stays with one
  std::uint64_t rank = 0;     // orders the rungs of a campaign: bit/s of bandwidth that admit this one
  std::uint64_t bitrate = 0;  // bit/s, as the encoder is set; 0: what is measured
};

// What a stream asks of its encoder. Called without a lock, by one thread at a time.
class StreamUpstream {
 public:
  virtual ~StreamUpstream() = default;
  virtual void force_key_frame() = 0;
  // Whether anybody is there: once when the stream begins, then whenever the first one comes or the last one
  // goes.
  virtual void watched(bool by_anybody) = 0;
};

struct StreamStats {
  std::uint64_t units = 0, key_frames = 0, bytes = 0;  // since the start
  std::uint64_t key_frames_asked = 0;                  // of the encoder
  std::uint64_t key_frame_requests_merged = 0;         // served by one that another viewer had asked for
  std::uint64_t bitrate = 0;                           // bit/s, over the last full second
  double framerate = 0;                                // likewise
  std::size_t watchers = 0;
};

struct StreamLimits {
  double key_frame_share = 0.1;  // of the bitrate, for key frames on request
  GopCacheLimits cache;
};

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(StreamDescription description, StreamLimits limits, std::shared_ptr<StreamUpstream> upstream);

  const StreamDescription& description() const { return *description_; }
  std::shared_ptr<const StreamDescription> shared_description() const { return description_; }

  const std::shared_ptr<StreamUpstream>& upstream() const { return upstream_; }

  void publish(const AccessUnit& unit, Nanoseconds now);
  // What comes next has nothing to do with what came before (a flush): nobody starts from the cache.
  void interrupt();

  void request_key_frame(Nanoseconds now);
  void set_bitrate(std::uint64_t bits_per_second, Nanoseconds now);
  bool is_watched() const;
  StreamStats stats() const;

 private:
  friend class Viewer;
  friend class Router;

  // After these, and with no lock held, settle() says upstream what has changed. add() returns the stream
  // that the viewer has left for this one, from where it is to be removed.
  [[nodiscard]] std::shared_ptr<Stream> add(const std::shared_ptr<Viewer>& viewer, Nanoseconds now);
  void remove(const Viewer* viewer);
  void settle();
  std::vector<std::shared_ptr<Viewer>> watchers() const;
  bool start_is_cheap(Nanoseconds now);
  void measure(const AccessUnit& unit, Nanoseconds now);

  struct Window {
    Nanoseconds since = Nanoseconds::min();
    std::uint64_t bytes = 0, units = 0;
  };
  struct Leaving {  // a viewer that has come over from another stream
    std::shared_ptr<Stream> from;
    std::shared_ptr<Viewer> viewer;
  };

  const std::shared_ptr<const StreamDescription> description_;
  const std::shared_ptr<StreamUpstream> upstream_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Viewer>> watchers_;  // all below under mutex_
  GopCache cache_;
  KeyFrameRequests requests_;
  StreamStats stats_;
  Window window_;
  std::uint64_t set_bitrate_ = 0;
  bool ask_ = false;              // for a key frame, with the next settle()
  std::optional<bool> told_;      // what upstream knows of watchers
  bool telling_ = false;          // somebody is telling it
  std::vector<Leaving> leaving_;  // publishing thread only
};

}  // namespace campaign::routing
