/**
 * SECTION:element-particlepack
 * @title: particlepack
 * @see_also: particlesrc, particlerender
 *
 * Packs the first particles of a world that particlesrc simulates into particle updates, for consumers that
 * draw or measure them themselves: positions quantised against a bounding box, colours, births and ids, as
 * differences to the update before and compressed with zstd. The format is defined in
 * `gst/particles/pack/update.hpp`. 20,000 particles at 30 updates a second take 5 to 6 Mbit/s.
 *
 * The caps say how many updates a second there are: states in between are left out, and what was born in them
 * is marked in the next update. Key updates, which need no others, come at `keyframe-interval` and when
 * downstream asks for one with GstForceKeyUnit; all others carry the flag DELTA_UNIT.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 particlesrc particles=200000 num-buffers=300 ! particlepack particles=20000 \
 *   ! application/x-particle-update,framerate=10/1 ! filesink location=world.cpud
 * ]|
 */
#include "gstparticlepack.hpp"

#include <gst/base/gstbasetransform.h>
#include <gst/video/video-event.h>

#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <optional>
#include <string>
#include <utility>

#include "gststatememory.hpp"
#include "keyrequests.hpp"
#include "packcaps.hpp"
#include "packsettings.hpp"
#include "packstats.hpp"
#include "packstream.hpp"
#include "particles/pack/packer.hpp"
#include "qualitylimit.hpp"
#include "util/at_boundary.hpp"
#include "util/gst_ptr.hpp"
#include "util/guarded.hpp"
#include "util/post.hpp"

GST_DEBUG_CATEGORY_STATIC(gst_particle_pack_debug);
#define GST_CAT_DEFAULT gst_particle_pack_debug

using campaign::adopt;
using campaign::at_boundary;
using campaign::Error;
using campaign::Guarded;
using campaign::KeyRequests;
using campaign::PackStats;
using campaign::PackStream;
using campaign::Ref;
namespace pack = campaign::particles::pack;

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(campaign::kStateCaps));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(campaign::kUpdateCaps));

namespace {

struct Impl {
  campaign::PackSettings settings;
  campaign::QualityLimit limit;
  Guarded<KeyRequests> key_requests;
  Guarded<PackStats> stats;
  std::optional<PackStream> stream;

  uint32_t wanted() const { return limit.of(settings.particles); }
};

}  // namespace

struct GstParticlePack {
  GstBaseTransform parent;
  Impl* impl;
};
struct GstParticlePackClass {
  GstBaseTransformClass parent;
};

#define gst_particle_pack_parent_class parent_class
G_DEFINE_TYPE(GstParticlePack, gst_particle_pack, GST_TYPE_BASE_TRANSFORM)

