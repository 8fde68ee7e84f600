// One campaign in the stage's pipeline: a bin with its particlesrc, and the pad of campaignsink that it
// feeds. start() and stop() run on a thread that may wait; the rest on any.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "pipelines/server/campaign_spec.hpp"
#include "util/gst_ptr.hpp"
#include "util/guarded.hpp"
#include "util/result.hpp"

namespace campaign::server {

class Stage;

class World {
 public:
  // `stage` outlives this.
  World(Stage& stage, std::string campaign, CampaignSpec spec);
  World(const World&) = delete;
  ~World();  // has stopped, or never started

  // Returns when the device is ready, which takes seconds where shaders are compiled.
  Result<void> start();
  void stop();

  // Scene, particles, ladder and limits, with the next frame.
  void change(const CampaignSpec& spec);

  bool contains(GstObject* element) const;
  std::uint64_t frames() const { return frames_; }  // handed to campaignsink so far

 private:
  static GstPadProbeReturn count(GstPad*, GstPadProbeInfo*, gpointer self);
  void set_pad(GstPad* pad, const CampaignSpec& spec);

  Stage& stage_;
  const std::string campaign_;
  Guarded<CampaignSpec> spec_;
  Ref<GstElement> bin_, source_;
  Guarded<Ref<GstPad>> pad_;
  std::atomic<std::uint64_t> frames_ = 0;
  bool in_pipeline_ = false;  // start() and stop()
};

}  // namespace campaign::server
