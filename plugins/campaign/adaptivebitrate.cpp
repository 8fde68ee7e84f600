// What adaptivebitrate's task does: it sends, and it tells the encoder, the elements upstream, the
// application and the bus what has changed. No lock is held here.
#include "adaptivebitrate.hpp"

#include <gst/video/video.h>

#include <initializer_list>
#include <utility>

#include "util/post.hpp"

namespace campaign {
namespace {

constexpr int kMostRepeats = 128;     // 120 kB: 40 ms at 24 Mbit/s
constexpr int kFarthestElement = 16;  // upstream; a pipeline that is longer may say what its encoder is

std::string factory_of(GstElement* element) {
  GstElementFactory* factory = gst_element_get_factory(element);
  return factory ? GST_OBJECT_NAME(factory) : "";
}

// A pad without a parent floats as long as it lives, so adopt() is too strict for it.
Ref<GstPad> peer_of(GstPad* pad) { return {Ref<GstPad>::Owned{}, gst_pad_get_peer(pad)}; }

// The elements upstream, the nearest first, as long as there is one way only; `look` says when to stop.
template <class F>
void look_upstream(GstPad* sink_pad, F&& look) {
  auto pad = share(sink_pad);
  for (int i = 0; i < kFarthestElement && pad; ++i) {
    auto peer = peer_of(pad.get());
    while (peer && GST_IS_GHOST_PAD(peer.get()) && GST_PAD_IS_SRC(peer.get()))  // into a bin
      peer = adopt(gst_ghost_pad_get_target(GST_GHOST_PAD(peer.get())));
    while (peer && GST_IS_PROXY_PAD(peer.get()) && !GST_IS_GHOST_PAD(peer.get())) {  // out of one
      auto ghost = adopt(gst_proxy_pad_get_internal(GST_PROXY_PAD(peer.get())));
      peer = ghost ? peer_of(GST_PAD(ghost.get())) : Ref<GstPad>();
    }
    auto element = peer ? adopt(gst_pad_get_parent_element(peer.get())) : Ref<GstElement>();
    if (!element || look(element.get()) || element.get()->numsinkpads != 1) return;
    pad = adopt(gst_element_get_static_pad(element.get(), "sink"));
  }
}

RtpOutput::Upstream who_is_upstream(GstPad* sink_pad) {
  auto upstream = RtpOutput::Upstream::forgets;
  look_upstream(sink_pad, [&](GstElement* element) {
    const std::string name = factory_of(element);
    if (name == "rtprtxsend")
      upstream = RtpOutput::Upstream::retransmits;
    else if (name.starts_with("rtprtx") || name.starts_with("rtpulpfec") || name.starts_with("rtpst2022"))
      upstream = RtpOutput::Upstream::keeps;
    return upstream != RtpOutput::Upstream::forgets;
  });
  return upstream;
}

Ref<GstElement> encoder_upstream(GstPad* sink_pad) {
  Ref<GstElement> found;
  look_upstream(sink_pad, [&](GstElement* element) {
    if (find_encoder_profile(factory_of(element))) found = share(element);
    return bool(found);
  });
  return found;
}

Ref<GstElement> encoder_of(AdaptiveBitrateImpl& impl) {
  auto set = impl.settings.with([](const AdaptiveBitrateSettings& settings) { return settings.encoder; });
  if (set) return set;
  if (!std::exchange(impl.looked_for_encoder, true)) impl.found_encoder = encoder_upstream(impl.sink_pad);
  return impl.found_encoder;
}

void tell_encoder(GstAdaptiveBitrate* self, std::uint64_t bitrate) {
  const auto encoder = encoder_of(*self->impl);
  if (!encoder) return;
  const std::string name = factory_of(encoder.get());
  if (const EncoderProfile* profile = find_encoder_profile(name)) {
    set_bitrate({profile, encoder}, bitrate);
  } else {
    post(GST_MESSAGE_WARNING, self, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
         Error("The bitrate of the encoder " + (name.empty() ? std::string("given") : name) +
               " cannot be set; give one that campaignsink knows, such as x264enc."));
  }
}

void tell_choice(GstAdaptiveBitrate* self, const Adaptation::Choice& choice) {
  GstStructure* event =
      gst_structure_new("campaign-quality", "quality", G_TYPE_STRING, choice.quality.c_str(), "bitrate",
                        G_TYPE_UINT64, choice.bitrate, "particles", G_TYPE_UINT, choice.particles, nullptr);
  // The bitrate is less than the quality's own then.
  if (choice.too_slow) gst_structure_set(event, "too-slow", G_TYPE_BOOLEAN, TRUE, nullptr);
  GstStructure* message = gst_structure_copy(event);
  gst_structure_set(message, "reason", G_TYPE_STRING, choice.reason.c_str(), nullptr);
  if (const auto statistics = self->impl->sender.statistics())
    gst_structure_set(message, "estimate", G_TYPE_UINT64, statistics->estimate, nullptr);
  tell_encoder(self, choice.bitrate);
  gst_pad_push_event(self->impl->sink_pad, gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, event));
  if (!choice.other_quality) {
    gst_structure_free(message);
    return;
  }
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), message));
  g_object_notify(G_OBJECT(self), "quality");
}

