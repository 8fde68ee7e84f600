// What stands behind one sink pad: clocksync, then either queue ! videoconvert ! encoder or, for video that
// comes encoded, queue ! parser, and at the end the tap that hands access units to the rendition.
// configure() runs on the upstream's streaming thread, open() and close() in state changes.
#pragma once

#include <gst/app/gstappsink.h>
#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "campaign/encoder_profile.hpp"
#include "encoder.hpp"
#include "util/gst_ptr.hpp"
#include "util/guarded.hpp"
#include "util/result.hpp"
#include "viewer/rendition.hpp"

namespace campaign {

struct InputSettings {
  Codec codec = Codec::h264;
  std::string encoder;        // empty: the best that opens
  std::uint64_t bitrate = 0;  // bit/s; 0: by the picture's size
};

class Input {
 public:
  // `bin` outlives this and owns the elements.
  explicit Input(GstBin* bin);
  ~Input();

  GstPad* entry() const { return entry_.get(); }  // what the ghost pad targets
  bool is_open() const { return bool(tap_.snapshot()); }

  Result<void> open(InputSettings settings, const std::function<void(GstElement*)>& encoder_setup);
  void close();

  // For the caps that are about to arrive. `rendition` receives the access units from here on.
  Result<void> configure(GstCaps* caps, std::shared_ptr<viewer::Rendition> rendition);
  std::shared_ptr<viewer::Rendition> rendition() const { return rendition_.snapshot(); }
  std::shared_ptr<viewer::Rendition> take_rendition();

  void set_bitrate(std::uint64_t bits_per_second);
  void set_epoch(GstClockTime epoch) { epoch_ = epoch; }
  void force_key_frame();

  static Ref<GstCaps> encoded_caps();

 private:
  struct Branch;

  Result<void> build_raw(double framerate);
  Result<void> build_encoded(Codec codec);
  Result<void> attach(std::unique_ptr<Branch> branch);
  void drop_branch();
  void apply_bitrate();
  GstFlowReturn take_unit(GstAppSink* appsink);

  GstBin* bin_;
  Ref<GstElement> clocksync_;
  Ref<GstPad> entry_;
  std::unique_ptr<Branch> branch_;  // state changes, and the streaming thread while they wait for it
  Guarded<InputSettings> settings_;
  Guarded<Ref<GstPad>> tap_;  // the sink pad of the branch's end
  Guarded<std::shared_ptr<viewer::Rendition>> rendition_;
  Guarded<OpenEncoder> encoder_;
  std::atomic<GstClockTime> epoch_ = GST_CLOCK_TIME_NONE;
  unsigned key_interval_ = 0;                         // frames, as the encoder has it; like branch_
  std::atomic<std::uint64_t> automatic_bitrate_ = 0;  // bit/s, of the current caps
  Ref<GstCaps> published_caps_;                       // tap's thread
};

}  // namespace campaign
