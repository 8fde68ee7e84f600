// What campaignsink does with its streams: opens inputs and audience, gives each input its rendition, and
// takes all of it down again.
#include "campaignsink.hpp"

#include "campaign/ladder.hpp"

namespace campaign {
namespace {

viewer::AudienceSettings audience_settings(const Settings& settings) {
  viewer::AudienceSettings out;
  out.server = {settings.host, settings.port, settings.max_viewers,
                viewer::split_list(settings.allowed_origins)};
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
  return events;
}

std::shared_ptr<viewer::Rendition> make_rendition(GstPad* pad, const PadNames& names, Input* input) {
  viewer::Rendition::Upstream upstream;
  // The rendition may outlive the pad by the moment in which a viewer's message is under way; `input` stands
  // until the audience has let go of the rendition.
  auto weak = std::shared_ptr<GWeakRef>(new GWeakRef, [](GWeakRef* ref) {
    g_weak_ref_clear(ref);
    delete ref;
  });
  g_weak_ref_init(weak.get(), pad);
  upstream.force_key_frame = [weak, input] {
    auto alive = adopt(static_cast<GstPad*>(g_weak_ref_get(weak.get())));
    if (alive) input->force_key_frame();
  };
  upstream.navigate = [weak](GstEvent* event) {
    auto alive = adopt(static_cast<GstPad*>(g_weak_ref_get(weak.get())));
    if (alive)
      gst_pad_push_event(alive.get(), event);
    else
      gst_event_unref(event);
  };
  static const Ladder ladder;
  const auto rung = ladder.find(names.quality);
  return std::make_shared<viewer::Rendition>(
      viewer::RenditionName{names.campaign.empty() ? upstream_campaign(pad) : names.campaign, names.quality,
                            rung ? ladder[*rung].threshold : 0},
      std::move(upstream));
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

std::shared_ptr<viewer::Audience> audience_of(GstCampaignSink* self) {
  return self->impl->audience.snapshot();
}

bool open_input(GstCampaignSink* self, GstCampaignSinkPad* pad) {
  const Settings settings = self->impl->settings.snapshot();
  Input* input = impl(pad).input.get();
  const auto opened =
      input->open({settings.codec, settings.encoder, settings.bitrate}, [self, pad](GstElement* encoder) {
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
  for (const auto& pad : pads_of(self))
    if (!open_input(self, pad.get())) return false;
  auto audience = std::make_shared<viewer::Audience>(audience_settings(self->impl->settings.snapshot()),
                                                     audience_events(self));
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
    if (auto* input = impl(pad.get()).input.get()) input->close();
}

void play(GstCampaignSink* self) {
  auto clock = adopt(gst_element_get_clock(GST_ELEMENT(self)));
  if (!clock) clock = adopt(gst_system_clock_obtain());
  const auto audience = audience_of(self);
  const GstClockTime epoch = audience->play(clock, gst_element_get_base_time(GST_ELEMENT(self)));
  for (const auto& pad : pads_of(self))
    if (auto* input = impl(pad.get()).input.get()) input->set_epoch(epoch);
}

void retire_rendition(GstCampaignSink* self, Input* input) {
  auto rendition = input->take_rendition();
  if (!rendition) return;
  rendition->forget_format();
  if (const auto audience = audience_of(self)) audience->remove(rendition);
}

void end_streams(GstCampaignSink* self) {
  if (const auto audience = audience_of(self)) audience->end_sessions();
  for (const auto& pad : pads_of(self))
    if (auto* input = impl(pad.get()).input.get()) retire_rendition(self, input);
}

bool configure(GstCampaignSink* self, GstPad* pad, GstCaps* caps) {
  auto& pad_impl = impl(GST_CAMPAIGN_SINK_PAD(pad));
  Input* input = pad_impl.input.get();
  const auto audience = audience_of(self);
  if (!input || !input->is_open() || !audience) return false;
  if (const auto epoch = audience->epoch()) input->set_epoch(*epoch);
  auto rendition = input->rendition();
  const bool is_new = !rendition;
  if (is_new) {
    rendition = make_rendition(pad, pad_impl.names.snapshot(), input);
    if (audience->serves(rendition->campaign(), rendition->quality())) {
      GST_ELEMENT_ERROR(
          self, RESOURCE, SETTINGS,
          ("Campaign %s already has the quality %s; set other values of campaign or quality on %s.",
           rendition->campaign().c_str(), rendition->quality().c_str(), GST_PAD_NAME(pad)),
          (nullptr));
      return false;
    }
  }
  if (const auto configured = input->configure(caps, rendition); !configured) {
    GST_ELEMENT_ERROR(self, CORE, MISSING_PLUGIN, ("%s", configured.error().for_user().c_str()),
                      ("%s", configured.error().detail().c_str()));
    return false;
  }
  if (!is_new) return true;
  audience->add(rendition);
  const std::string address =
      page_address(self->impl->settings.snapshot(), audience->port(), rendition->campaign());
  // Twice, since gst-launch-1.0 prints the second half only.
  const std::string advice = "Watch campaign " + rendition->campaign() + " at " + address;
  GST_ELEMENT_INFO(self, RESOURCE, OPEN_READ_WRITE, ("%s", advice.c_str()), ("%s", advice.c_str()));
  return true;
}

}  // namespace campaign
