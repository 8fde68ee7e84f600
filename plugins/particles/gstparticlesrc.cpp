/**
 * SECTION:element-particlesrc
 * @title: particlesrc
 *
 * Simulates a world of particles and draws it to video: with Vulkan compute on a GPU, or with native SIMD on
 * the processor.
 *
 * Where downstream asks for `application/x-particle-state(memory:CampaignParticles)`, the state of the world
 * is handed out instead, for any number of particlerender elements to draw.
 *
 * Pictures are drawn into the memory that downstream offers for them (that of a sink or an encoder, shared
 * memory), where it can be written to, and into the engine's own otherwise. On the processor that spares a
 * copy; what a GPU draws is copied once where the memory is not its own.
 *
 * A live source keeps to the clock: each frame has the exact time of its number, and when drawing has fallen
 * more than two frames behind, those in between are left out rather than sent late. Where frames take longer
 * than they last, a warning says once that the machine is too slow for so many particles.
 *
 * The mouse acts on the world by GstNavigation events: the left button attracts, the right one repels, the
 * wheel zooms. So do two custom upstream events: `campaign-control`, with any of `scene` (string: a built-in
 * scene or JSON), `particles` (uint), `time-scale` (double) and `paused` (boolean), and `campaign-quality`,
 * whose `particles` (uint) lowers the count.
 *
 * Once a second an element message `particle-stats` carries what the property `stats` holds.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 particlesrc particles=500000 ! video/x-raw,width=1280,height=720 \
 *   ! videoconvert ! autovideosink
 * ]|
 * |[
 * gst-launch-1.0 particlesrc device=cpu num-buffers=300 ! video/x-raw,format=I420 \
 *   ! x264enc ! mp4mux ! filesink location=world.mp4
 * ]|
 */
#include "gstparticlesrc.hpp"

#include <gst/base/gstpushsrc.h>
#include <gst/video/video.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>

#include "allocationoffer.hpp"
#include "clockwait.hpp"
#include "gststatememory.hpp"
#include "navigation.hpp"
#include "particlesettings.hpp"
#include "particlestats.hpp"
#include "particlestream.hpp"
#include "sourcequeries.hpp"
#include "util/at_boundary.hpp"
#include "util/guarded.hpp"
#include "util/id.hpp"
#include "util/post.hpp"
#include "videolayout.hpp"

GST_DEBUG_CATEGORY_STATIC(gst_particle_src_debug);
#define GST_CAT_DEFAULT gst_particle_src_debug

using campaign::at_boundary;
using campaign::Error;
using campaign::Guarded;
using campaign::LiveSettings;
using campaign::ParticleSettings;
using campaign::ParticleStats;
using campaign::ParticleStream;
namespace particles = campaign::particles;

namespace {

struct Impl {
  Guarded<ParticleSettings> settings;
  Guarded<ParticleStats> stats;
  std::optional<ParticleStream> stream;
  std::atomic<bool> flushing = false;      // set by unlock() to end a long catch-up
  campaign::ClockWait wait;                // of a live source for the time of its frame
  std::atomic<int> width = 0, height = 0;  // for pointer events, which come from any thread
};

}  // namespace

struct GstParticleSrc {
  GstPushSrc parent;
  Impl* impl;
};
struct GstParticleSrcClass {
  GstPushSrcClass parent;
};

#define gst_particle_src_parent_class parent_class
G_DEFINE_TYPE(GstParticleSrc, gst_particle_src, GST_TYPE_PUSH_SRC)

