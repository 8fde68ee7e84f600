// See rung_branch.hpp.
#include "rung_branch.hpp"

#include <gst/video/video.h>

namespace campaign {
namespace {

constexpr guint kQueuedFrames = 2;

Result<Ref<GstElement>> make(const char* element, const char* package) {
  auto made = sink(gst_element_factory_make(element, nullptr));
  if (made) return made;
  return Error("The element " + std::string(element) + " is missing; install it with: apt-get install " +
               package);
}

Result<Ref<GstElement>> make_filter(const std::string& caps_text) {
  auto filter = make("capsfilter", "libgstreamer1.0-0");
  if (!filter) return filter;
  auto caps = adopt(gst_caps_from_string(caps_text.c_str()));
  g_object_set(filter->get(), "caps", caps.get(), nullptr);
  return filter;
}

}  // namespace

RungBranch::RungBranch(RungPlan plan, Codec codec)
    : plan_(std::move(plan)), codec_(codec), budget_({plan_.particles, plan_.framerate}) {
  if (plan_.max_framerate > 0) framerate_limit_ = plan_.max_framerate;
}

Result<std::shared_ptr<RungBranch>> RungBranch::encoding(RungPlan plan, OpenEncoder encoder) {
  std::shared_ptr<RungBranch> rung(new RungBranch(plan, encoder.profile->codec));
  rung->encoder_ = encoder;
  auto& elements = rung->elements_;
  std::string failure;
  const auto add = [&](Result<Ref<GstElement>> made) -> GstElement* {
    if (!made) {
      if (failure.empty()) failure = made.error().for_user();
      return nullptr;
    }
    elements.push_back(*made);
    return elements.back().get();
  };
  const std::string size = plan.width > 0 ? "video/x-raw,width=" + std::to_string(plan.width) +
                                                ",height=" + std::to_string(plan.height)
                                          : "";
  if (plan.particles > 0) {
    rung->renderer_ = add(make("particlerender", "gst-campaign"));
    if (rung->renderer_) g_object_set(rung->renderer_, "particles", guint(plan.particles), nullptr);
  } else if (!size.empty()) {
    add(make("videoscale", "gstreamer1.0-plugins-base"));
  }
  if (!size.empty()) add(make_filter(size));
  // Pictures are left out before the queue; the encoder is to know. Before what converts, since capssetter
  // lets nobody upstream know what the encoder takes.
  if (plan.max_framerate > 0) {
    if (auto* rate = add(make("capssetter", "gstreamer1.0-plugins-good"))) {
      auto caps = adopt(
          gst_caps_new_simple("video/x-raw", "framerate", GST_TYPE_FRACTION, plan.max_framerate, 1, nullptr));
      g_object_set(rate, "caps", caps.get(), nullptr);
    }
  }
  add(make("videoconvert", "gstreamer1.0-plugins-base"));
  set_key_interval(encoder, key_interval(plan.framerate));
  elements.push_back(encoder.element);
  add(make_filter(std::string(encoder.profile->caps)));
  if (!failure.empty()) return Error(failure);
  rung->set_bitrate(plan.bitrate);
  return rung;
}

Result<std::shared_ptr<RungBranch>> RungBranch::passing(RungPlan plan, Codec codec) {
  std::shared_ptr<RungBranch> rung(new RungBranch(std::move(plan), codec));
  rung->watched_ = true;
  if (codec == Codec::h264) {
    auto parser = make("h264parse", "gstreamer1.0-plugins-bad");
    auto filter = make_filter("video/x-h264,stream-format=byte-stream,alignment=au");
    if (!parser) return parser.error();
    if (!filter) return filter.error();
    rung->elements_ = {*parser, *filter};
  }
  return rung;
}

Result<void> RungBranch::attach(GstBin* bin, GstElement* before, const char* pad_name) {
  auto queue = make("queue", "libgstreamer1.0-0");
  auto tap = make("appsink", "gstreamer1.0-plugins-base");
  if (!queue) return queue.error();
  if (!tap) return tap.error();
  g_object_set(queue->get(), "max-size-buffers", kQueuedFrames, "max-size-bytes", 0, "max-size-time",
               guint64(0), nullptr);
  // Encoded units depend on each other: what is too late is dropped per viewer, up to a key frame.
  if (encodes()) gst_util_set_object_arg(G_OBJECT(queue->get()), "leaky", "downstream");
  g_object_set(tap->get(), "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, "max-buffers", 1,
               "qos", FALSE, nullptr);
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = [](GstAppSink* appsink, gpointer self) {
    return static_cast<RungBranch*>(self)->take_unit(appsink);
  };
  gst_app_sink_set_callbacks(GST_APP_SINK(tap->get()), &callbacks, this, nullptr);
  elements_.insert(elements_.begin(), *queue);
  elements_.push_back(*tap);

  bin_ = bin;
  for (const auto& element : elements_) gst_bin_add(bin_, element.get());
  tap_.with([&](auto& pad) { pad = adopt(gst_element_get_static_pad(tap->get(), "sink")); });
  auto entry = adopt(gst_element_get_static_pad(queue->get(), "sink"));
  gst_pad_add_probe(entry.get(), GST_PAD_PROBE_TYPE_BUFFER, admit, this, nullptr);
  if (encodes()) {  // a probe sees a buffer before what happens to it, and never after
    const auto first = adopt(gst_element_get_static_pad(elements_[1].get(), "sink"));
    chain_ = GST_PAD_CHAINFUNC(first.get());
    gst_pad_set_chain_function_full(first.get(), timed_chain, this, nullptr);
  }
  bool linked = true;
  for (std::size_t i = 1; i < elements_.size(); ++i)
    // Unchecked: with encoded video upstream, a raw branch stands until the caps come.
    linked = linked && gst_element_link_pads_full(elements_[i - 1].get(), "src", elements_[i].get(), "sink",
                                                  GST_PAD_LINK_CHECK_NOTHING);
  // Sinks first, so that nothing arrives at an element that is not ready.
  for (auto element = elements_.rbegin(); element != elements_.rend(); ++element)
    gst_element_sync_state_with_parent(element->get());
  const bool on_request = std::string_view(pad_name).ends_with("%u");
  feeder_ = adopt(on_request ? gst_element_request_pad_simple(before, pad_name)
                             : gst_element_get_static_pad(before, pad_name));
  linked = linked && feeder_ &&
           gst_pad_link_full(feeder_.get(), entry.get(), GST_PAD_LINK_CHECK_NOTHING) == GST_PAD_LINK_OK;
  if (linked) return {};
  detach();
  return Error("The video cannot be handed to the encoder.", "the elements do not link");
}

void RungBranch::detach() {
  if (!bin_) return;
  tap_.with([](auto& pad) { pad = {}; });
  if (feeder_) {
    if (auto peer = adopt(gst_pad_get_peer(feeder_.get()))) gst_pad_unlink(feeder_.get(), peer.get());
    GstPadTemplate* made_from = GST_PAD_PAD_TEMPLATE(feeder_.get());
    if (made_from && GST_PAD_TEMPLATE_PRESENCE(made_from) == GST_PAD_REQUEST) {
      const auto tee = adopt(gst_pad_get_parent_element(feeder_.get()));
      if (tee) gst_element_release_request_pad(tee.get(), feeder_.get());
    }
    feeder_ = {};
  }
  for (const auto& element : elements_) {
    gst_element_set_locked_state(element.get(), TRUE);
    gst_element_set_state(element.get(), GST_STATE_NULL);
    gst_bin_remove(bin_, element.get());
    gst_element_set_locked_state(element.get(), FALSE);
  }
  bin_ = nullptr;
}

// The bin may have been about to change the state of an element when it was taken out, and may have done so
// after: now it is certain.
RungBranch::~RungBranch() {
  detach();
  for (const auto& element : elements_) gst_element_set_state(element.get(), GST_STATE_NULL);
}

bool RungBranch::suits(const RungPlan& plan) const {
  const auto interval = [](const RungPlan& of) { return key_interval(of.framerate); };
  return plan.width == plan_.width && plan.height == plan_.height && plan.particles == plan_.particles &&
         plan.max_framerate == plan_.max_framerate && (!encodes() || interval(plan) == interval(plan_));
}

void RungBranch::set_plan(const RungPlan& plan) {
  plan_ = plan;
  if (const FrameBudget::Work full{plan.particles, plan.framerate}; full != budget_.full()) {
    budget_ = FrameBudget(full);
    apply(full);
  }
  set_bitrate(plan.bitrate);
}

std::string RungBranch::encoder_name() const {
  return encodes() ? std::string(encoder_.profile->factory) : "none";
}

bool RungBranch::has(GstObject* element) const {
  for (const auto& own : elements_)
    if (element == GST_OBJECT(own.get()) || gst_object_has_as_ancestor(element, GST_OBJECT(own.get())))
      return true;
  return false;
}

void RungBranch::set_rendition(std::shared_ptr<viewer::Rendition> rendition) {
  rendition_.with([&](auto& current) { current = std::move(rendition); });
}

void RungBranch::set_watched(bool by_anybody) {
  if (watched_.exchange(by_anybody) != by_anybody) waking_ = by_anybody;
}

void RungBranch::set_bitrate(std::uint64_t bits_per_second) {
  if (!encodes() || bits_per_second == 0) return;
  campaign::set_bitrate(encoder_, bits_per_second);
  if (const auto rendition = rendition_.snapshot()) rendition->set_bitrate(bits_per_second);
}

void RungBranch::send_upstream(GstEvent* event) {
  if (const auto pad = tap_.snapshot())
    gst_pad_push_event(pad.get(), event);
  else
    gst_event_unref(event);
}

// On the thread that feeds the rung, for every picture.
GstPadProbeReturn RungBranch::admit(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<RungBranch*>(data);
  if (!self->encodes()) return GST_PAD_PROBE_OK;
  if (!self->is_drawing()) return GST_PAD_PROBE_DROP;
  if (self->waking_) {
    if (self->world_ && !self->world_->has(self->particles())) return GST_PAD_PROBE_DROP;
    self->waking_ = false;
  }
  const GstClockTime pts = GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info));
  if (self->framerate_limit_ <= 0 || !GST_CLOCK_TIME_IS_VALID(pts)) {
    self->measure();
    return GST_PAD_PROBE_OK;
  }
  const auto step = GstClockTime(GST_SECOND / self->framerate_limit_);
  if (pts + step / 8 < self->next_due_ && self->next_due_ - pts <= step) return GST_PAD_PROBE_DROP;
  const bool steady = pts < self->next_due_ + step && self->next_due_ <= pts + step;
  self->next_due_ = (steady ? self->next_due_ : pts) + step;
  self->measure();
  return GST_PAD_PROBE_OK;
}

