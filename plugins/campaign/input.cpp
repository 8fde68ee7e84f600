// See input.hpp.
//
// clocksync comes first: it holds a source that is not live to the clock, on that source's own thread, so
// that the leaky queues behind it drop frames only when an encoder is slower than real time. A frame is
// drawn ahead of its time, leaves at its time, and is encoded and sent at once.
#include "input.hpp"

#include <algorithm>

#include "upstream.hpp"
#include "viewer/rtp_format.hpp"

namespace campaign {
namespace {

constexpr const char* kStateCaps = "application/x-particle-state(memory:CampaignParticles)";

std::string missing(const char* element, const char* package) {
  return "The element " + std::string(element) + " is missing; install it with: apt-get install " + package;
}

std::uint64_t rank_in(const Ladder& ladder, const std::string& quality) {
  const auto rung = ladder.find(quality);
  return rung ? ladder[*rung].threshold : 0;
}

// What moves on where the lowest rung does not get through: a quarter of the picture, half as often, at what
// 150 kbit/s carry with the packets' headers. One more encoder, which runs only while somebody needs it: with
// a single chain of references, as real-time H.264 has it, no frame of a rung itself can be left out.
constexpr const char* kBelowLadder = "thin";
constexpr std::uint64_t kThinBitrate = 120'000;
constexpr int kThinFramerate = 15;

void add_below_ladder(std::vector<RungPlan>& plans, const Ladder& ladder, double framerate) {
  RungPlan& lowest = plans.front();
  if (lowest.width < 64 || lowest.height < 64 || lowest.bitrate < 2 * kThinBitrate ||
      ladder.find(kBelowLadder))
    return;
  RungPlan plan = lowest;
  plan.quality = kBelowLadder;
  plan.below_ladder = true;
  plan.rank = 0;
  plan.bitrate = kThinBitrate;
  plan.width = lowest.width / 4 * 2;
  plan.height = lowest.height / 4 * 2;
  if (framerate > kThinFramerate + 0.5) {
    plan.max_framerate = kThinFramerate;
    plan.framerate = kThinFramerate;
  }
  lowest.rank = std::max(lowest.rank, lowest.bitrate * 10 / 9);
  plans.insert(plans.begin(), plan);
}

// The rungs for what comes in. Video is never scaled up: rungs above its size are left out, and what is
// smaller than the lowest is encoded as it is.
std::vector<RungPlan> plans_for(const InputSettings& settings, const std::string& quality, bool is_state,
                                int width, int height, double framerate) {
  std::vector<RungPlan> plans;
  for (const Rung& rung : settings.ladder.rungs()) {
    if (!quality.empty() && !(is_state && rung.name == quality)) continue;
    if (!is_state && (rung.width > width || rung.height > height)) continue;
    RungPlan plan{rung.name, rung.threshold, rung.bitrate, rung.width, rung.height, framerate, 0, 0};
    if (is_state) plan.particles = rung.particles;
    if (rung.max_framerate > 0 && framerate > rung.max_framerate + 0.5) {
      plan.max_framerate = rung.max_framerate;
      plan.framerate = rung.max_framerate;
    }
    plans.push_back(plan);
  }
  if (!plans.empty() && quality.empty()) add_below_ladder(plans, settings.ladder, framerate);
  if (plans.empty()) {
    const std::string name = quality.empty() ? "high" : quality;
    RungPlan plan{
        name, rank_in(settings.ladder, name), default_bitrate(width, height, framerate), 0, 0, framerate, 0,
        0};
    if (is_state) {
      const Rung& top = settings.ladder[settings.ladder.top()];
      plan.width = top.width;
      plan.height = top.height;
      plan.particles = top.particles;
      plan.bitrate = top.bitrate;
    }
    plans.push_back(plan);
  }
  return plans;
}

}  // namespace

Input::Input(GstBin* bin) : bin_(bin) {
  clocksync_ = sink(gst_element_factory_make("clocksync", nullptr));
  tee_ = sink(gst_element_factory_make("tee", nullptr));
  if (!clocksync_ || !tee_) return;
  g_object_set(tee_.get(), "allow-not-linked", TRUE, nullptr);
  for (const auto& element : {clocksync_, tee_}) gst_bin_add(bin_, element.get());
  gst_element_link(clocksync_.get(), tee_.get());
  entry_ = adopt(gst_element_get_static_pad(clocksync_.get(), "sink"));
  const auto before_rungs_pad = adopt(gst_element_get_static_pad(tee_.get(), "sink"));
  gst_pad_add_probe(before_rungs_pad.get(), GST_PAD_PROBE_TYPE_BUFFER, before_rungs, this, nullptr);
}

Input::~Input() {
  close();
  if (!clocksync_ || !tee_) return;
  for (const auto& element : {clocksync_, tee_}) {
    gst_element_set_locked_state(element.get(), TRUE);
    gst_element_set_state(element.get(), GST_STATE_NULL);
    gst_bin_remove(bin_, element.get());
  }
}

Ref<GstCaps> Input::encoded_caps() {
  return adopt(
      gst_caps_from_string("video/x-h264,stream-format=byte-stream,alignment=au;video/x-vp8;video/x-vp9;"
                           "video/x-av1,stream-format=obu-stream,alignment=tu;video/x-av1,alignment=tu"));
}

Ref<GstCaps> Input::state_caps() {
  const auto renderer = adopt(gst_element_factory_find("particlerender"));
  return renderer ? adopt(gst_caps_from_string(kStateCaps)) : adopt(gst_caps_new_empty());
}

Result<OpenEncoder> Input::next_encoder() {
  const InputSettings settings = settings_.snapshot();
  auto encoder = open_encoder(settings.codec, settings.encoder);
  if (encoder) encoder_setup_(encoder->element.get());
  return encoder;
}

// A branch stands before there are caps, so that upstream sees what the encoder takes.
Result<void> Input::open(InputSettings settings, std::function<void(GstElement*)> encoder_setup) {
  if (!clocksync_ || !tee_) return Error(missing("clocksync", "gstreamer1.0-plugins-base"));
  if (auto sendable = viewer::check_payloader(settings.codec); !sendable) return sendable;
  encoder_setup_ = std::move(encoder_setup);
  settings_.with([&](auto& current) { current = std::move(settings); });
  for (const auto& element : {tee_, clocksync_}) gst_element_sync_state_with_parent(element.get());
  auto built = build({RungPlan{}}, std::nullopt);
  is_open_ = bool(built);
  return built;
}

void Input::close() {
  is_open_ = false;
  drop_rungs();
  dropped_.clear();
  world_ = nullptr;
  epoch_ = GST_CLOCK_TIME_NONE;
}

void Input::drop_rungs() {
  dropped_ = rungs_.with([](Rungs& current) { return std::exchange(current, {}); });
  for (const auto& rung : dropped_) rung->detach();
}

Result<void> Input::build(const std::vector<RungPlan>& plans, std::optional<Codec> encoded) {
  drop_rungs();
  for (const RungPlan& plan : plans) {
    std::shared_ptr<RungBranch> rung;
    if (encoded) {
      auto made = RungBranch::passing(plan, *encoded);
      if (!made) return made.error();
      rung = *made;
    } else {
      auto encoder = next_encoder();
      if (!encoder) return encoder.error();
      auto made = RungBranch::encoding(plan, *encoder);
      if (!made) return made.error();
      rung = *made;
    }
    rung->set_world(world_);
    rung->set_frame_budget(settings_.snapshot().frame_budget);
    if (auto attached = rung->attach(bin_, tee_.get(), "src_%u"); !attached) return attached;
    rungs_.with([&](Rungs& rungs) {
      rung->set_epoch(epoch_);
      rungs.push_back(rung);
    });
  }
  return {};
}

Result<void> Input::configure(GstCaps* caps, const std::string& quality, const MakeRendition& make,
                              std::vector<std::shared_ptr<viewer::Rendition>>& retired) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  if (g_strcmp0(gst_structure_get_string(structure, "stream-format"), "annexb") == 0)
    return Error("AV1 in its annex B form cannot be sent; let av1parse make an OBU stream of it.");
  const bool is_state = gst_structure_has_name(structure, "application/x-particle-state");
  const auto codec = codec_from_caps_name(gst_structure_get_name(structure));
  if (codec)
    if (auto sendable = viewer::check_payloader(*codec); !sendable) return sendable;
  int width = 0, height = 0, numerator = 0, denominator = 1;
  gst_structure_get(structure, "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height, nullptr);
  gst_structure_get_fraction(structure, "framerate", &numerator, &denominator);
  const double framerate = denominator > 0 && numerator > 0 ? double(numerator) / denominator : 30;

  if (int particles = 0; is_state && gst_structure_get_int(structure, "particles", &particles)) {
    if (!world_) world_ = std::make_shared<WorldSize>();
    world_->came(std::uint32_t(particles));
  } else {
    world_ = nullptr;
  }

  const InputSettings settings = settings_.snapshot();
  std::vector<RungPlan> plans;
  if (codec) {
    const std::string name = quality.empty() ? "high" : quality;
    plans = {RungPlan{name, rank_in(settings.ladder, name)}};
  } else {
    plans = plans_for(settings, quality, is_state, width, height, framerate);
    automatic_bitrate_ = plans.back().bitrate;
    if (settings.bitrate != 0) plans.back().bitrate = settings.bitrate;
  }
  Rungs before = rungs_.snapshot();
  const bool stands =
      before.size() == plans.size() &&
      std::equal(before.begin(), before.end(), plans.begin(), [&](const auto& rung, const RungPlan& plan) {
        return rung->suits(plan) && rung->encodes() == !codec && (!codec || rung->codec() == *codec);
      });
  if (stands) {
    for (std::size_t i = 0; i < plans.size(); ++i) before[i]->set_plan(plans[i]);
  } else if (auto built = build(plans, codec); !built) {  // on the thread that feeds the rungs
    return built;
  }
  // A rung of the same name goes on under the rendition that its viewers have.
  for (const auto& rung : rungs_.snapshot()) {
    std::shared_ptr<viewer::Rendition> rendition;
    for (auto& old : before) {
      if (!old || old->plan().quality != rung->plan().quality || !old->rendition()) continue;
      const auto format = old->rendition()->format();
      if (!format || format->codec != rung->codec()) continue;
      rendition = old->rendition();
      old = nullptr;
      break;
    }
    const RungPlan& plan = rung->plan();
    const viewer::RenditionFormat format{rung->codec(), plan.width > 0 ? plan.width : width,
                                         plan.height > 0 ? plan.height : height};
    const bool goes_on = rendition != nullptr;
    const auto made = make(rung, std::move(rendition));
    made->set_format(format);
    made->set_encoder(rung->encoder_name());
    made->set_bitrate(plan.bitrate);
    rung->set_rendition(made);
    if (goes_on && rung->encodes()) rung->set_watched(made->is_watched());
  }
  if (!stands)
    for (const auto& old : before)
      if (old && old->rendition()) retired.push_back(old->rendition());
  return {};
}

// On the thread that feeds the rungs, before each of them gets the picture.
GstPadProbeReturn Input::before_rungs(GstPad*, GstPadProbeInfo*, gpointer self) {
  static_cast<Input*>(self)->size_world();
  return GST_PAD_PROBE_OK;
}

// The world is simulated once, at the largest count that a watched rung draws, or at the smallest there is
// while nobody watches. Not where others get the same world: they may draw more of it.
void Input::size_world() {
  if (!world_) return;
  std::uint32_t drawn = 0, least = UINT32_MAX;
  rungs_.with([&](const Rungs& rungs) {
    for (const auto& rung : rungs) {
      least = std::min(least, rung->particles());
      if (rung->is_drawing()) drawn = std::max(drawn, rung->particles());
    }
  });
  if (least == UINT32_MAX) return;
  const auto ask = world_->need(drawn > 0 ? drawn : least);
  if (!ask || has_other_readers(entry_.get())) return;
  gst_pad_push_event(entry_.get(), gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                                                        gst_structure_new("campaign-quality", "particles",
                                                                          G_TYPE_UINT, *ask, nullptr)));
}