void tell(GstAdaptiveBitrate* self, const PacedSender::News& news) {
  GstPad* sink_pad = self->impl->sink_pad;
  if (news.estimate) g_object_notify(G_OBJECT(self), "estimated-bitrate");
  if (news.choice) tell_choice(self, *news.choice);
  if (news.alive)  // campaignmux pauses a viewer of which it hears nothing
    gst_pad_push_event(sink_pad, gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                                                      gst_structure_new_empty("campaign-feedback")));
  if (news.want_key_frame)
    gst_pad_push_event(sink_pad, gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
  if (news.nothing_measured) {
    post(GST_MESSAGE_WARNING, self, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
         Error("The bandwidth cannot be estimated: the packets carry no transport-wide number. Add "
               "rtphdrexttwcc to the payloader and its extmap to the caps, or set mode=manual."));
  }
}

// Of a probe, or to hear whether a silent viewer is still there. What comes back goes through our queue.
void ask_for_repeats(AdaptiveBitrateImpl& impl, congestion::DataSize all) {
  for (int i = 0; i < kMostRepeats && all > congestion::DataSize(); ++i) {
    auto repeat = impl.output.ask_for_repeat();
    if (!repeat) return;
    impl.sender.expect_repeat(repeat->number);
    gst_pad_push_event(impl.sink_pad, repeat->event.release());
    all -= repeat->size;
  }
}

void send_event(AdaptiveBitrateImpl& impl, Ref<GstEvent> event) {
  if (GST_EVENT_TYPE(event.get()) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event.get(), &caps);
    impl.output.set_caps(caps, who_is_upstream(impl.sink_pad));
  }
  const GstStructure* structure = gst_event_get_structure(event.get());
  if (GST_EVENT_TYPE(event.get()) == GST_EVENT_CUSTOM_DOWNSTREAM && structure &&
      gst_structure_has_name(structure, "campaign-switched"))
    impl.sender.adapt(
        [](Adaptation& adaptation, congestion::Timestamp now) { adaptation.on_source_changed(now); });
  gst_pad_push_event(impl.src_pad, event.release());
}

// Packets of one frame go through everything downstream together, down to the socket.
GstFlowReturn push_packets(AdaptiveBitrateImpl& impl, std::vector<Ref<GstBuffer>>& packets) {
  if (packets.size() == 1) return gst_pad_push(impl.src_pad, packets.front().release());
  GstBufferList* list = gst_buffer_list_new_sized(guint(packets.size()));
  for (auto& packet : packets) gst_buffer_list_add(list, packet.release());
  return gst_pad_push_list(impl.src_pad, list);
}

GstFlowReturn send_packets(AdaptiveBitrateImpl& impl, PacedSender::Step& step) {
  if (step.packets.empty()) {
    auto padding = impl.output.padding(impl.next_number);
    if (!padding) return GST_FLOW_OK;
    impl.sizes.assign(1, RtpOutput::size_on_wire(padding.get()));
    step.packets.push_back(std::move(padding));
  } else {
    impl.sizes.clear();
    for (auto& packet : step.packets) {
      const auto number = std::uint16_t(impl.next_number + impl.sizes.size());
      if (impl.output.number(packet, number))
        impl.sizes.push_back(RtpOutput::size_on_wire(packet.get()));
      else
        impl.sender.sent_without_number();
    }
  }
  if (!impl.sizes.empty()) impl.sender.sent(impl.next_number, impl.sizes, step.probe, step.pad);
  impl.next_number = std::uint16_t(impl.next_number + impl.sizes.size());
  impl.sender.set_padding(impl.output.can_pad(), impl.output.can_repeat());
  const GstFlowReturn flow = push_packets(impl, step.packets);
  impl.sender.set_flow(flow);
  return flow;
}

}  // namespace

