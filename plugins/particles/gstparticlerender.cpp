/**
 * SECTION:element-particlerender
 * @title: particlerender
 * @see_also: particlesrc
 *
 * Draws the state of a world that particlesrc simulates: the first `particles` of it, at any size, on the
 * device where the state lies. A `tee` feeds many of them, each with a size and a count of its own, while the
 * world is simulated once and its state never copied.
 *
 * Pictures lie in the memory that downstream offers, as those of particlesrc do.
 *
 * Put a queue before each particlerender, so that they draw at the same time. What a queue holds keeps states
 * of the world in memory; when there is none left, particlesrc waits, or leaves out frames if it is live.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 particlesrc particles=1000000 ! tee name=world \
 *   world. ! queue ! particlerender ! video/x-raw,width=1920,height=1080 \
 *   ! videoconvert ! autovideosink \
 *   world. ! queue ! particlerender particles=100000 ! video/x-raw,width=640,height=360 \
 *   ! videoconvert ! autovideosink
 * ]|
 */
#include "gstparticlerender.hpp"

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "activepool.hpp"
#include "allocationoffer.hpp"
#include "gststatememory.hpp"
#include "particles/renderer.hpp"
#include "picturewriter.hpp"
#include "qualitylimit.hpp"
#include "util/at_boundary.hpp"
#include "util/gst_ptr.hpp"
#include "util/post.hpp"
#include "videolayout.hpp"

GST_DEBUG_CATEGORY_STATIC(gst_particle_render_debug);
#define GST_CAT_DEFAULT gst_particle_render_debug

using campaign::adopt;
using campaign::at_boundary;
using campaign::Error;
using campaign::Ref;
namespace particles = campaign::particles;

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(campaign::kStateCaps));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(campaign::kVideoCaps));

namespace {

// Only the streaming thread touches it, and start() and stop().
struct Stream {
  GstVideoInfo info;
  Ref<GstCaps> caps;
  campaign::AllocationOffer offer;                // downstream's
  std::unique_ptr<particles::Renderer> renderer;  // opened where the first state lies
  bool prepared = false;                          // for the above; renderer and pool are
  campaign::PictureWriter writer;
};

struct Impl {
  std::atomic<uint32_t> particles = 0;  // the property
  campaign::QualityLimit limit;
  std::atomic<bool> idle = false;          // campaign-idle: nobody looks
  std::atomic<int> width = 0, height = 0;  // for pointer events, which come from any thread
  Stream stream;
  campaign::ActivePool pool;  // any thread makes it flush
};

}  // namespace

struct GstParticleRender {
  GstBaseTransform parent;
  Impl* impl;
};
struct GstParticleRenderClass {
  GstBaseTransformClass parent;
};

#define gst_particle_render_parent_class parent_class
G_DEFINE_TYPE(GstParticleRender, gst_particle_render, GST_TYPE_BASE_TRANSFORM)

namespace {

enum { PROP_0, PROP_PARTICLES };

Impl& impl(gpointer self) { return *static_cast<GstParticleRender*>(self)->impl; }

GstFlowReturn fail(GstBaseTransform* base, const Error& error) {
  campaign::post(GST_MESSAGE_ERROR, base, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED, error);
  return GST_FLOW_ERROR;
}

GstCaps* gst_particle_render_transform_caps(GstBaseTransform*, GstPadDirection direction, GstCaps* caps,
                                            GstCaps* filter) {
  auto result = adopt(gst_caps_new_empty());
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    auto other =
        adopt(gst_caps_from_string(direction == GST_PAD_SINK ? campaign::kVideoCaps : campaign::kStateCaps));
    if (const GValue* rate = gst_structure_get_value(gst_caps_get_structure(caps, i), "framerate")) {
      gst_caps_set_value(other.get(), "framerate", rate);
    }
    result = adopt(gst_caps_merge(result.release(), other.release()));
  }
  if (!filter) return result.release();
  return gst_caps_intersect_full(filter, result.get(), GST_CAPS_INTERSECT_FIRST);
}

GstCaps* gst_particle_render_fixate_caps(GstBaseTransform* base, GstPadDirection direction, GstCaps* caps,
                                         GstCaps* other) {
  if (direction == GST_PAD_SINK) {
    other = gst_caps_make_writable(gst_caps_truncate(other));
    // Where the pad leads nowhere the base class suggests what comes in. That would be an error of
    // negotiation, which stops a whole tee; a pad that is not linked does not.
    if (campaign::is_state(gst_caps_get_structure(other, 0))) {
      gst_caps_unref(other);
      other = gst_caps_truncate(gst_particle_render_transform_caps(base, direction, caps, nullptr));
    }
    campaign::fixate_video(gst_caps_get_structure(other, 0));
  }
  return GST_BASE_TRANSFORM_CLASS(parent_class)->fixate_caps(base, direction, caps, other);
}