std::vector<std::shared_ptr<viewer::Rendition>> Input::renditions() const {
  std::vector<std::shared_ptr<viewer::Rendition>> renditions;
  for (const auto& rung : rungs_.snapshot())
    if (auto rendition = rung->rendition()) renditions.push_back(std::move(rendition));
  return renditions;
}

std::vector<std::shared_ptr<viewer::Rendition>> Input::take_renditions() {
  auto renditions = this->renditions();
  for (const auto& rung : rungs_.snapshot()) rung->set_rendition(nullptr);
  return renditions;
}

bool Input::has(GstObject* element) const {
  const Rungs rungs = rungs_.snapshot();
  return element == GST_OBJECT(clocksync_.get()) || element == GST_OBJECT(tee_.get()) ||
         std::any_of(rungs.begin(), rungs.end(), [&](const auto& rung) { return rung->has(element); });
}

void Input::set_bitrate(std::uint64_t bits_per_second) {
  settings_.with([&](auto& settings) { settings.bitrate = bits_per_second; });
  const Rungs rungs = rungs_.snapshot();
  if (!rungs.empty())
    rungs.back()->set_bitrate(bits_per_second != 0 ? bits_per_second : automatic_bitrate_.load());
}

void Input::set_frame_budget(double share) {
  settings_.with([&](auto& settings) { settings.frame_budget = share; });
  for (const auto& rung : rungs_.snapshot()) rung->set_frame_budget(share);
}

void Input::set_ladder(Ladder ladder) {
  settings_.with([&](auto& settings) { settings.ladder = std::move(ladder); });
}

// With the rungs' lock, or one that is being built would miss it, and never send.
void Input::set_epoch(GstClockTime epoch) {
  rungs_.with([&](const Rungs& rungs) {
    epoch_ = epoch;
    for (const auto& rung : rungs) rung->set_epoch(epoch);
  });
}

}  // namespace campaign
