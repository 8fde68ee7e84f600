#include "odd_pool.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace {

constexpr guint8 kUntouched = 0xA5;

struct OddMemory {
  GstMemory memory;
  guint8* bytes;
};

}  // namespace

struct GstOddAllocator {
  GstAllocator parent;
  bool mappable;
};
struct GstOddAllocatorClass {
  GstAllocatorClass parent;
};
G_DEFINE_TYPE(GstOddAllocator, gst_odd_allocator, GST_TYPE_ALLOCATOR)

static OddMemory* odd(GstMemory* memory) { return reinterpret_cast<OddMemory*>(memory); }

static GstMemory* odd_alloc(GstAllocator* allocator, gsize size, GstAllocationParams*) {
  auto* memory = new OddMemory{{}, static_cast<guint8*>(g_malloc(size))};
  gst_memory_init(&memory->memory, static_cast<GstMemoryFlags>(0), allocator, nullptr, size, 0, 0, size);
  return &memory->memory;
}
static void odd_free(GstAllocator*, GstMemory* memory) {
  g_free(odd(memory)->bytes);
  delete odd(memory);
}
static gpointer odd_map(GstMemory* memory, gsize, GstMapFlags) {
  return reinterpret_cast<GstOddAllocator*>(memory->allocator)->mappable ? odd(memory)->bytes : nullptr;
}
static void odd_unmap(GstMemory*) {}
static void gst_odd_allocator_class_init(GstOddAllocatorClass* klass) {
  GST_ALLOCATOR_CLASS(klass)->alloc = odd_alloc;
  GST_ALLOCATOR_CLASS(klass)->free = odd_free;
}
static void gst_odd_allocator_init(GstOddAllocator* self) {
  self->parent.mem_type = campaign::test::kOddMemory;
  self->parent.mem_map = odd_map;
  self->parent.mem_unmap = odd_unmap;
  self->mappable = true;
}

struct GstOddPool {
  GstBufferPool parent;
  campaign::test::OddPool how;
  GstAllocator* allocator;
  GstVideoInfo info;
  gsize size;  // of a buffer
  bool video_meta;
};
struct GstOddPoolClass {
  GstBufferPoolClass parent;
};
G_DEFINE_TYPE(GstOddPool, gst_odd_pool, GST_TYPE_BUFFER_POOL)

static GstOddPool* odd(GstBufferPool* pool) { return reinterpret_cast<GstOddPool*>(pool); }

static gint rows_of(const GstVideoInfo& info, guint plane) {
  return GST_VIDEO_INFO_COMP_HEIGHT(&info, plane == 0 ? 0 : 1);
}