namespace {

enum { PROP_STATS = 100, PROP_IS_LIVE };  // above those of particlesettings.cpp

Impl& impl(gpointer self) { return *static_cast<GstParticleSrc*>(self)->impl; }

// Where users expect what can be made again: below $XDG_CACHE_HOME or ~/.cache.
std::filesystem::path cache_folder() {
  return std::filesystem::path(g_get_user_cache_dir()) / "gst-campaign";
}

gboolean gst_particle_src_start(GstBaseSrc* src) {
  return at_boundary(src, FALSE, [&]() -> gboolean {
    auto settings = impl(src).settings.snapshot();
    auto fail = [&](gint code, const Error& error) {
      campaign::post(GST_MESSAGE_ERROR, src, GST_RESOURCE_ERROR, code, error);
      return FALSE;
    };
    if (!campaign::is_valid_id(settings.campaign_id)) {
      return fail(
          GST_RESOURCE_ERROR_SETTINGS,
          Error::invalid("campaign-id", campaign::kIdRule, "'" + settings.campaign_id.substr(0, 80) + "'"));
    }
    const auto& scene = settings.live.scene->parsed;
    if (!scene) return fail(GST_RESOURCE_ERROR_SETTINGS, scene.error());
    auto engine = particles::Engine::open(settings.device, cache_folder());
    if (!engine) return fail(GST_RESOURCE_ERROR_NOT_FOUND, engine.error());
    GST_INFO_OBJECT(src, "on %s", (*engine)->device_name().c_str());
    impl(src).stats.with([&](ParticleStats& stats) { stats = ParticleStats((*engine)->device_name()); });
    auto& stream = impl(src).stream.emplace(std::make_unique<particles::Simulation>(
        std::move(*engine), *scene, settings.seed, settings.live.wanted_particles()));
    if (auto error = stream.check_count(settings.live.wanted_particles())) {
      impl(src).stream.reset();
      return fail(GST_RESOURCE_ERROR_SETTINGS, *error);
    }
    stream.applied = settings.live;
    gst_video_info_init(&stream.info);
    return TRUE;
  });
}

gboolean gst_particle_src_stop(GstBaseSrc* src) {
  impl(src).stream.reset();
  return TRUE;
}

gboolean gst_particle_src_unlock(GstBaseSrc* src) {
  impl(src).flushing = true;
  impl(src).wait.interrupt();
  return TRUE;
}

gboolean gst_particle_src_unlock_stop(GstBaseSrc* src) {
  impl(src).flushing = false;
  impl(src).wait.resume();
  return TRUE;
}

GstCaps* gst_particle_src_fixate(GstBaseSrc* src, GstCaps* caps) {
  caps = gst_caps_truncate(gst_caps_make_writable(caps));
  GstStructure* structure = gst_caps_get_structure(caps, 0);
  if (campaign::is_state(structure)) {
    const auto settings = impl(src).settings.snapshot();
    const auto& stream = *impl(src).stream;
    const uint32_t wanted = settings.live.wanted_particles();
    const uint32_t count = stream.check_count(wanted) ? stream.simulation->world().particles() : wanted;
    gst_structure_fixate_field_nearest_int(structure, "particles", static_cast<gint>(count));
    gst_structure_fixate_field_nearest_fraction(structure, "framerate", 30, 1);
    if (!gst_structure_has_field(structure, "campaign")) {
      gst_structure_set(structure, "campaign", G_TYPE_STRING, settings.campaign_id.c_str(), nullptr);
    }
  } else {
    campaign::fixate_video(structure);
  }
  return GST_BASE_SRC_CLASS(parent_class)->fixate(src, caps);
}

// The caps say how many particles there are, so a count that changes comes here first.
gboolean set_state_caps(GstBaseSrc* src, ParticleStream& stream, const GstStructure* structure) {
  gint count = 0, num = 0, den = 1;
  if (!gst_structure_get_int(structure, "particles", &count) ||
      !gst_structure_get_fraction(structure, "framerate", &num, &den)) {
    return FALSE;
  }
  if (auto error = stream.check_count(static_cast<uint32_t>(count))) {
    campaign::post(GST_MESSAGE_ERROR, src, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, *error);
    return FALSE;
  }
  stream.simulation->world().set_particles(static_cast<uint32_t>(count));
  stream.set_rate(num, den);
  stream.as_state = true;
  return TRUE;
}

gboolean gst_particle_src_set_caps(GstBaseSrc* src, GstCaps* caps) {
  return at_boundary(src, FALSE, [&]() -> gboolean {
    auto& stream = *impl(src).stream;
    const GstStructure* structure = gst_caps_get_structure(caps, 0);
    if (campaign::is_state(structure)) return set_state_caps(src, stream, structure);
    GstVideoInfo info;
    if (!gst_video_info_from_caps(&info, caps) || GST_VIDEO_INFO_SIZE(&info) > G_MAXINT32) {
      GST_ERROR_OBJECT(src, "cannot draw %" GST_PTR_FORMAT, caps);
      return FALSE;
    }
    auto set = stream.simulation->set_picture(campaign::layout_of(info));
    if (!set) {
      campaign::post(GST_MESSAGE_ERROR, src, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT,
                     set.error());
      return FALSE;
    }
    stream.set_rate(GST_VIDEO_INFO_FPS_N(&info), GST_VIDEO_INFO_FPS_D(&info));
    if (stream.as_state) {  // what the caps said no longer holds
      const uint32_t count = stream.applied.wanted_particles();
      if (!stream.check_count(count)) stream.simulation->world().set_particles(count);
    }
    stream.as_state = false;
    stream.info = info;
    auto& engine = stream.simulation->engine();
    stream.writer.reset(info, engine.draws_anywhere(), engine.frame_maker());
    impl(src).width = GST_VIDEO_INFO_WIDTH(&info);
    impl(src).height = GST_VIDEO_INFO_HEIGHT(&info);
    return TRUE;
  });
}

gboolean gst_particle_src_decide_allocation(GstBaseSrc* src, GstQuery* query) {
  return at_boundary(src, FALSE, [&]() -> gboolean {
    auto& stream = *impl(src).stream;
    if (stream.as_state) {  // states lie in the engine's own memory
      while (gst_query_get_n_allocation_pools(query) > 0) gst_query_remove_nth_allocation_pool(query, 0);
      return TRUE;
    }
    GstCaps* caps = nullptr;
    gst_query_parse_allocation(query, &caps, nullptr);
    auto& engine = stream.simulation->engine();
    const auto choice = campaign::AllocationOffer(query).choose(caps, stream.info, engine.draws_anywhere(),
                                                                engine.frame_maker());
    if (!choice.pool) {
      campaign::post(GST_MESSAGE_ERROR, src, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT,
                     Error("There is no memory for pictures of this size. Choose a smaller one."));
      return FALSE;
    }
    GST_DEBUG_OBJECT(src, "pictures come from %" GST_PTR_FORMAT, choice.pool.get());
    while (gst_query_get_n_allocation_pools(query) > 0) gst_query_remove_nth_allocation_pool(query, 0);
    gst_query_add_allocation_pool(query, choice.pool.get(), choice.size, choice.least, choice.most);
    return TRUE;
  });
}

GstFlowReturn gst_particle_src_alloc(GstBaseSrc* src, guint64 offset, guint size, GstBuffer** buffer) {
  if (!impl(src).stream->as_state) {
    return GST_BASE_SRC_CLASS(parent_class)->alloc(src, offset, size, buffer);
  }
  *buffer = gst_buffer_new();
  return GST_FLOW_OK;
}

gboolean gst_particle_src_is_seekable(GstBaseSrc*) { return TRUE; }

gboolean gst_particle_src_do_seek(GstBaseSrc* src, GstSegment* segment) {
  auto& stream = *impl(src).stream;
  segment->time = segment->start;
  stream.reverse = segment->rate < 0;
  stream.seek = segment->position;
  return TRUE;
}

// Nobody downstream let go of a state for as long as a frame of a live source lasts: the next one may find
// memory, this one is left out.
constexpr GstFlowReturn kNoRoom = GST_FLOW_CUSTOM_SUCCESS;

// Moves the world to the next frame and fills the buffer with its picture or its state. `started`: when,
// without the wait for others to let go of states.
GstFlowReturn make_frame(GstBaseSrc* src, ParticleStream& stream, GstBuffer* buffer, gint64& started) {
  auto& self = impl(src);
  started = g_get_monotonic_time();
  auto fail = [&](const Error& error) {
    campaign::post(GST_MESSAGE_ERROR, src, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED, error);
    return GST_FLOW_ERROR;
  };
  if (!stream.as_state) {
    auto drawn = stream.writer.write(buffer, [&](particles::FrameMemory& memory) {
      return stream.simulation->draw(stream.frame, stream.rate, memory, self.flushing);
    });
    if (!drawn) return fail(drawn.error());
    return *drawn ? GST_FLOW_OK : GST_FLOW_FLUSHING;
  }
  // A live source must not stand still; any other waits for its slowest reader, as it does for a full queue.
  std::optional<particles::Nanoseconds> patience;
  if (gst_base_src_is_live(src) && stream.rate.den != 0 && !stream.reverse) {
    patience = stream.rate.time_of(stream.frame + 1) - stream.rate.time_of(stream.frame);
  }
  if (!stream.simulation->wait_for_room(self.flushing, patience)) {
    return self.flushing ? GST_FLOW_FLUSHING : kNoRoom;
  }
  started = g_get_monotonic_time();
  auto snapshot = stream.simulation->snapshot(stream.frame, stream.rate, self.flushing);
  if (!snapshot) return fail(snapshot.error());
  if (!*snapshot) return GST_FLOW_FLUSHING;
  gst_buffer_append_memory(buffer, campaign::make_state_memory(std::move(*snapshot), GST_ELEMENT(src)));
  return GST_FLOW_OK;
}

// Counts a frame that was begun at `started` and lasts so long, and says once a second how it goes.
void report(GstBaseSrc* src, ParticleStream& stream, gint64 started, int64_t left_out, GstClockTime lasts) {
  const gint64 now = g_get_monotonic_time();
  const uint32_t particles = stream.simulation->world().particles();
  uint64_t took = 0;
  auto second = impl(src).stats.with([&](ParticleStats& stats) {
    stats.count_skipped(static_cast<uint64_t>(left_out));
    auto structure = stats.count_frame(now, now - started, particles);
    took = stats.frame_time();
    return structure;
  });
  if (!second) return;
  gst_element_post_message(GST_ELEMENT(src), gst_message_new_element(GST_OBJECT(src), second.release()));
  if (gst_base_src_is_live(src) && stream.slowness.is_news(took, lasts, particles)) {
    campaign::post(GST_MESSAGE_WARNING, src, GST_CORE_ERROR, GST_CORE_ERROR_CLOCK,
                   Error("This machine is too slow for " + std::to_string(particles) +
                             " particles at this frame rate, and frames are left out. Ask for fewer, or for "
                             "fewer frames a second.",
                         "a frame took " + std::to_string(took / 1000) + " us and lasts " +
                             std::to_string(lasts / 1000)));
  }
}

GstFlowReturn gst_particle_src_fill(GstPushSrc* push, GstBuffer* buffer) {
  return at_boundary(push, GST_FLOW_ERROR, [&]() -> GstFlowReturn {
    auto* src = GST_BASE_SRC(push);
    auto& self = impl(src);
    auto& stream = *self.stream;
    stream.take_seek();
    bool still = stream.rate.den == 0;
    if (stream.frame < 0 || (still && stream.frame > 0)) return GST_FLOW_EOS;
    int64_t left_out = stream.keep_up(src);
    GstClockTime begin = 0, end = 0;
    gint64 started = 0;
    for (GstFlowReturn made = kNoRoom; made != GST_FLOW_OK;) {
      begin = static_cast<GstClockTime>(stream.rate.time_of(stream.frame));
      end = static_cast<GstClockTime>(stream.rate.time_of(stream.frame + 1));
      gst_object_sync_values(GST_OBJECT(src), begin);
      stream.apply(src, self.settings.with([](ParticleSettings& s) {
        LiveSettings live = s.live;
        s.live.zoom = 1;
        return live;
      }));
      made = make_frame(src, stream, buffer, started);
      if (made == kNoRoom) {
        ++stream.frame;
        ++left_out;
        stream.simulation->skip();
      } else if (made != GST_FLOW_OK) {
        return made;
      }
    }

    GST_BUFFER_PTS(buffer) = begin;
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DURATION(buffer) = still ? GST_CLOCK_TIME_NONE : end - begin;
    GST_BUFFER_OFFSET(buffer) = static_cast<guint64>(stream.numbered + stream.frame);
    GST_BUFFER_OFFSET_END(buffer) = static_cast<guint64>(stream.numbered + stream.frame + 1);
    if (left_out > 0) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    stream.frame += stream.reverse ? -1 : 1;
    stream.drawn = true;

    report(src, stream, started, left_out, end - begin);
    self.wait.until(src, begin);
    return GST_FLOW_OK;
  });
}

// A state's caps hold the count, so that another one is negotiated before the next state is made, rather than
// once that is done.
void negotiate_count(GstBaseSrc* src) {
  const auto caps = campaign::adopt(gst_pad_get_current_caps(GST_BASE_SRC_PAD(src)));
  const GstStructure* structure = caps ? gst_caps_get_structure(caps.get(), 0) : nullptr;
  gint count = 0;
  if (!structure || !campaign::is_state(structure) || !gst_structure_get_int(structure, "particles", &count))
    return;
  const auto wanted = impl(src).settings.with(
      [](const ParticleSettings& settings) { return settings.live.wanted_particles(); });
  if (static_cast<uint32_t>(count) != wanted) gst_pad_mark_reconfigure(GST_BASE_SRC_PAD(src));
}

gboolean gst_particle_src_event(GstBaseSrc* src, GstEvent* event) {
  return at_boundary(src, FALSE, [&]() -> gboolean {
    auto& self = impl(src);
    if (GST_EVENT_TYPE(event) == GST_EVENT_NAVIGATION) {
      return self.settings.with([&](ParticleSettings& settings) {
        return campaign::apply_navigation(settings.live, event, self.width, self.height);
      });
    }
    if (GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_UPSTREAM && gst_event_get_structure(event)) {
      if (campaign::apply_campaign_event(self.settings, gst_event_get_structure(event))) {
        negotiate_count(src);
        return TRUE;
      }
    }
    return GST_BASE_SRC_CLASS(parent_class)->event(src, event);
  });
}

gboolean gst_particle_src_query(GstBaseSrc* src, GstQuery* query) {
  if (auto answered = campaign::answer_from_caps(src, query)) return *answered;
  return GST_BASE_SRC_CLASS(parent_class)->query(src, query);
}

void gst_particle_src_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  at_boundary(object, false, [&] {
    if (id == PROP_IS_LIVE) {
      gst_base_src_set_live(GST_BASE_SRC(object), g_value_get_boolean(value));
      return true;
    }
    bool known = campaign::set_particle_property(impl(object).settings, id, value);
    if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return known;
  });
}

