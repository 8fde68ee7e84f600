// One encoded stream of a campaign and the sessions that watch it. publish() runs on the encoder's
// streaming thread, everything else on any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "campaign/encoder_profile.hpp"
#include "util/gst_ptr.hpp"
#include "util/guarded.hpp"
#include "viewer/key_frame_requests.hpp"

namespace campaign::viewer {

class Session;

struct RenditionFormat {
  Codec codec = Codec::h264;
  int width = 0, height = 0;
};

struct RenditionRate {        // over the last full second
  std::uint64_t bitrate = 0;  // bit/s
  double framerate = 0;
  std::uint64_t frames = 0, key_frames = 0;  // since the start
};

class Rendition {
 public:
  struct Upstream {  // what viewers ask of the stream; called on any thread, without a lock
    std::function<void()> force_key_frame;
    std::function<void(GstEvent*)> navigate;  // transfer full
  };

  Rendition(std::string campaign, std::string quality, Upstream upstream);

  const std::string& campaign() const { return campaign_; }
  const std::string& quality() const { return quality_; }
  std::optional<RenditionFormat> format() const { return format_.snapshot(); }
  std::string encoder() const { return encoder_.snapshot(); }
  RenditionRate rate() const { return rate_.snapshot(); }

  void set_format(RenditionFormat format);
  void set_encoder(std::string name);
  void forget_format();  // the stream stopped

  // One access unit; its timestamps count from the audience's epoch.
  void publish(const Ref<GstBuffer>& unit, std::int64_t now);

  void add(std::shared_ptr<Session> session);
  void remove(const Session* session);
  void request_key_frame(std::int64_t now);
  void navigate(GstEvent* event) { upstream_.navigate(event); }

 private:
  using Sessions = std::vector<std::shared_ptr<Session>>;
  struct Window {
    std::int64_t since = 0;
    std::uint64_t bytes = 0, frames = 0;
  };

  void measure(std::size_t bytes, bool key_frame, std::int64_t now);

  const std::string campaign_, quality_;
  const Upstream upstream_;
  Guarded<std::optional<RenditionFormat>> format_;
  Guarded<std::string> encoder_;
  Guarded<RenditionRate> rate_;
  Guarded<KeyFrameRequests> requests_;
  Guarded<std::shared_ptr<const Sessions>> sessions_{std::make_shared<const Sessions>()};  // copied on write
  Window window_;                                                                          // streaming thread
};

}  // namespace campaign::viewer
