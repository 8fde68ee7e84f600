// One rung of a campaign as the audience knows it: its names, what it looks like, and the router's stream
// that its units go to. publish() runs on the encoder's streaming thread, everything else on any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "campaign/encoder_profile.hpp"
#include "campaign/frame_budget.hpp"
#include "campaign/ladder.hpp"
#include "campaign/routing/router.hpp"
#include "util/gst_ptr.hpp"
#include "util/guarded.hpp"
#include "viewer/droppable.hpp"

namespace campaign::viewer {

struct RenditionFormat {
  Codec codec = Codec::h264;
  int width = 0, height = 0;  // 0: not known yet
};

// What its server draws and encodes of a rung at the moment, and could if it were faster.
struct RenditionWork {
  FrameBudget::Work now, full;
  double load = 0;               // of the time there is for a picture; above 1 pictures are left out
  std::uint64_t frame_time = 0;  // nanoseconds to draw and encode one, at the last look
  bool lowered() const { return now != full; }
};

struct RenditionName {
  std::string campaign, quality;
  std::uint64_t rank = 0;     // bit/s of bandwidth that admit it
  bool below_ladder = false;  // for networks too slow for the lowest quality: nobody may choose it
};

class Rendition : public std::enable_shared_from_this<Rendition> {
 public:
  struct Upstream {  // what viewers ask of the stream; called on any thread, without a lock
    std::function<void()> force_key_frame;
    std::function<void(GstEvent*)> navigate;      // transfer full
    std::function<void(bool)> watched = nullptr;  // by anybody; not called before that changes
  };

  Rendition(RenditionName name, Upstream upstream)
      : name_(std::move(name)), rank_(name_.rank), upstream_(std::move(upstream)) {}

  const std::string& campaign() const { return name_.campaign; }
  const std::string& quality() const { return name_.quality; }
  bool is_namesake(const Rendition& other) const {
    return campaign() == other.campaign() && quality() == other.quality();
  }
  std::uint64_t rank() const { return rank_; }
  void set_rank(std::uint64_t rank) { rank_ = rank; }  // while it is in no router
  bool below_ladder() const { return name_.below_ladder; }
  std::optional<RenditionFormat> format() const { return format_.snapshot(); }
  std::optional<RenditionWork> work() const { return work_.snapshot(); }  // once some was measured
  std::string encoder() const { return encoder_.snapshot(); }
  std::shared_ptr<routing::Stream> stream() const { return stream_.snapshot(); }
  routing::StreamStats stats() const;
  bool is_watched() const;

  void set_format(RenditionFormat format);
  void set_encoder(std::string name);
  void set_work(const RenditionWork& work);
  void forget_format();  // the stream stopped
  void set_bitrate(std::uint64_t bits_per_second);
  std::uint64_t bitrate() const;  // as set, or as its rank lets expect

  // It has a format. Units before are nobody's.
  void join(routing::Router& router);
  void leave(routing::Router& router);

  // One access unit; its timestamps count from the audience's epoch.
  void publish(Ref<GstBuffer> unit);

  void navigate(GstEvent* event) { upstream_.snapshot().navigate(event); }
  void set_upstream(Upstream upstream);  // it goes on from another encoder

 private:
  class ToUpstream;

  const RenditionName name_;
  std::atomic<std::uint64_t> rank_;
  Guarded<Upstream> upstream_;
  Guarded<std::optional<RenditionFormat>> format_;
  Guarded<std::optional<RenditionWork>> work_;
  Guarded<std::string> encoder_;
  Guarded<std::uint64_t> bitrate_{0};
  Guarded<std::shared_ptr<routing::Stream>> stream_;
  DroppableUnits droppable_;  // publish()
};

// The rates of a campaign's rungs, for who chooses among them.
Ladder ladder_of(std::span<const std::shared_ptr<Rendition>> renditions, const std::string& campaign);

}  // namespace campaign::viewer
