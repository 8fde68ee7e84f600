#include "gststatememory.hpp"

#include "util/gst_ptr.hpp"
#include "util/post.hpp"

using campaign::particles::Snapshot;

static constexpr const char* kMemoryType = "CampaignParticles";

struct GstStateMemory {
  GstMemory memory;
  std::shared_ptr<const Snapshot> snapshot;
  GWeakRef maker;
};

struct GstStateAllocator {
  GstAllocator parent;
};
struct GstStateAllocatorClass {
  GstAllocatorClass parent;
};

G_DEFINE_TYPE(GstStateAllocator, gst_state_allocator, GST_TYPE_ALLOCATOR)

static GstStateMemory* state_memory(GstMemory* memory) { return reinterpret_cast<GstStateMemory*>(memory); }

static GstMemory* wrap(GstAllocator* allocator, std::shared_ptr<const Snapshot> snapshot, gpointer maker) {
  constexpr gsize kParticleBytes = 6 * sizeof(float);  // position and velocity
  const gsize size = snapshot->viewpoint.particles * kParticleBytes;
  auto* self = new GstStateMemory{{}, std::move(snapshot), {}};
  g_weak_ref_init(&self->maker, maker);
  gst_memory_init(&self->memory, GST_MEMORY_FLAG_READONLY, allocator, nullptr, size, 0, 0, size);
  return &self->memory;
}

static GstMemory* gst_state_allocator_alloc(GstAllocator* allocator, gsize, GstAllocationParams*) {
  GST_ERROR_OBJECT(allocator, "States of particles come from particlesrc only.");
  return nullptr;
}

static void gst_state_allocator_free(GstAllocator*, GstMemory* memory) {
  g_weak_ref_clear(&state_memory(memory)->maker);
  delete state_memory(memory);
}

static campaign::Ref<GObject> maker_of(GstMemory* memory) {
  return campaign::adopt(static_cast<GObject*>(g_weak_ref_get(&state_memory(memory)->maker)));
}

static gpointer gst_state_memory_map(GstMemory* memory, gsize, GstMapFlags) {
  if (auto maker = maker_of(memory)) {
    campaign::post(GST_MESSAGE_ERROR, maker.get(), GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
                   campaign::Error("The state of particles cannot be read as bytes. Put a particlerender "
                                   "before the element that wants video."));
  }
  return nullptr;
}

static void gst_state_memory_unmap(GstMemory*) {}

static GstMemory* gst_state_memory_share(GstMemory* memory, gssize, gssize) {
  return wrap(memory->allocator, state_memory(memory)->snapshot, maker_of(memory).get());
}

static gboolean gst_state_memory_is_span(GstMemory*, GstMemory*, gsize*) { return FALSE; }

static void gst_state_allocator_class_init(GstStateAllocatorClass* klass) {
  GST_ALLOCATOR_CLASS(klass)->alloc = gst_state_allocator_alloc;
  GST_ALLOCATOR_CLASS(klass)->free = gst_state_allocator_free;
}

static void gst_state_allocator_init(GstStateAllocator* self) {
  auto* allocator = GST_ALLOCATOR_CAST(self);
  allocator->mem_type = kMemoryType;
  allocator->mem_map = gst_state_memory_map;
  allocator->mem_unmap = gst_state_memory_unmap;
  allocator->mem_share = gst_state_memory_share;
  allocator->mem_copy = gst_state_memory_share;  // a state never changes
  allocator->mem_is_span = gst_state_memory_is_span;
  GST_OBJECT_FLAG_SET(self, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

// One for the whole process, as GStreamer's system allocator is.
static GstAllocator* state_allocator() {
  static GstAllocator* const allocator = [] {
    auto* made = GST_ALLOCATOR_CAST(g_object_new(gst_state_allocator_get_type(), nullptr));
    gst_object_ref_sink(made);
    GST_OBJECT_FLAG_SET(made, GST_OBJECT_FLAG_MAY_BE_LEAKED);
    return made;
  }();
  return allocator;
}

namespace campaign {

GstMemory* make_state_memory(std::shared_ptr<const Snapshot> snapshot, GstElement* maker) {
  return wrap(state_allocator(), std::move(snapshot), maker);
}

std::shared_ptr<const Snapshot> snapshot_of(GstBuffer* buffer) {
  if (gst_buffer_n_memory(buffer) != 1) return nullptr;
  GstMemory* memory = gst_buffer_peek_memory(buffer, 0);
  if (!gst_memory_is_type(memory, kMemoryType)) return nullptr;
  return state_memory(memory)->snapshot;
}

}  // namespace campaign
