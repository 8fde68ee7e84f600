// What adaptivebitrate's files share: the instance, its settings, and what its task does.
#pragma once

#include <string>
#include <vector>

#include "encoder.hpp"
#include "gstadaptivebitrate.hpp"
#include "pacedsender.hpp"
#include "rtpoutput.hpp"
#include "util/guarded.hpp"

namespace campaign {

struct AdaptiveBitrateSettings {
  bool manual = false;
  guint64 bandwidth = 1'000'000, least = 150'000, most = 20'000'000, start = 500'000;  // bit/s
  std::string ladder;                    // JSON; empty: the default one
  std::string wished = "auto", highest;  // qualities; empty: any
  Ref<GstElement> encoder;
};

struct AdaptiveBitrateImpl {
  Guarded<AdaptiveBitrateSettings> settings;
  PacedSender sender;
  GstPad *sink_pad = nullptr, *src_pad = nullptr;  // the element's own

  // Of whoever pushes: the source's task, or the sink's thread at the end of a frame.
  RtpOutput output;
  std::uint16_t next_number = 0;
  std::vector<congestion::DataSize> sizes;  // of what is pushed together

  // Each of one thread.
  PacedSender::Step task_step, sink_step;
  // Of the source's task.
  bool looked_for_encoder = false;
  Ref<GstElement> found_encoder;
};

// One turn of the source's task: sends what is due and tells the others what changed.
void run_once(GstAdaptiveBitrate* self);

// A packet on the sink's thread, which sends at once what may go.
GstFlowReturn take_packet(GstAdaptiveBitrate* self, Ref<GstBuffer> packet);

// The ladder of the settings, checked.
Result<Ladder> ladder_of(const AdaptiveBitrateSettings& settings);

// The settings as they are, checked; for start().
Result<Adaptation::Settings> adaptation_settings(const AdaptiveBitrateSettings& settings);

GstStructure* make_stats(GstAdaptiveBitrate* self);  // transfer full

}  // namespace campaign

struct _GstAdaptiveBitrate {
  GstElement parent;
  campaign::AdaptiveBitrateImpl* impl;  // owned
};