void run_once(GstAdaptiveBitrate* self) {
  auto& impl = *self->impl;
  PacedSender::Step& step = impl.task_step;
  impl.sender.next(step);
  if (step.stopped) {
    gst_pad_pause_task(impl.src_pad);
    return;
  }
  tell(self, step.news);
  ask_for_repeats(impl, step.news.repeats);
  if (step.event)
    send_event(impl, std::move(step.event));
  else if (!step.packets.empty() || step.pad)
    send_packets(impl, step);
}

GstFlowReturn take_packet(GstAdaptiveBitrate* self, Ref<GstBuffer> packet) {
  auto& impl = *self->impl;
  GstFlowReturn flow = impl.sender.enqueue(std::move(packet));
  while (impl.sender.next_at_once(impl.sink_step)) flow = send_packets(impl, impl.sink_step);
  return flow;
}

Result<Ladder> ladder_of(const AdaptiveBitrateSettings& settings) {
  return settings.ladder.empty() ? Result<Ladder>(Ladder())
                                 : Ladder::parse(settings.ladder, Ladder::Use::rates);
}

Result<Adaptation::Settings> adaptation_settings(const AdaptiveBitrateSettings& settings) {
  using congestion::DataRate;
  const auto rate = [](guint64 bps) { return DataRate::bps(std::int64_t(bps)); };
  Adaptation::Settings result;
  result.network = {.start = rate(settings.start),
                    .least = rate(settings.least),
                    .most = rate(std::max(settings.least, settings.most))};
  if (settings.manual) result.by_hand = rate(settings.bandwidth);
  auto ladder = ladder_of(settings);
  if (!ladder) return ladder.error();
  result.ladder = std::move(*ladder);
  return result;
}

GstStructure* make_stats(GstAdaptiveBitrate* self) {
  GstStructure* stats = gst_structure_new_empty("application/x-adaptivebitrate-stats");
  const auto statistics = self->impl->sender.statistics();
  if (!statistics) return stats;
  const auto& network = statistics->network;
  gst_structure_set(
      stats, "estimate", G_TYPE_UINT64, statistics->estimate, "quality", G_TYPE_STRING,
      statistics->quality.c_str(), "reason", G_TYPE_STRING, statistics->reason.c_str(), "switches",
      G_TYPE_UINT64, statistics->switches, "loss", G_TYPE_DOUBLE, network.loss, "queueing-delay",
      G_TYPE_UINT64, guint64(std::max<std::int64_t>(network.queueing.ns(), 0)), "overuse", G_TYPE_BOOLEAN,
      gboolean(network.usage == congestion::Usage::overuse), "silent", G_TYPE_BOOLEAN,
      gboolean(network.silent), "too-slow", G_TYPE_BOOLEAN, gboolean(statistics->too_slow), nullptr);
  if (network.acknowledged)
    gst_structure_set(stats, "acknowledged", G_TYPE_UINT64, guint64(network.acknowledged->bps()), nullptr);
  if (network.round_trip)
    gst_structure_set(stats, "round-trip", G_TYPE_UINT64, guint64(network.round_trip->ns()), nullptr);
  const std::initializer_list<std::pair<const char*, std::uint64_t>> counts = {
      {"thin-to", statistics->thin_to},
      {"feedback", statistics->feedback},
      {"packets", statistics->packets},
      {"bytes", statistics->bytes},
      {"padding-packets", statistics->padding},
      {"padding-bytes", statistics->padding_bytes},
      {"repeat-bytes", statistics->repeat_bytes},
      {"probes", statistics->probes},
      {"dropped", statistics->dropped},
      {"repairs", statistics->repairs},
      {"repairs-refused", statistics->repairs_refused},
      {"queued", statistics->queued},
      {"longest-wait", statistics->longest_wait}};
  for (const auto& [name, count] : counts)
    gst_structure_set(stats, name, G_TYPE_UINT64, guint64(count), nullptr);
  return stats;
}

}  // namespace campaign