static const gchar** odd_options(GstBufferPool* pool) {
  static const gchar* with_meta[] = {GST_BUFFER_POOL_OPTION_VIDEO_META, nullptr};
  static const gchar* none[] = {nullptr};
  return odd(pool)->how.video_meta ? with_meta : none;
}
static gboolean odd_set_config(GstBufferPool* pool, GstStructure* config) {
  GstCaps* caps = nullptr;
  guint size = 0, least = 0, most = 0;
  if (!gst_buffer_pool_config_get_params(config, &caps, &size, &least, &most)) return FALSE;
  if (!caps || !gst_video_info_from_caps(&odd(pool)->info, caps) || size > odd(pool)->how.largest)
    return FALSE;
  odd(pool)->video_meta = gst_buffer_pool_config_has_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  const auto& how = odd(pool)->how;
  gsize needed = 0;
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES(&odd(pool)->info); ++i) {
    const auto stride = gsize(GST_VIDEO_INFO_PLANE_STRIDE(&odd(pool)->info, i) + how.more_stride);
    needed += how.before + stride * gsize(rows_of(odd(pool)->info, i));
  }
  // Like pools of hardware, it says what it makes of what it is asked for.
  const bool more = needed > size;
  odd(pool)->size = std::max<gsize>(needed, size);
  if (more) gst_buffer_pool_config_set_params(config, caps, guint(needed), least, most);
  return GST_BUFFER_POOL_CLASS(gst_odd_pool_parent_class)->set_config(pool, config) && !more;
}
static gboolean odd_start(GstBufferPool* pool) {
  return odd(pool)->how.starts && GST_BUFFER_POOL_CLASS(gst_odd_pool_parent_class)->start(pool);
}
static GstFlowReturn odd_alloc_buffer(GstBufferPool* pool, GstBuffer** buffer, GstBufferPoolAcquireParams*) {
  const auto& how = odd(pool)->how;
  const GstVideoInfo& info = odd(pool)->info;
  *buffer = gst_buffer_new();
  auto append = [&](gsize size) {
    GstMemory* memory =
        gst_allocator_alloc(how.system_memory ? nullptr : odd(pool)->allocator, size, nullptr);
    if (how.system_memory) {
      GstMapInfo map;
      gst_memory_map(memory, &map, GST_MAP_WRITE);
      std::memset(map.data, kUntouched, map.size);
      gst_memory_unmap(memory, &map);
    } else {
      std::memset(odd(memory)->bytes, kUntouched, size);
    }
    gst_buffer_append_memory(*buffer, memory);
  };
  const bool by_caps = how.before == 0 && how.more_stride == 0;
  gsize offset[GST_VIDEO_MAX_PLANES] = {}, at = 0;
  gint stride[GST_VIDEO_MAX_PLANES] = {};
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES(&info); ++i) {
    stride[i] = GST_VIDEO_INFO_PLANE_STRIDE(&info, i) + how.more_stride;
    const bool last = i + 1 == GST_VIDEO_INFO_N_PLANES(&info);
    const gsize end = at + how.before + gsize(stride[i]) * gsize(rows_of(info, i));
    offset[i] = by_caps ? info.offset[i] : at + how.before;
    if (how.memory_per_plane) append((last ? odd(pool)->size : end) - at);
    at = end;
  }
  if (!how.memory_per_plane) append(odd(pool)->size - how.missing);
  if (odd(pool)->video_meta || !by_caps) {
    gst_buffer_add_video_meta_full(*buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info),
                                   guint(info.width), guint(info.height), GST_VIDEO_INFO_N_PLANES(&info),
                                   offset, stride);
  }
  return GST_FLOW_OK;
}
static void odd_finalize(GObject* object) {
  gst_object_unref(reinterpret_cast<GstOddPool*>(object)->allocator);
  G_OBJECT_CLASS(gst_odd_pool_parent_class)->finalize(object);
}
static void gst_odd_pool_class_init(GstOddPoolClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = odd_finalize;
  GST_BUFFER_POOL_CLASS(klass)->get_options = odd_options;
  GST_BUFFER_POOL_CLASS(klass)->set_config = odd_set_config;
  GST_BUFFER_POOL_CLASS(klass)->start = odd_start;
  GST_BUFFER_POOL_CLASS(klass)->alloc_buffer = odd_alloc_buffer;
}
static void gst_odd_pool_init(GstOddPool*) {}

namespace campaign::test {

GstAllocator* make_odd_allocator(bool mappable) {
  auto* allocator = static_cast<GstOddAllocator*>(g_object_new(gst_odd_allocator_get_type(), nullptr));
  gst_object_ref_sink(allocator);
  allocator->mappable = mappable;
  return GST_ALLOCATOR(allocator);
}

GstBufferPool* make_odd_pool(const OddPool& how) {
  auto* pool = static_cast<GstOddPool*>(g_object_new(gst_odd_pool_get_type(), nullptr));
  gst_object_ref_sink(pool);
  pool->how = how;
  pool->allocator = make_odd_allocator(how.mappable);
  return GST_BUFFER_POOL(pool);
}

bool is_clean_around(GstBuffer* buffer, const GstVideoInfo& info) {
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return false;  // several memories as one
  std::vector<bool> picture(map.size);
  const GstVideoMeta* meta = gst_buffer_get_video_meta(buffer);
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES(&info); ++i) {
    const gint component = i == 0 ? 0 : 1;
    const auto bytes =
        gsize(GST_VIDEO_INFO_COMP_WIDTH(&info, component) * GST_VIDEO_INFO_COMP_PSTRIDE(&info, component));
    const gsize offset = meta ? meta->offset[i] : GST_VIDEO_INFO_PLANE_OFFSET(&info, i);
    const auto stride = gsize(meta ? meta->stride[i] : GST_VIDEO_INFO_PLANE_STRIDE(&info, i));
    for (gsize row = 0; row < gsize(rows_of(info, i)); ++row) {
      std::fill_n(picture.begin() + std::ptrdiff_t(offset + row * stride), bytes, true);
    }
  }
  bool clean = true;
  for (gsize i = 0; i < map.size; ++i) clean = clean && (picture[i] || map.data[i] == kUntouched);
  gst_buffer_unmap(buffer, &map);
  return clean;
}

}  // namespace campaign::test
