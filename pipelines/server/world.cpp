// See world.hpp. The bin has a base time of its own, so that its world begins at 0 whenever it starts, and an
// offset on its pad puts its frames into the time of the pipeline.
#include "pipelines/server/world.hpp"

#include "pipelines/server/stage.hpp"

namespace campaign::server {
namespace {

constexpr const char* kCaps = "application/x-particle-state(memory:CampaignParticles),framerate=%d/1";

}  // namespace

World::World(Stage& stage, std::string campaign, CampaignSpec spec)
    : stage_(stage), campaign_(std::move(campaign)), spec_(std::move(spec)) {
  bin_ = sink(gst_bin_new(nullptr));
  source_ = sink(gst_element_factory_make("particlesrc", nullptr));
  if (!source_) return;
  const CampaignSpec wanted = spec_.snapshot();
  g_object_set(source_.get(), "campaign-id", campaign_.c_str(), "is-live", TRUE, "seed", wanted.seed,
               "device", wanted.device.c_str(), "scene", wanted.scene.c_str(), "particles", wanted.particles,
               nullptr);
}

World::~World() { stop(); }

Result<void> World::start() {
  const auto filter = sink(gst_element_factory_make("capsfilter", nullptr));
  if (!source_ || !filter)
    return Error(
        "The element particlesrc is missing; set GST_PLUGIN_PATH to where it was built, or install it.");
  const CharPtr caps_text{g_strdup_printf(kCaps, spec_.snapshot().framerate)};
  const auto caps = adopt(gst_caps_from_string(caps_text.get()));
  g_object_set(filter.get(), "caps", caps.get(), nullptr);
  gst_bin_add_many(GST_BIN(bin_.get()), source_.get(), filter.get(), nullptr);
  gst_element_link(source_.get(), filter.get());
  const auto inner = adopt(gst_element_get_static_pad(filter.get(), "src"));
  GstPad* out = gst_ghost_pad_new("src", inner.get());
  gst_pad_set_active(out, TRUE);
  gst_element_add_pad(bin_.get(), out);
  gst_pad_add_probe(out, GST_PAD_PROBE_TYPE_BUFFER, count, this, nullptr);
  gst_pad_set_offset(out, gint64(stage_.running_time()));

  gst_element_set_locked_state(bin_.get(), TRUE);
  gst_bin_add(stage_.bin(), bin_.get());
  in_pipeline_ = true;
  gst_element_set_base_time(bin_.get(), stage_.clock_time());
  auto pad = adopt(gst_element_request_pad_simple(stage_.sink(), "sink_%u"));
  if (!pad) return Error("campaignsink takes no further campaign.");
  g_object_set(pad.get(), "campaign", campaign_.c_str(), nullptr);
  pad_.with([&](auto& current) { current = pad; });
  set_pad(pad.get(), spec_.snapshot());  // after, so that a change() meanwhile is not lost
  if (gst_pad_link(out, pad.get()) != GST_PAD_LINK_OK) return Error("The campaign cannot be linked.");
  if (gst_element_set_state(bin_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return Error("The campaign cannot be started.");
  return {};
}

void World::stop() {
  if (!in_pipeline_) return;
  in_pipeline_ = false;
  gst_element_set_state(bin_.get(), GST_STATE_NULL);  // its streaming thread has ended after this
  const auto pad = pad_.with([](auto& current) { return std::exchange(current, {}); });
  if (pad) {
    if (const auto out = adopt(gst_element_get_static_pad(bin_.get(), "src")))
      gst_pad_unlink(out.get(), pad.get());
    gst_element_release_request_pad(stage_.sink(), pad.get());
  }
  gst_bin_remove(stage_.bin(), bin_.get());
}

void World::set_pad(GstPad* pad, const CampaignSpec& spec) {
  g_object_set(pad, "ladder", spec.ladder.empty() ? nullptr : spec.ladder.c_str(), "max-viewers",
               spec.max_viewers, nullptr);
}

void World::change(const CampaignSpec& spec) {
  const CampaignSpec before = spec_.with([&](CampaignSpec& current) { return std::exchange(current, spec); });
  if (source_ && spec.scene != before.scene)
    g_object_set(source_.get(), "scene", spec.scene.c_str(), nullptr);
  if (source_ && spec.particles != before.particles)
    g_object_set(source_.get(), "particles", spec.particles, nullptr);
  const auto pad = pad_.snapshot();
  if (pad && (spec.ladder != before.ladder || spec.max_viewers != before.max_viewers))
    set_pad(pad.get(), spec);
}

bool World::contains(GstObject* element) const {
  return element &&
         (element == GST_OBJECT(bin_.get()) || gst_object_has_as_ancestor(element, GST_OBJECT(bin_.get())));
}

GstPadProbeReturn World::count(GstPad*, GstPadProbeInfo*, gpointer self) {
  static_cast<World*>(self)->frames_.fetch_add(1, std::memory_order_relaxed);
  return GST_PAD_PROBE_OK;
}

}  // namespace campaign::server