// On the queue's thread: until the encoder has taken the picture, or given it back as a unit.
GstFlowReturn RungBranch::timed_chain(GstPad* pad, GstObject* parent, GstBuffer* buffer) {
  auto* self = static_cast<RungBranch*>(pad->chaindata);
  const gint64 begun = g_get_monotonic_time();
  const GstFlowReturn flow = self->chain_(pad, parent, buffer);
  self->times_.done(std::chrono::microseconds(g_get_monotonic_time() - begun));
  return flow;
}

// On the thread that feeds the rung, for every picture that is let in.
void RungBranch::measure() {
  const std::chrono::nanoseconds now = std::chrono::microseconds(g_get_monotonic_time());
  const auto window = times_.came(now);
  if (!window) return;
  budget_.set_share(budget_share_);
  const auto changed = budget_.update(now, *window);
  const auto rendition = rendition_.snapshot();
  if (changed) apply(*changed);
  if (!rendition) return;
  const viewer::RenditionWork work{budget_.work(), budget_.full(), budget_.load(),
                                   std::uint64_t(budget_.frame_time().count())};
  rendition->set_work(work);
  if (!changed) return;
  auto* told = gst_structure_new(
      "campaign-load", "campaign", G_TYPE_STRING, rendition->campaign().c_str(), "quality", G_TYPE_STRING,
      rendition->quality().c_str(), "particles", G_TYPE_UINT, work.now.particles, "framerate-limit",
      G_TYPE_DOUBLE, work.now.framerate, "frame-time", G_TYPE_UINT64, guint64(work.frame_time), "load",
      G_TYPE_DOUBLE, work.load, "lowered", G_TYPE_BOOLEAN, gboolean(work.lowered()), nullptr);
  gst_element_post_message(GST_ELEMENT(bin_), gst_message_new_element(GST_OBJECT(bin_), told));
}