namespace {

enum { PROP_STATS = 100 };  // above those of packsettings.cpp

Impl& impl(gpointer self) { return *static_cast<GstParticlePack*>(self)->impl; }

GstFlowReturn fail(GstBaseTransform* base, const Error& error) {
  campaign::post(GST_MESSAGE_ERROR, base, GST_STREAM_ERROR, GST_STREAM_ERROR_ENCODE, error);
  return GST_FLOW_ERROR;
}

gboolean refuse(GstBaseTransform* base, const Error& error) {
  campaign::post(GST_MESSAGE_ERROR, base, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION, error);
  return FALSE;
}

// First what goes together, then everything else: what asks for more than comes is refused in set_caps(),
// where it can be said why.
GstCaps* gst_particle_pack_transform_caps(GstBaseTransform*, GstPadDirection direction, GstCaps* caps,
                                          GstCaps* filter) {
  const bool to_updates = direction == GST_PAD_SINK;
  auto all = campaign::counterparts(caps, to_updates);
  if (!gst_caps_is_empty(all.get())) {
    gst_caps_append(all.get(),
                    gst_caps_from_string(to_updates ? campaign::kUpdateCaps : campaign::kStateCaps));
  }
  if (!filter) return all.release();
  return gst_caps_intersect_full(filter, all.get(), GST_CAPS_INTERSECT_FIRST);
}

GstCaps* gst_particle_pack_fixate_caps(GstBaseTransform* base, GstPadDirection direction, GstCaps* caps,
                                       GstCaps* other) {
  if (direction == GST_PAD_SINK) {
    other = gst_caps_make_writable(gst_caps_truncate(other));
    const GstStructure* in = gst_caps_get_structure(caps, 0);
    GstStructure* out = gst_caps_get_structure(other, 0);
    gint count = 1, num = 30, den = 1;
    gst_structure_get_int(in, "particles", &count);
    gst_structure_get_fraction(in, "framerate", &num, &den);
    const auto wanted = static_cast<gint>(std::min<uint32_t>(impl(base).wanted(), G_MAXINT));
    gst_structure_fixate_field_nearest_int(out, "particles", std::min(count, wanted));
    gst_structure_fixate_field_nearest_fraction(out, "framerate", num, den);
  }
  return GST_BASE_TRANSFORM_CLASS(parent_class)->fixate_caps(base, direction, caps, other);
}

gboolean gst_particle_pack_set_caps(GstBaseTransform* base, GstCaps* in_caps, GstCaps* out_caps) {
  return at_boundary(base, FALSE, [&]() -> gboolean {
    if (auto set = impl(base).stream->set_caps(in_caps, out_caps); !set) return refuse(base, set.error());
    return TRUE;
  });
}

gboolean gst_particle_pack_decide_allocation(GstBaseTransform* base, GstQuery* query) {
  return at_boundary(base, FALSE, [&]() -> gboolean {
    GstCaps* caps = nullptr;
    gst_query_parse_allocation(query, &caps, nullptr);
    GstBufferPool* offered = nullptr;
    guint size = 0, least = 0, most = 0;
    const bool any = gst_query_get_n_allocation_pools(query) > 0;
    if (any) gst_query_parse_nth_allocation_pool(query, 0, &offered, &size, &least, &most);
    auto pool = adopt(offered);
    size = std::max(size, static_cast<guint>(pack::largest_update(impl(base).stream->particles)));
    auto configure = [&] {
      GstStructure* config = gst_buffer_pool_get_config(pool.get());
      gst_buffer_pool_config_set_params(config, caps, size, least, most);
      return gst_buffer_pool_set_config(pool.get(), config);
    };
    if (!pool || !configure()) {
      pool = adopt(gst_buffer_pool_new());
      most = 0;
      if (!configure()) return FALSE;
    }
    if (any)
      gst_query_set_nth_allocation_pool(query, 0, pool.get(), size, least, most);
    else
      gst_query_add_allocation_pool(query, pool.get(), size, least, most);
    return TRUE;
  });
}

// The bytes in a buffer of the pool, whose buffers have room for the largest of updates.
GstFlowReturn put_in_buffer(GstBaseTransform* base, std::span<const std::byte> bytes, GstBuffer** out) {
  auto pool = adopt(gst_base_transform_get_buffer_pool(base));
  if (!pool || !gst_buffer_pool_set_active(pool.get(), TRUE)) {  // once; the base class ends it
    return fail(base, Error("There is no memory for particle updates.", "no pool"));
  }
  if (auto got = gst_buffer_pool_acquire_buffer(pool.get(), out, nullptr); got != GST_FLOW_OK) return got;
  if (gst_buffer_fill(*out, 0, bytes.data(), bytes.size()) != bytes.size()) {
    gst_clear_buffer(out);
    return fail(base, Error("The memory that comes from downstream is too small for particle updates.",
                            std::to_string(bytes.size()) + " bytes are needed"));
  }
  gst_buffer_set_size(*out, static_cast<gssize>(bytes.size()));
  return GST_FLOW_OK;
}

GstFlowReturn write_update(GstBaseTransform* base, PackStream& stream, GstBuffer* in, GstClockTime duration,
                           GstBuffer** out) {
  auto& self = impl(base);
  auto snapshot = campaign::snapshot_of(in);
  if (!snapshot) return fail(base, Error("particlepack takes its input from particlesrc only."));
  const GstClockTime position = GST_BUFFER_PTS(in);
  const GstClockTime stream_time = gst_segment_to_stream_time(&base->segment, GST_FORMAT_TIME, position);
  const GstClockTime running_time = gst_segment_to_running_time(&base->segment, GST_FORMAT_TIME, position);
  auto& encoder = stream.packer.encoder();
  const auto request = self.key_requests.with([&](KeyRequests& all) { return all.take(running_time); });
  if (request) encoder.request_key();
  encoder.set_key_interval(self.settings.key_interval);

  const gint64 started = g_get_monotonic_time();
  const uint64_t tick = GST_BUFFER_OFFSET_IS_VALID(in) ? GST_BUFFER_OFFSET(in) : stream.updates;
  auto bytes =
      stream.packer.pack(*snapshot, stream.particles, tick,
                         GST_CLOCK_TIME_IS_VALID(stream_time) ? static_cast<int64_t>(stream_time) : 0);
  if (!bytes) return fail(base, bytes.error());
  const gint64 took = g_get_monotonic_time() - started;
  const bool key = encoder.header().key;
  GstFlowReturn put = put_in_buffer(base, *bytes, out);
  if (put != GST_FLOW_OK) {
    encoder.request_key();  // nobody will see this one
    return put;
  }
  stream.stamp(*out, in, duration, key);
  self.stats.with([&](PackStats& stats) {
    stats.count_update(position, bytes->size(), key, encoder.header().count,
                       static_cast<uint64_t>(took) * 1000);
  });
  if (request) {
    gst_pad_push_event(GST_BASE_TRANSFORM_SRC_PAD(base),
                       gst_video_event_new_downstream_force_key_unit(position, stream_time, running_time,
                                                                     request->all_headers, request->count));
  }
  return GST_FLOW_OK;
}

GstFlowReturn gst_particle_pack_generate_output(GstBaseTransform* base, GstBuffer** out) {
  return at_boundary(base, GST_FLOW_ERROR, [&]() -> GstFlowReturn {
    *out = nullptr;
    auto in = adopt(std::exchange(base->queued_buf, nullptr));
    if (!in) return GST_FLOW_OK;
    auto& stream = *impl(base).stream;
    if (GST_BUFFER_IS_DISCONT(in.get())) stream.discont = true;
    const auto duration = stream.pace.take(GST_BUFFER_PTS(in.get()), GST_BUFFER_DURATION(in.get()));
    if (!duration) {
      impl(base).stats.with([](PackStats& stats) { stats.count_left_out(); });
      return GST_FLOW_OK;
    }
    return write_update(base, stream, in.get(), *duration, out);
  });
}

// The base class takes an element without this for one that passes its input on; generate_output() is what it
// calls.
GstFlowReturn gst_particle_pack_transform(GstBaseTransform*, GstBuffer*, GstBuffer*) {
  g_return_val_if_reached(GST_FLOW_ERROR);
}

void ask_for_key(Impl& self, GstEvent* event, bool upstream) {
  KeyRequests::Request request;
  if (upstream) {
    gst_video_event_parse_upstream_force_key_unit(event, &request.at, &request.all_headers, &request.count);
  } else {
    gst_video_event_parse_downstream_force_key_unit(event, nullptr, nullptr, &request.at,
                                                    &request.all_headers, &request.count);
  }
  self.key_requests.with([&](KeyRequests& all) { all.add(request); });
}

gboolean gst_particle_pack_sink_event(GstBaseTransform* base, GstEvent* event) {
  auto& self = impl(base);
  auto restart = [&] {
    if (self.stream) self.stream->restart();
  };
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_STREAM_START:
      restart();
      if (self.stream) self.stream->packer.restart();
      break;
    case GST_EVENT_SEGMENT:
      restart();
      break;
    case GST_EVENT_FLUSH_STOP:
      restart();
      if (self.stream) self.stream->packer.encoder().request_key();  // the last update may have been dropped
      self.key_requests.with([](KeyRequests& all) { all.clear(); });
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (!gst_video_event_is_force_key_unit(event)) break;
      ask_for_key(self, event, false);  // goes on with the update that answers it
      gst_event_unref(event);
      return TRUE;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS(parent_class)->sink_event(base, event);
}

// Whether downstream can be given what it wants from the states that come; else particlesrc has to hear of
// it, and with it all branches of a tee.
bool suits_what_comes(GstBaseTransform* base) {
  auto caps = adopt(gst_pad_get_current_caps(GST_BASE_TRANSFORM_SINK_PAD(base)));
  if (!caps) return false;
  auto possible = campaign::counterparts(caps.get(), true);
  auto wanted = adopt(gst_pad_peer_query_caps(GST_BASE_TRANSFORM_SRC_PAD(base), possible.get()));
  return !gst_caps_is_empty(wanted.get());
}

gboolean gst_particle_pack_src_event(GstBaseTransform* base, GstEvent* event) {
  auto& self = impl(base);
  const GstStructure* structure = gst_event_get_structure(event);
  auto taken = [&] {
    gst_event_unref(event);
    return TRUE;
  };
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_RECONFIGURE:
      if (suits_what_comes(base)) return taken();
      break;
    case GST_EVENT_QOS:
      return taken();  // not for particlesrc, which others wait for too
    case GST_EVENT_CUSTOM_UPSTREAM:
      if (gst_video_event_is_force_key_unit(event)) {
        ask_for_key(self, event, true);
        return taken();
      }
      switch (self.limit.take(structure)) {
        case campaign::QualityLimit::Outcome::other_event:
          break;
        case campaign::QualityLimit::Outcome::changed:
          gst_base_transform_reconfigure_src(base);
          return taken();
        case campaign::QualityLimit::Outcome::kept:
          return taken();
      }
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS(parent_class)->src_event(base, event);
}

gboolean gst_particle_pack_start(GstBaseTransform* base) {
  return at_boundary(base, FALSE, [&]() -> gboolean {
    auto& self = impl(base);
    auto packer = pack::Packer::create({.position_bits = self.settings.position_bits,
                                        .key_interval = self.settings.key_interval,
                                        .compression_level = self.settings.compression_level});
    if (!packer) {
      campaign::post(GST_MESSAGE_ERROR, base, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT, packer.error());
      return FALSE;
    }
    self.stream.emplace(std::move(*packer));
    self.stats.with([](PackStats& stats) { stats = {}; });
    self.key_requests.with([](KeyRequests& all) { all.clear(); });
    return TRUE;
  });
}

gboolean gst_particle_pack_stop(GstBaseTransform* base) {
  impl(base).stream.reset();
  impl(base).limit.lift();
  return TRUE;
}

void gst_particle_pack_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  if (!campaign::set_pack_property(impl(object).settings, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  else if (id == campaign::PACK_PARTICLES)
    gst_base_transform_reconfigure_src(GST_BASE_TRANSFORM(object));
}

void gst_particle_pack_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  auto& self = impl(object);
  if (id == PROP_STATS) {
    g_value_take_boxed(value, self.stats.with([](PackStats& stats) { return stats.structure(); }).release());
  } else if (!campaign::get_pack_property(self.settings, id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void gst_particle_pack_finalize(GObject* object) {
  delete reinterpret_cast<GstParticlePack*>(object)->impl;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

}  // namespace

static void gst_particle_pack_class_init(GstParticlePackClass* klass) {
  GST_DEBUG_CATEGORY_INIT(gst_particle_pack_debug, "particlepack", 0, "Particle states packed into updates");
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = gst_particle_pack_set_property;
  object->get_property = gst_particle_pack_get_property;
  object->finalize = gst_particle_pack_finalize;
  campaign::install_pack_properties(object);
  g_object_class_install_property(
      object, PROP_STATS,
      g_param_spec_boxed(
          "stats", "Statistics",
          "Particles in an update, updates so far, how many of them are key updates, states left out, bytes, "
          "bit/s in the last whole second of the stream, nanoseconds to make an update",
          GST_TYPE_STRUCTURE, static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));

  auto* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element, "Particle state packer", "Filter/Converter",
                                        "Packs the first particles of a world, as particlesrc simulates it, "
                                        "into quantised and compressed updates "
                                        "for consumers that draw or measure them themselves",
                                        "The gst-campaign authors");
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_add_static_pad_template(element, &src_template);

  auto* base = GST_BASE_TRANSFORM_CLASS(klass);
  base->transform_caps = gst_particle_pack_transform_caps;
  base->fixate_caps = gst_particle_pack_fixate_caps;
  base->set_caps = gst_particle_pack_set_caps;
  base->decide_allocation = gst_particle_pack_decide_allocation;
  base->generate_output = gst_particle_pack_generate_output;
  base->transform = gst_particle_pack_transform;
  base->sink_event = gst_particle_pack_sink_event;
  base->src_event = gst_particle_pack_src_event;
  base->start = gst_particle_pack_start;
  base->stop = gst_particle_pack_stop;
}

static void gst_particle_pack_init(GstParticlePack* self) { self->impl = new Impl; }