gboolean gst_particle_render_set_caps(GstBaseTransform* base, GstCaps*, GstCaps* caps) {
  return at_boundary(base, FALSE, [&]() -> gboolean {
    auto& self = impl(base);
    auto& stream = self.stream;
    GstVideoInfo info;
    if (!gst_video_info_from_caps(&info, caps) || GST_VIDEO_INFO_SIZE(&info) > G_MAXINT32) {
      GST_ERROR_OBJECT(base, "cannot draw %" GST_PTR_FORMAT, caps);
      return FALSE;
    }
    stream.info = info;
    stream.caps = campaign::share(caps);
    stream.prepared = false;
    self.width = GST_VIDEO_INFO_WIDTH(&info);
    self.height = GST_VIDEO_INFO_HEIGHT(&info);
    return TRUE;
  });
}

// Only what downstream offers is learned here: a pool is chosen when the first state says on which device.
gboolean gst_particle_render_decide_allocation(GstBaseTransform* base, GstQuery* query) {
  return at_boundary(base, FALSE, [&]() -> gboolean {
    auto& stream = impl(base).stream;
    stream.offer = campaign::AllocationOffer(query);
    stream.prepared = false;
    while (gst_query_get_n_allocation_pools(query) > 0) gst_query_remove_nth_allocation_pool(query, 0);
    return TRUE;
  });
}

// A renderer that can draw this state at the size of now, and a pool for its pictures.
campaign::Result<void> prepare(Impl& self, const particles::Snapshot& snapshot) {
  auto& stream = self.stream;
  if (stream.renderer && !stream.renderer->suits(snapshot)) {
    stream.renderer.reset();
    stream.prepared = false;
  }
  if (!stream.renderer) {
    auto renderer = particles::Renderer::open(snapshot);
    if (!renderer) return renderer.error();
    stream.renderer = std::move(*renderer);
  }
  if (stream.prepared) return {};
  auto& renderer = *stream.renderer;
  if (auto set = renderer.set_picture(campaign::layout_of(stream.info)); !set) return set;
  stream.writer.reset(stream.info, renderer.draws_anywhere(), renderer.frame_maker());
  auto choice =
      stream.offer.choose(stream.caps.get(), stream.info, renderer.draws_anywhere(), renderer.frame_maker());
  if (!choice.pool) return Error("There is no memory for pictures of this size. Choose a smaller one.");
  self.pool.reset(std::move(choice.pool));
  stream.prepared = true;
  return {};
}

GstFlowReturn gst_particle_render_prepare_output_buffer(GstBaseTransform* base, GstBuffer* in,
                                                        GstBuffer** out) {
  return at_boundary(base, GST_FLOW_ERROR, [&]() -> GstFlowReturn {
    auto& self = impl(base);
    if (self.idle) return GST_BASE_TRANSFORM_FLOW_DROPPED;
    auto snapshot = campaign::snapshot_of(in);
    if (!snapshot) return fail(base, Error("particlerender takes its input from particlesrc only."));
    if (auto ready = prepare(self, *snapshot); !ready) return fail(base, ready.error());
    GstFlowReturn got = self.pool.acquire(out);
    if (got != GST_FLOW_OK) return got;
    constexpr auto kCopied =
        static_cast<GstBufferCopyFlags>(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS);
    gst_buffer_copy_into(*out, in, kCopied, 0, static_cast<gsize>(-1));
    return GST_FLOW_OK;
  });
}

void gst_particle_render_before_transform(GstBaseTransform* base, GstBuffer* in) {
  if (base->segment.format != GST_FORMAT_TIME) return;
  auto at = gst_segment_to_stream_time(&base->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(in));
  if (GST_CLOCK_TIME_IS_VALID(at)) gst_object_sync_values(GST_OBJECT(base), at);
}

GstFlowReturn gst_particle_render_transform(GstBaseTransform* base, GstBuffer* in, GstBuffer* out) {
  return at_boundary(base, GST_FLOW_ERROR, [&]() -> GstFlowReturn {
    auto& self = impl(base);
    auto snapshot = campaign::snapshot_of(in);
    const uint32_t wanted = self.particles == 0 ? UINT32_MAX : self.particles.load();
    auto& stream = self.stream;
    auto drawn = stream.writer.write(out, [&](particles::FrameMemory& memory) {
      return stream.renderer->draw(*snapshot, self.limit.of(wanted), memory);
    });
    if (!drawn) return fail(base, drawn.error());
    return GST_FLOW_OK;
  });
}

// Pointer events speak in pixels, and particlesrc does not know of what picture: it is told.
GstEvent* with_picture_size(GstEvent* event, int width, int height) {
  event = GST_EVENT(gst_mini_object_make_writable(GST_MINI_OBJECT_CAST(event)));
  gst_structure_set(gst_event_writable_structure(event), "picture-width", G_TYPE_INT, width, "picture-height",
                    G_TYPE_INT, height, nullptr);
  return event;
}

