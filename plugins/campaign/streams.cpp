// What campaignsink does with its streams: opens inputs and audience, gives each input its rendition, and
// takes all of it down again.
#include "campaignsink.hpp"

#include <gst/video/video.h>

#include "upstream.hpp"

namespace campaign {
namespace {

viewer::AudienceSettings audience_settings(const Settings& settings) {
  viewer::AudienceSettings out;
  out.server = {settings.host, settings.port, settings.max_viewers,
                viewer::split_list(settings.allowed_origins)};
  out.fec = settings.fec_percentage;
  out.accept_viewers = settings.accept_viewers;
  out.ice = {settings.stun_server, viewer::split_list(settings.turn_servers), settings.ice_min_port,
             settings.ice_max_port};
  return out;
}

std::string page_address(const Settings& settings, unsigned port, const std::string& campaign) {
  std::string host = settings.host;
  if (host == "0.0.0.0" || host == "::") host = "127.0.0.1";
  if (host.find(':') != host.npos) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(port) + "/?campaign=" + campaign;
}

viewer::Audience::Events audience_events(GstCampaignSink* self) {
  viewer::Audience::Events events;
  events.viewer_added = [self](const std::string& peer, const std::string& campaign) {
    g_signal_emit(self, gst_campaign_sink_signals[SIGNAL_VIEWER_ADDED], 0, peer.c_str(), campaign.c_str());
  };
  events.viewer_removed = [self](const std::string& peer, const std::string& campaign) {
    g_signal_emit(self, gst_campaign_sink_signals[SIGNAL_VIEWER_REMOVED], 0, peer.c_str(), campaign.c_str());
  };
  events.webrtcbin_ready = [self](const std::string& peer, GstElement* webrtcbin) {
    g_signal_emit(self, gst_campaign_sink_signals[SIGNAL_WEBRTCBIN_READY], 0, peer.c_str(), webrtcbin);
  };
  events.payloader_setup = [self](const std::string& peer, GstElement* payloader) {
    g_signal_emit(self, gst_campaign_sink_signals[SIGNAL_PAYLOADER_SETUP], 0, peer.c_str(), payloader);
  };
  events.may_wait = [self] {
    return g_signal_has_handler_pending(self, gst_campaign_sink_signals[SIGNAL_CAMPAIGN_WANTED], 0, FALSE) !=
           FALSE;
  };
  events.campaign_wanted = [self](const signalling::Visitor& visitor) {
    g_signal_emit(self, gst_campaign_sink_signals[SIGNAL_CAMPAIGN_WANTED], 0, visitor.peer.c_str(),
                  visitor.campaign.c_str(), visitor.context.c_str());
  };
  return events;
}

viewer::Rendition::Upstream upstream_of(const std::shared_ptr<RungBranch>& rung) {
  // The rendition may outlive the rung by the moment in which a viewer's message is under way.
  const std::weak_ptr<RungBranch> weak = rung;
  viewer::Rendition::Upstream upstream;
  upstream.force_key_frame = [weak] {
    if (const auto alive = weak.lock())
      alive->send_upstream(gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
  };
  upstream.navigate = [weak](GstEvent* event) {
    if (const auto alive = weak.lock())
      alive->send_upstream(event);
    else
      gst_event_unref(event);
  };
  if (rung->encodes())
    upstream.watched = [weak](bool by_anybody) {
      if (const auto alive = weak.lock()) alive->set_watched(by_anybody);
    };
  return upstream;
}

constexpr const char* kCampaign = "campaign";  // in an error's details

std::string campaign_of(GstPad* pad) {
  const PadNames names = impl(GST_CAMPAIGN_SINK_PAD(pad)).names.snapshot();
  return names.campaign.empty() ? upstream_campaign(pad) : names.campaign;
}

}  // namespace

std::vector<Ref<GstCampaignSinkPad>> pads_of(GstCampaignSink* self) {
  std::vector<Ref<GstCampaignSinkPad>> pads;
  GST_OBJECT_LOCK(self);
  for (GList* item = GST_ELEMENT(self)->sinkpads; item; item = item->next)
    pads.push_back(share(GST_CAMPAIGN_SINK_PAD(item->data)));
  GST_OBJECT_UNLOCK(self);
  return pads;
}

std::shared_ptr<Input> input_of(GstCampaignSinkPad* pad) { return impl(pad).input.snapshot(); }

std::shared_ptr<viewer::Audience> audience_of(GstCampaignSink* self) {
  return self->impl->audience.snapshot();
}

bool open_input(GstCampaignSink* self, GstCampaignSinkPad* pad) {
  const Settings settings = self->impl->settings.snapshot();
  const auto input = input_of(pad);
  if (!input) return false;
  const auto opened = input->open(
      {settings.codec, settings.encoder, settings.bitrate, settings.ladder, settings.budget_in_force()},
      [self, pad](GstElement* encoder) {
        g_signal_emit(self, gst_campaign_sink_signals[SIGNAL_ENCODER_SETUP], 0, pad, encoder);
      });
  if (!opened) {
    GST_ELEMENT_ERROR(self, CORE, MISSING_PLUGIN, ("%s", opened.error().for_user().c_str()),
                      ("%s", opened.error().detail().c_str()));
    return false;
  }
  gst_ghost_pad_set_target(GST_GHOST_PAD(pad), input->entry());
  return true;
}

bool open(GstCampaignSink* self) {
  if (const auto refusal = self->impl->settings.snapshot().refusal(); !refusal.empty()) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", refusal.c_str()), (nullptr));
    return false;
  }
  for (const auto& pad : pads_of(self))
    if (!open_input(self, pad.get())) return false;
  auto settings = audience_settings(self->impl->settings.snapshot());
  settings.server.setup = [self](SoupServer* server) {
    g_signal_emit(self, gst_campaign_sink_signals[SIGNAL_HTTP_SERVER_SETUP], 0, server);
  };
  auto audience = std::make_shared<viewer::Audience>(std::move(settings), audience_events(self));
  if (const auto opened = audience->open(); !opened) {
    GST_ELEMENT_ERROR(self, RESOURCE, OPEN_READ_WRITE, ("%s", opened.error().for_user().c_str()),
                      ("%s", opened.error().detail().c_str()));
    return false;
  }
  self->impl->audience.with([&](auto& current) { current = std::move(audience); });
  g_object_notify(G_OBJECT(self), "port");
  return true;
}

void close(GstCampaignSink* self) {
  self->impl->audience.with([](auto& current) { return std::exchange(current, nullptr); }).reset();
  for (const auto& pad : pads_of(self))
    if (const auto input = input_of(pad.get())) input->close();
}

void play(GstCampaignSink* self) {
  auto clock = adopt(gst_element_get_clock(GST_ELEMENT(self)));
  if (!clock) clock = adopt(gst_system_clock_obtain());
  const auto audience = audience_of(self);
  const GstClockTime epoch = audience->play(clock, gst_element_get_base_time(GST_ELEMENT(self)));
  for (const auto& pad : pads_of(self))
    if (const auto input = input_of(pad.get())) input->set_epoch(epoch);
}

void retire_renditions(GstCampaignSink* self, Input* input) {
  const auto audience = audience_of(self);
  for (const auto& rendition : input->take_renditions()) {
    rendition->forget_format();
    if (audience) audience->remove(rendition);
  }
}

void end_streams(GstCampaignSink* self) {
  if (const auto audience = audience_of(self)) audience->end_sessions();
  for (const auto& pad : pads_of(self))
    if (const auto input = input_of(pad.get())) retire_renditions(self, input.get());
}

bool configure(GstCampaignSink* self, GstPad* pad, GstCaps* caps) {
  auto& pad_impl = impl(GST_CAMPAIGN_SINK_PAD(pad));
  const auto input = input_of(GST_CAMPAIGN_SINK_PAD(pad));
  const auto audience = audience_of(self);
  if (!input || !input->is_open() || !audience) return false;
  if (const auto epoch = audience->epoch()) input->set_epoch(*epoch);
  const PadNames names = pad_impl.names.snapshot();
  const std::string campaign = campaign_of(pad);
  pad_impl.changed = false;
  input->set_ladder(names.ladder ? *names.ladder : self->impl->settings.snapshot().ladder);
  audience->limit_viewers(campaign, names.max_viewers);
  std::vector<std::shared_ptr<viewer::Rendition>> added, retired;
  const auto make = [&](const std::shared_ptr<RungBranch>& rung, std::shared_ptr<viewer::Rendition> before) {
    if (before) {
      before->set_upstream(upstream_of(rung));
      audience->rank(before, rung->plan().rank);
      return before;
    }
    added.push_back(std::make_shared<viewer::Rendition>(
        viewer::RenditionName{campaign, rung->plan().quality, rung->plan().rank, rung->plan().below_ladder},
        upstream_of(rung)));
    return added.back();
  };
  const auto refuse = [&](const Error& error) {
    GST_ELEMENT_ERROR_WITH_DETAILS(self, RESOURCE, SETTINGS, ("%s", error.for_user().c_str()),
                                   ("%s", error.detail().c_str()),
                                   (kCampaign, G_TYPE_STRING, campaign.c_str(), nullptr));
    return false;
  };
  if (const auto configured = input->configure(caps, names.quality, make, retired); !configured)
    return refuse(configured.error());
  const auto taken = audience->add(added);
  if (taken) retire_renditions(self, input.get());
  for (const auto& rendition : retired) audience->remove(rendition);  // last: their viewers have where to go
  if (taken)
    return refuse(Error("Campaign " + campaign + " already has the quality " + *taken +
                        "; set other values of campaign or quality on " + GST_PAD_NAME(pad) + "."));
  if (added.empty()) return true;
  const std::string address = page_address(self->impl->settings.snapshot(), audience->port(), campaign);
  // Twice, since gst-launch-1.0 prints the second half only.
  const std::string advice = "Watch campaign " + campaign + " at " + address;
  GST_ELEMENT_INFO(self, RESOURCE, OPEN_READ_WRITE, ("%s", advice.c_str()), ("%s", advice.c_str()));
  return true;
}

Ref<GstMessage> with_campaign(GstCampaignSink* self, Ref<GstMessage> message) {
  if (GST_MESSAGE_TYPE(message.get()) != GST_MESSAGE_ERROR) return message;
  GstObject* source = GST_MESSAGE_SRC(message.get());
  for (const auto& pad : pads_of(self)) {
    const auto input = input_of(pad.get());
    if (!source || !input || !input->has(source)) continue;
    GError* error = nullptr;
    char* debug = nullptr;
    const GstStructure* known = nullptr;
    gst_message_parse_error(message.get(), &error, &debug);
    gst_message_parse_error_details(message.get(), &known);
    GstStructure* details = known ? gst_structure_copy(known) : gst_structure_new_empty("details");
    gst_structure_set(details, kCampaign, G_TYPE_STRING, campaign_of(GST_PAD(pad.get())).c_str(), nullptr);
    auto told = adopt(gst_message_new_error_with_details(source, error, debug, details));
    gst_message_set_seqnum(told.get(), gst_message_get_seqnum(message.get()));
    g_error_free(error);
    g_free(debug);
    return told;
  }
  return message;
}

}  // namespace campaign
