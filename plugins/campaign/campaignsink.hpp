// What campaignsink's files share: the instance, its settings, and what it does with streams and viewers.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "gstcampaignsink.hpp"
#include "gstcampaignsinkpad.hpp"
#include "viewer/audience.hpp"

namespace campaign {

struct Settings {
  std::string host = "127.0.0.1";
  guint port = 8080;
  Codec codec = Codec::h264;
  std::string encoder, stun_server, turn_servers, allowed_origins;
  guint64 bitrate = 0;
  Ladder ladder;
  std::string ladder_text;     // as it was set
  std::string ladder_refusal;  // what is wrong with the one that was set last; nothing starts with it
  guint ice_min_port = 0, ice_max_port = 0;
  guint max_viewers = 200;
  guint fec_percentage = 0;
  bool accept_viewers = true;
  bool qos = true;
  double frame_budget = FrameBudget::kDefaultShare;

  // What is wrong with them, or "": nothing starts with it.
  std::string refusal() const;
  double budget_in_force() const { return qos ? frame_budget : 0; }
};

struct CampaignSinkImpl {
  Guarded<Settings> settings;
  // Made in NULL→READY, gone in READY→NULL.
  Guarded<std::shared_ptr<viewer::Audience>> audience;
  std::atomic<unsigned> next_pad = 0;
};

}  // namespace campaign

struct _GstCampaignSink {
  GstBin parent;
  campaign::CampaignSinkImpl* impl;  // owned
};

enum {
  SIGNAL_VIEWER_ADDED,
  SIGNAL_VIEWER_REMOVED,
  SIGNAL_ENCODER_SETUP,
  SIGNAL_PAYLOADER_SETUP,
  SIGNAL_WEBRTCBIN_READY,
  SIGNAL_HTTP_SERVER_SETUP,
  SIGNAL_CAMPAIGN_WANTED,
  SIGNAL_REDIRECT_VIEWER,
  SIGNAL_REFUSE_VIEWER,
  SIGNAL_REMOVE_VIEWER,
  SIGNAL_MOVE_VIEWER,
  SIGNAL_SET_CAMPAIGN_STATE,
  SIGNAL_SET_OTHER_SERVERS,
  N_SIGNALS,
};
extern guint gst_campaign_sink_signals[N_SIGNALS];

GType gst_campaign_codec_get_type();

namespace campaign {

void install_signals(GObjectClass* klass);
void install_properties(GObjectClass* klass);

std::vector<Ref<GstCampaignSinkPad>> pads_of(GstCampaignSink* self);
std::shared_ptr<viewer::Audience> audience_of(GstCampaignSink* self);  // null in NULL

// State changes. What fails is on the bus when these return false.
bool open(GstCampaignSink* self);
void play(GstCampaignSink* self);
void end_streams(GstCampaignSink* self);
void close(GstCampaignSink* self);

// An input that joins or leaves while the element runs.
bool open_input(GstCampaignSink* self, GstCampaignSinkPad* pad);
void retire_renditions(GstCampaignSink* self, Input* input);

// The pad's input; null once it is released.
std::shared_ptr<Input> input_of(GstCampaignSinkPad* pad);

// On the streaming thread, before the caps go on to the encoder, or when the pad's ladder changed.
bool configure(GstCampaignSink* self, GstPad* pad, GstCaps* caps);

// What an element inside says, with the campaign among an error's details. Takes `message`; on any thread.
Ref<GstMessage> with_campaign(GstCampaignSink* self, Ref<GstMessage> message);

GstStructure* make_stats(GstCampaignSink* self);  // transfer full

}  // namespace campaign
