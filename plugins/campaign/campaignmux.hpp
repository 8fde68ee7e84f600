// What campaignmux's files share: the router, and what the pads ask of the element.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "campaign/routing/router.hpp"
#include "gstcampaignmux.hpp"
#include "util/gst_ptr.hpp"
#include "util/guarded.hpp"

namespace campaign {

struct MuxSettings {
  double key_frame_share = 0.1;
  guint queue_size = 15;  // units
  GstClockTime feedback_timeout = 3 * GST_SECOND;
};

struct CampaignMuxImpl {
  routing::Router router;
  Guarded<MuxSettings> settings;
  std::atomic<unsigned> next_sink = 0, next_src = 0;
};

// The bandwidth, in bit/s, that admits a quality: the default ladder's for its names, else what an encoder at
// `bitrate` needs to stay at or below 90 % of it.
std::uint64_t rank_of(const std::string& quality, std::uint64_t bitrate);

CampaignMuxImpl& mux_of(GstPad* pad);  // of a pad that has its parent
std::vector<Ref<GstPad>> mux_pads(GstElement* mux, GstPadDirection direction);
// To where the stream comes from; takes the event.
gboolean send_upstream(const std::shared_ptr<routing::Stream>& stream, GstEvent* event);

// Set the functions of a new pad.
void set_up_mux_sink_pad(GstPad* pad);
void set_up_mux_src_pad(GstPad* pad);

GstStructure* stats_of(const routing::Stream& stream);  // transfer full, as below
GstStructure* stats_of(GstCampaignMuxSrcPad* pad);
// A flush of a stream is one of those who watch it: the pads where it has begun, to be given back when it
// stops. Who has left the stream meanwhile goes on, and who has come to it is flushed with the others. At the
// stop `stream` may be null: it may have ended.
std::vector<Ref<GstPad>> start_flush(GstElement* mux, const std::shared_ptr<routing::Stream>& stream);
void stop_flush(CampaignMuxImpl& mux, GstElement* element, const std::shared_ptr<routing::Stream>& stream,
                const std::vector<Ref<GstPad>>& flushing);

}  // namespace campaign