void gst_particle_src_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  at_boundary(object, false, [&] {
    auto& self = impl(object);
    if (id == PROP_STATS) {
      g_value_take_boxed(value,
                         self.stats.with([](ParticleStats& stats) { return stats.structure(); }).release());
      return true;
    }
    if (id == PROP_IS_LIVE) {
      g_value_set_boolean(value, gst_base_src_is_live(GST_BASE_SRC(object)));
      return true;
    }
    bool known = campaign::get_particle_property(self.settings, id, value);
    if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return known;
  });
}

void gst_particle_src_finalize(GObject* object) {
  delete reinterpret_cast<GstParticleSrc*>(object)->impl;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

}  // namespace

static void gst_particle_src_class_init(GstParticleSrcClass* klass) {
  GST_DEBUG_CATEGORY_INIT(gst_particle_src_debug, "particlesrc", 0, "Particle worlds as video");
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = gst_particle_src_set_property;
  object->get_property = gst_particle_src_get_property;
  object->finalize = gst_particle_src_finalize;
  campaign::install_particle_properties(object);
  g_object_class_install_property(
      object, PROP_STATS,
      g_param_spec_boxed(
          "stats", "Statistics",
          "Device, particles, frames so far and skipped, frames per second and nanoseconds to draw "
          "one",
          GST_TYPE_STRUCTURE, static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  g_object_class_install_property(
      object, PROP_IS_LIVE,
      g_param_spec_boolean(
          "is-live", "Is live", "Make frames in real time, as a camera does, and none while PAUSED", FALSE,
          static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)));

  auto* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element, "Particle world source", "Source/Video",
                                        "Simulates a world of particles, with Vulkan compute or native SIMD, "
                                        "and draws it to video or hands out "
                                        "its state for particlerender",
                                        "The gst-campaign authors");
  auto caps = campaign::adopt(gst_caps_from_string(campaign::kVideoCaps));
  gst_caps_append(caps.get(), gst_caps_from_string(campaign::kStateCaps));
  gst_element_class_add_pad_template(element,
                                     gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps.get()));

  auto* base = GST_BASE_SRC_CLASS(klass);
  base->start = gst_particle_src_start;
  base->stop = gst_particle_src_stop;
  base->unlock = gst_particle_src_unlock;
  base->unlock_stop = gst_particle_src_unlock_stop;
  base->fixate = gst_particle_src_fixate;
  base->set_caps = gst_particle_src_set_caps;
  base->decide_allocation = gst_particle_src_decide_allocation;
  base->alloc = gst_particle_src_alloc;
  base->is_seekable = gst_particle_src_is_seekable;
  base->do_seek = gst_particle_src_do_seek;
  base->event = gst_particle_src_event;
  base->query = gst_particle_src_query;
  GST_PUSH_SRC_CLASS(klass)->fill = gst_particle_src_fill;
}

static void gst_particle_src_init(GstParticleSrc* self) {
  self->impl = new Impl;
  gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
  gst_base_src_set_live(GST_BASE_SRC(self), FALSE);
}
