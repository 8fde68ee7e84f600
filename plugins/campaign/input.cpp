// See input.hpp.
//
// clocksync comes first: it holds a source that is not live to the clock, on that source's own thread, so
// that the leaky queue behind it drops frames only when the encoder is slower than real time. A frame is
// drawn ahead of its time, leaves at its time, and is encoded and sent at once.
#include "input.hpp"

#include <gst/video/video.h>

#include <vector>

namespace campaign {
namespace {

constexpr guint kQueuedFrames = 2;

std::string missing(const char* element, const char* package) {
  return "The element " + std::string(element) + " is missing; install it with: apt-get install " + package;
}

}  // namespace

struct Input::Branch {
  Codec codec;
  bool encoded;                           // as it came in
  std::vector<Ref<GstElement>> elements;  // in the order of the flow, the tap last
};

Input::Input(GstBin* bin) : bin_(bin) {
  clocksync_ = sink(gst_element_factory_make("clocksync", nullptr));
  if (!clocksync_) return;
  gst_bin_add(bin_, clocksync_.get());
  entry_ = adopt(gst_element_get_static_pad(clocksync_.get(), "sink"));
}

Input::~Input() {
  close();
  if (!clocksync_) return;
  gst_element_set_locked_state(clocksync_.get(), TRUE);
  gst_element_set_state(clocksync_.get(), GST_STATE_NULL);
  gst_bin_remove(bin_, clocksync_.get());
}

Ref<GstCaps> Input::encoded_caps() {
  return adopt(gst_caps_from_string("video/x-h264,stream-format=byte-stream,alignment=au;video/x-vp8"));
}

Result<void> Input::open(InputSettings settings, const std::function<void(GstElement*)>& encoder_setup) {
  if (!clocksync_) return Error(missing("clocksync", "gstreamer1.0-plugins-base"));
  auto encoder = open_encoder(settings.codec, settings.encoder);
  if (!encoder) return encoder.error();
  encoder_setup(encoder->element.get());
  settings_.with([&](auto& current) { current = std::move(settings); });
  encoder_.with([&](auto& current) { current = *encoder; });
  gst_element_sync_state_with_parent(clocksync_.get());
  return build_raw(0);
}

void Input::close() {
  drop_branch();
  encoder_.with([](auto& encoder) { encoder = {}; });
  epoch_ = GST_CLOCK_TIME_NONE;
}

std::shared_ptr<viewer::Rendition> Input::take_rendition() {
  return rendition_.with([](auto& rendition) { return std::exchange(rendition, nullptr); });
}

// Encoders take their key interval before they start only, and it depends on the frame rate: a branch is
// built for one rate, on a guess at first.
Result<void> Input::build_raw(double framerate) {
  drop_branch();  // which leaves the encoder in NULL
  const OpenEncoder encoder = encoder_.snapshot();
  key_interval_ = key_interval(framerate);
  set_key_interval(encoder, key_interval_);
  auto branch = std::make_unique<Branch>(Branch{encoder.profile->codec, false, {}});
  auto convert = sink(gst_element_factory_make("videoconvert", nullptr));
  auto filter = sink(gst_element_factory_make("capsfilter", nullptr));
  if (!convert || !filter) return Error(missing("videoconvert", "gstreamer1.0-plugins-base"));
  auto caps = adopt(gst_caps_from_string(std::string(encoder.profile->caps).c_str()));
  g_object_set(filter.get(), "caps", caps.get(), nullptr);
  branch->elements = {convert, encoder.element, filter};
  return attach(std::move(branch));
}

Result<void> Input::build_encoded(Codec codec) {
  auto branch = std::make_unique<Branch>(Branch{codec, true, {}});
  if (codec == Codec::h264) {
    auto parser = sink(gst_element_factory_make("h264parse", nullptr));
    auto filter = sink(gst_element_factory_make("capsfilter", nullptr));
    if (!parser || !filter) return Error(missing("h264parse", "gstreamer1.0-plugins-bad"));
    auto caps = adopt(gst_caps_from_string("video/x-h264,stream-format=byte-stream,alignment=au"));
    g_object_set(filter.get(), "caps", caps.get(), nullptr);
    branch->elements = {parser, filter};
  }
  return attach(std::move(branch));
}

Result<void> Input::attach(std::unique_ptr<Branch> branch) {
  auto queue = sink(gst_element_factory_make("queue", nullptr));
  auto tap = sink(gst_element_factory_make("appsink", nullptr));
  if (!queue || !tap) return Error(missing("appsink", "gstreamer1.0-plugins-base"));
  g_object_set(queue.get(), "max-size-buffers", kQueuedFrames, "max-size-bytes", 0, "max-size-time",
               guint64(0), nullptr);
  // Encoded units depend on each other: what is too late is dropped per viewer, up to a key frame.
  if (!branch->encoded) gst_util_set_object_arg(G_OBJECT(queue.get()), "leaky", "downstream");
  g_object_set(tap.get(), "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, "max-buffers", 1, "qos",
               FALSE, nullptr);
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = [](GstAppSink* appsink, gpointer self) {
    return static_cast<Input*>(self)->take_unit(appsink);
  };
  gst_app_sink_set_callbacks(GST_APP_SINK(tap.get()), &callbacks, this, nullptr);

  drop_branch();
  branch->elements.insert(branch->elements.begin(), queue);
  branch->elements.push_back(tap);
  branch_ = std::move(branch);
  GstElement* before = clocksync_.get();
  for (const auto& element : branch_->elements) gst_bin_add(bin_, element.get());
  bool linked = true;
  for (const auto& element : branch_->elements) {
    // Unchecked: with encoded video upstream, the raw branch stands until the caps come.
    linked = linked &&
             gst_element_link_pads_full(before, "src", element.get(), "sink", GST_PAD_LINK_CHECK_NOTHING);
    before = element.get();
  }
  if (!linked) {
    drop_branch();
    return Error("The video cannot be handed to the encoder.", "the elements do not link");
  }
  tap_.with([&](auto& pad) { pad = adopt(gst_element_get_static_pad(tap.get(), "sink")); });
  // Sinks first, so that nothing arrives at an element that is not ready.
  for (auto element = branch_->elements.rbegin(); element != branch_->elements.rend(); ++element)
    gst_element_sync_state_with_parent(element->get());
  return {};
}

void Input::drop_branch() {
  if (!branch_) return;
  tap_.with([](auto& pad) { pad = {}; });
  for (const auto& element : branch_->elements) {
    gst_element_set_locked_state(element.get(), TRUE);
    gst_element_set_state(element.get(), GST_STATE_NULL);
    gst_bin_remove(bin_, element.get());
    gst_element_set_locked_state(element.get(), FALSE);
  }
  branch_.reset();
  published_caps_ = {};
}

Result<void> Input::configure(GstCaps* caps, std::shared_ptr<viewer::Rendition> rendition) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const auto codec = codec_from_caps_name(gst_structure_get_name(structure));
  int width = 0, height = 0, numerator = 0, denominator = 1;
  gst_structure_get(structure, "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height, nullptr);
  gst_structure_get_fraction(structure, "framerate", &numerator, &denominator);
  const double framerate = denominator > 0 ? double(numerator) / denominator : 0;
  const bool fits = codec ? branch_->encoded && branch_->codec == *codec
                          : !branch_->encoded && key_interval_ == key_interval(framerate);
  if (!fits) {  // on the thread that feeds this branch: nothing is under way in clocksync
    auto rebuilt = codec ? build_encoded(*codec) : build_raw(framerate);
    if (!rebuilt) return rebuilt;
  }
  rendition->set_format({codec.value_or(branch_->codec), width, height});
  if (codec) {
    rendition->set_encoder("none");
  } else {
    automatic_bitrate_ = default_bitrate(width, height, framerate);
    apply_bitrate();
    rendition->set_encoder(std::string(encoder_.snapshot().profile->factory));
  }
  rendition_.with([&](auto& current) { current = std::move(rendition); });
  return {};
}

void Input::set_bitrate(std::uint64_t bits_per_second) {
  settings_.with([&](auto& settings) { settings.bitrate = bits_per_second; });
  apply_bitrate();
}

void Input::apply_bitrate() {
  const OpenEncoder encoder = encoder_.snapshot();
  std::uint64_t bitrate = settings_.with([](auto& settings) { return settings.bitrate; });
  if (bitrate == 0) bitrate = automatic_bitrate_;
  if (encoder.element && bitrate != 0) campaign::set_bitrate(encoder, bitrate);
}

void Input::force_key_frame() {
  const auto pad = tap_.snapshot();
  if (!pad) return;
  gst_pad_push_event(pad.get(), gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
}

GstFlowReturn Input::take_unit(GstAppSink* appsink) {
  auto sample = adopt(gst_app_sink_pull_sample(appsink));
  if (!sample) return GST_FLOW_EOS;
  const auto rendition = rendition_.snapshot();
  GstBuffer* encoded = gst_sample_get_buffer(sample.get());
  GstCaps* caps = gst_sample_get_caps(sample.get());
  const GstSegment* segment = gst_sample_get_segment(sample.get());
  const GstClockTime epoch = epoch_;
  if (!rendition || !encoded || !caps || epoch == GST_CLOCK_TIME_NONE) return GST_FLOW_OK;

  if (published_caps_.get() != caps) {
    const GstStructure* structure = gst_caps_get_structure(caps, 0);
    viewer::RenditionFormat format;
    format.codec = codec_from_caps_name(gst_structure_get_name(structure)).value_or(Codec::h264);
    gst_structure_get(structure, "width", G_TYPE_INT, &format.width, "height", G_TYPE_INT, &format.height,
                      nullptr);
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
  rendition->publish(std::move(unit));
  return GST_FLOW_OK;
}

}  // namespace campaign