// Whether the state that comes in can stay as it is although downstream wants something else: another size
// or format. Only another frame rate is for particlesrc to hear of; renegotiating there means that all
// branches of a tee wait for the slowest one's queue.
bool keeps_its_rate(GstBaseTransform* base) {
  auto caps = adopt(gst_pad_get_current_caps(GST_BASE_TRANSFORM_SINK_PAD(base)));
  if (!caps) return false;
  auto possible = adopt(gst_particle_render_transform_caps(base, GST_PAD_SINK, caps.get(), nullptr));
  auto wanted = adopt(gst_pad_peer_query_caps(GST_BASE_TRANSFORM_SRC_PAD(base), possible.get()));
  return !gst_caps_is_empty(wanted.get());
}

gboolean gst_particle_render_src_event(GstBaseTransform* base, GstEvent* event) {
  auto& self = impl(base);
  const GstStructure* structure = gst_event_get_structure(event);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_NAVIGATION:
      if (structure) event = with_picture_size(event, self.width, self.height);
      break;
    case GST_EVENT_RECONFIGURE:
      if (!keeps_its_rate(base)) break;
      gst_event_unref(event);
      return TRUE;
    case GST_EVENT_QOS: {
      // Not for particlesrc, which others wait for too: this branch alone leaves out frames.
      gdouble proportion = 1;
      GstClockTimeDiff diff = 0;
      GstClockTime timestamp = GST_CLOCK_TIME_NONE;
      gst_event_parse_qos(event, nullptr, &proportion, &diff, &timestamp);
      gst_base_transform_update_qos(base, proportion, diff, timestamp);
      gst_event_unref(event);
      return TRUE;
    }
    case GST_EVENT_CUSTOM_UPSTREAM:
      // Of this picture only: other branches draw the same world.
      if (self.limit.take(structure) != campaign::QualityLimit::Outcome::other_event) {
        gst_event_unref(event);
        return TRUE;
      }
      if (gboolean idle = FALSE; structure && gst_structure_has_name(structure, "campaign-idle")) {
        if (gst_structure_get_boolean(structure, "idle", &idle)) self.idle = idle;
        gst_event_unref(event);
        return TRUE;
      }
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS(parent_class)->src_event(base, event);
}

gboolean gst_particle_render_sink_event(GstBaseTransform* base, GstEvent* event) {
  auto& pool = impl(base).pool;
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START) pool.set_flushing(true);
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) pool.set_flushing(false);
  return GST_BASE_TRANSFORM_CLASS(parent_class)->sink_event(base, event);
}

// Whoever waits for a buffer that downstream holds must not keep the element from stopping.
GstStateChangeReturn gst_particle_render_change_state(GstElement* element, GstStateChange change) {
  auto& pool = impl(element).pool;
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED) pool.set_flushing(false);
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY) pool.set_flushing(true);
  return GST_ELEMENT_CLASS(parent_class)->change_state(element, change);
}

gboolean gst_particle_render_stop(GstBaseTransform* base) {
  auto& self = impl(base);
  self.pool.reset({});
  self.stream = {};
  self.limit.lift();
  self.idle = false;
  return TRUE;
}

void gst_particle_render_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  if (id == PROP_PARTICLES)
    impl(object).particles = g_value_get_uint(value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void gst_particle_render_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  if (id == PROP_PARTICLES)
    g_value_set_uint(value, impl(object).particles);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void gst_particle_render_finalize(GObject* object) {
  delete reinterpret_cast<GstParticleRender*>(object)->impl;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

}  // namespace

static void gst_particle_render_class_init(GstParticleRenderClass* klass) {
  GST_DEBUG_CATEGORY_INIT(gst_particle_render_debug, "particlerender", 0, "Particle states drawn to video");
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = gst_particle_render_set_property;
  object->get_property = gst_particle_render_get_property;
  object->finalize = gst_particle_render_finalize;
  g_object_class_install_property(
      object, PROP_PARTICLES,
      g_param_spec_uint("particles", "Particles",
                        "How many of the world's particles to draw, the first ones: any number of them is a "
                        "fair sample of the whole. 0 draws all",
                        0, G_MAXUINT, 0,
                        static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                 GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE)));

  auto* element = GST_ELEMENT_CLASS(klass);
  element->change_state = gst_particle_render_change_state;
  gst_element_class_set_static_metadata(
      element, "Particle state renderer", "Filter/Converter/Video",
      "Draws the state of a particle world, as particlesrc simulates it, to video of any size",
      "The gst-campaign authors");
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_add_static_pad_template(element, &src_template);

  auto* base = GST_BASE_TRANSFORM_CLASS(klass);
  base->transform_caps = gst_particle_render_transform_caps;
  base->fixate_caps = gst_particle_render_fixate_caps;
  base->set_caps = gst_particle_render_set_caps;
  base->decide_allocation = gst_particle_render_decide_allocation;
  base->prepare_output_buffer = gst_particle_render_prepare_output_buffer;
  base->before_transform = gst_particle_render_before_transform;
  base->transform = gst_particle_render_transform;
  base->sink_event = gst_particle_render_sink_event;
  base->src_event = gst_particle_render_src_event;
  base->stop = gst_particle_render_stop;
}

static void gst_particle_render_init(GstParticleRender* self) {
  self->impl = new Impl;
  gst_base_transform_set_qos_enabled(GST_BASE_TRANSFORM(self), TRUE);
}