void RungBranch::apply(const FrameBudget::Work& work) {
  if (renderer_) g_object_set(renderer_, "particles", guint(work.particles), nullptr);
  const bool all = work.framerate >= budget_.full().framerate;
  framerate_limit_ = all ? double(plan_.max_framerate) : work.framerate;
}

GstFlowReturn RungBranch::take_unit(GstAppSink* appsink) {
  auto sample = adopt(gst_app_sink_pull_sample(appsink));
  if (!sample) return GST_FLOW_EOS;
  const auto rendition = rendition_.snapshot();
  GstBuffer* encoded = gst_sample_get_buffer(sample.get());
  GstCaps* caps = gst_sample_get_caps(sample.get());
  const GstSegment* segment = gst_sample_get_segment(sample.get());
  const GstClockTime epoch = epoch_;
  if (!rendition || !encoded || !caps || epoch == GST_CLOCK_TIME_NONE) return GST_FLOW_OK;

  if (published_caps_.get() != caps) {
    viewer::RenditionFormat format{codec_};
    gst_structure_get(gst_caps_get_structure(caps, 0), "width", G_TYPE_INT, &format.width, "height",
                      G_TYPE_INT, &format.height, nullptr);
    published_caps_ = share(caps);
    rendition->set_format(std::move(format));
  }

  const GstClockTime time =
      GST_BUFFER_PTS_IS_VALID(encoded) ? GST_BUFFER_PTS(encoded) : GST_BUFFER_DTS(encoded);
  const GstClockTime running = gst_segment_to_running_time(segment, GST_FORMAT_TIME, time);
  if (!GST_CLOCK_TIME_IS_VALID(running)) return GST_FLOW_OK;  // outside the segment: nobody should see it
  // Only the metadata changes, once for everybody.
  auto unit = adopt(gst_buffer_copy(encoded));
  GST_BUFFER_PTS(unit.get()) = running + gst_element_get_base_time(GST_ELEMENT(appsink)) - epoch;
  GST_BUFFER_DTS(unit.get()) = GST_CLOCK_TIME_NONE;
  rendition->publish(startable_.complete(codec_, std::move(unit)));
  warm_ = true;
  return GST_FLOW_OK;
}

}  // namespace campaign
