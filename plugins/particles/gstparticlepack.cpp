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
 * gst-launch-1.0 particlesrc particles=200000 num-buffers=300 ! particlepack particles=20000 !
 *   application/x-particle-update,framerate=10/1 ! filesink location=world.cpud
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
#include "packpace.hpp"
#include "packstats.hpp"
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
using campaign::Ref;
namespace pack = campaign::particles::pack;

namespace {

// Only the streaming thread touches it, and start() and stop().
struct Stream {
  explicit Stream(pack::Packer p) : packer(std::move(p)) {}
  pack::Packer packer;
  campaign::PackPace pace;
  uint32_t particles = 0;  // in the caps
  uint64_t updates = 0;
  bool discont = true;  // something is missing before the next update
};

struct Impl {
  std::atomic<uint32_t> particles = 20'000;  // the property
  campaign::QualityLimit limit;
  std::atomic<uint32_t> key_interval = pack::EncoderOptions{}.key_interval;
  std::atomic<uint32_t> position_bits = pack::EncoderOptions{}.position_bits;
  std::atomic<uint32_t> compression_level = pack::EncoderOptions{}.compression_level;
  Guarded<KeyRequests> key_requests;
  Guarded<PackStats> stats;
  std::optional<Stream> stream;

  uint32_t wanted() const { return limit.of(particles); }
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

enum {
  PROP_0,
  PROP_PARTICLES,
  PROP_KEYFRAME_INTERVAL,
  PROP_POSITION_BITS,
  PROP_COMPRESSION_LEVEL,
  PROP_STATS
};

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
    auto& stream = *impl(base).stream;
    struct {
      gint particles = 0, num = 0, den = 1;
    } in, out;
    for (auto [caps, to] : {std::pair{in_caps, &in}, {out_caps, &out}}) {
      const GstStructure* structure = gst_caps_get_structure(caps, 0);
      if (!gst_structure_get_int(structure, "particles", &to->particles) ||
          !gst_structure_get_fraction(structure, "framerate", &to->num, &to->den)) {
        return refuse(base,
                      Error("The caps of particle states say how many particles and how many a second."));
      }
    }
    const int faster = gst_util_fraction_compare(out.num, out.den, in.num, in.den);
    if (in.num > 0 && faster > 0) {
      return refuse(base, Error::invalid("The number of updates a second",
                                         "at most that of the states that come, " + std::to_string(in.num) +
                                             "/" + std::to_string(in.den),
                                         std::to_string(out.num) + "/" + std::to_string(out.den)));
    }
    if (out.particles > in.particles) {
      return refuse(base, Error::invalid("The number of particles in an update",
                                         "at most that of the world, " + std::to_string(in.particles),
                                         std::to_string(out.particles)));
    }
    stream.particles = static_cast<uint32_t>(out.particles);
    stream.pace.set_rate(out.num, out.den, faster == 0);
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
      pool = campaign::sink(gst_buffer_pool_new());
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

GstFlowReturn write_update(GstBaseTransform* base, Stream& stream, GstBuffer* in, GstClockTime duration,
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
  encoder.set_key_interval(self.key_interval);

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
  gst_buffer_copy_into(*out, in, GST_BUFFER_COPY_TIMESTAMPS, 0, static_cast<gsize>(-1));
  GST_BUFFER_DURATION(*out) = duration;
  GST_BUFFER_OFFSET(*out) = stream.updates;
  GST_BUFFER_OFFSET_END(*out) = ++stream.updates;
  if (!key) GST_BUFFER_FLAG_SET(*out, GST_BUFFER_FLAG_DELTA_UNIT);
  if (std::exchange(stream.discont, false)) GST_BUFFER_FLAG_SET(*out, GST_BUFFER_FLAG_DISCONT);
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
    if (!self.stream) return;
    self.stream->pace.restart();
    self.stream->discont = true;
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
    auto packer = pack::Packer::create({.position_bits = self.position_bits,
                                        .key_interval = self.key_interval,
                                        .compression_level = self.compression_level});
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
  auto& self = impl(object);
  switch (id) {
    case PROP_PARTICLES:
      self.particles = g_value_get_uint(value);
      gst_base_transform_reconfigure_src(GST_BASE_TRANSFORM(object));
      break;
    case PROP_KEYFRAME_INTERVAL:
      self.key_interval = g_value_get_uint(value);
      break;
    case PROP_POSITION_BITS:
      self.position_bits = g_value_get_uint(value);
      break;
    case PROP_COMPRESSION_LEVEL:
      self.compression_level = g_value_get_uint(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void gst_particle_pack_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  auto& self = impl(object);
  switch (id) {
    case PROP_PARTICLES:
      g_value_set_uint(value, self.particles);
      break;
    case PROP_KEYFRAME_INTERVAL:
      g_value_set_uint(value, self.key_interval);
      break;
    case PROP_POSITION_BITS:
      g_value_set_uint(value, self.position_bits);
      break;
    case PROP_COMPRESSION_LEVEL:
      g_value_set_uint(value, self.compression_level);
      break;
    case PROP_STATS:
      g_value_take_boxed(value,
                         self.stats.with([](PackStats& stats) { return stats.structure(); }).release());
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void gst_particle_pack_finalize(GObject* object) {
  delete reinterpret_cast<GstParticlePack*>(object)->impl;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

void install_properties(GObjectClass* klass) {
  const Impl defaults;
  constexpr auto kAlways = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  constexpr auto kPlaying = static_cast<GParamFlags>(kAlways | GST_PARAM_MUTABLE_PLAYING);
  constexpr auto kReady = static_cast<GParamFlags>(kAlways | GST_PARAM_MUTABLE_READY);
  auto install = [&](guint id, GParamSpec* spec) { g_object_class_install_property(klass, id, spec); };
  install(
      PROP_PARTICLES,
      g_param_spec_uint("particles", "Particles",
                        "How many of the world's particles are in an update, the first ones: any number of "
                        "them is a fair sample of the whole. All, where there are fewer",
                        1, pack::kMostParticles, defaults.particles, kPlaying));
  install(PROP_KEYFRAME_INTERVAL,
          g_param_spec_uint("keyframe-interval", "Key frame interval",
                            "Most updates from one key update to the next; 1 makes all of them key updates",
                            1, G_MAXUINT, defaults.key_interval, kPlaying));
  install(PROP_POSITION_BITS,
          g_param_spec_uint(
              "position-bits", "Position bits",
              "Bits of each coordinate: positions are off by at most the size of the bounding box / "
              "2^(bits + 1)",
              pack::kLeastBits, pack::kMostBits, defaults.position_bits, kReady));
  install(PROP_COMPRESSION_LEVEL,
          g_param_spec_uint(
              "compression-level", "Compression level",
              "0 for a setting that is made for particles; 1 to 19 for zstd's levels, of which those "
              "below 15 are larger and slower than that, and those from there on are a few percent "
              "smaller and take 20 times as long and more",
              0, 19, defaults.compression_level, kReady));
  install(
      PROP_STATS,
      g_param_spec_boxed(
          "stats", "Statistics",
          "Particles in an update, updates so far, how many of them are key updates, states left out, bytes, "
          "bit/s in the last whole second of the stream, nanoseconds to make an update",
          GST_TYPE_STRUCTURE, static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

}  // namespace

static void gst_particle_pack_class_init(GstParticlePackClass* klass) {
  GST_DEBUG_CATEGORY_INIT(gst_particle_pack_debug, "particlepack", 0, "Particle states packed into updates");
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = gst_particle_pack_set_property;
  object->get_property = gst_particle_pack_get_property;
  object->finalize = gst_particle_pack_finalize;
  install_properties(object);

  auto* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element, "Particle state packer", "Filter/Converter",
                                        "Packs the first particles of a world, as particlesrc simulates it, "
                                        "into quantised and compressed updates "
                                        "for consumers that draw or measure them themselves",
                                        "gst-campaign contributors");
  auto add_pad = [&](const char* name, GstPadDirection direction, const char* text) {
    auto caps = adopt(gst_caps_from_string(text));
    gst_element_class_add_pad_template(element,
                                       gst_pad_template_new(name, direction, GST_PAD_ALWAYS, caps.get()));
  };
  add_pad("sink", GST_PAD_SINK, campaign::kStateCaps);
  add_pad("src", GST_PAD_SRC, campaign::kUpdateCaps);

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
