#include "gstframepool.hpp"

using campaign::particles::FrameMemory;

struct GstFramePool {
  GstBufferPool parent;
  GstVideoInfo info;
  campaign::particles::MakeFrame* make;
  bool video_meta;
};
struct GstFramePoolClass {
  GstBufferPoolClass parent;
};

G_DEFINE_TYPE(GstFramePool, gst_frame_pool, GST_TYPE_BUFFER_POOL)

static GQuark frame_quark() { return g_quark_from_static_string("campaign-frame-memory"); }

static GstFramePool* frame_pool(GstBufferPool* pool) { return reinterpret_cast<GstFramePool*>(pool); }

static const gchar** gst_frame_pool_get_options(GstBufferPool*) {
  static const gchar* options[] = {GST_BUFFER_POOL_OPTION_VIDEO_META, nullptr};
  return options;
}

static gboolean gst_frame_pool_set_config(GstBufferPool* base, GstStructure* config) {
  frame_pool(base)->video_meta = gst_buffer_pool_config_has_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  return GST_BUFFER_POOL_CLASS(gst_frame_pool_parent_class)->set_config(base, config);
}

static GstFlowReturn gst_frame_pool_alloc_buffer(GstBufferPool* base, GstBuffer** buffer,
                                                 GstBufferPoolAcquireParams*) {
  auto* pool = frame_pool(base);
  auto frame = (*pool->make)();
  if (!frame) {
    GST_ERROR_OBJECT(base, "%s (%s)", frame.error().for_user().c_str(), frame.error().detail().c_str());
    return GST_FLOW_ERROR;
  }
  FrameMemory* memory = frame->release();
  gsize size = GST_VIDEO_INFO_SIZE(&pool->info);
  GstMemory* wrapped =
      gst_memory_new_wrapped(static_cast<GstMemoryFlags>(0), memory->data(), size, 0, size, memory,
                             [](gpointer m) { delete static_cast<FrameMemory*>(m); });
  gst_mini_object_set_qdata(GST_MINI_OBJECT_CAST(wrapped), frame_quark(), memory, nullptr);
  *buffer = gst_buffer_new();
  gst_buffer_append_memory(*buffer, wrapped);
  if (pool->video_meta) {
    GstVideoInfo& info = pool->info;
    gst_buffer_add_video_meta_full(*buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info),
                                   GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info),
                                   GST_VIDEO_INFO_N_PLANES(&info), info.offset, info.stride);
  }
  return GST_FLOW_OK;
}

static void gst_frame_pool_finalize(GObject* object) {
  delete reinterpret_cast<GstFramePool*>(object)->make;
  G_OBJECT_CLASS(gst_frame_pool_parent_class)->finalize(object);
}

static void gst_frame_pool_class_init(GstFramePoolClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = gst_frame_pool_finalize;
  GST_BUFFER_POOL_CLASS(klass)->get_options = gst_frame_pool_get_options;
  GST_BUFFER_POOL_CLASS(klass)->set_config = gst_frame_pool_set_config;
  GST_BUFFER_POOL_CLASS(klass)->alloc_buffer = gst_frame_pool_alloc_buffer;
}

static void gst_frame_pool_init(GstFramePool*) {}

namespace campaign {

Ref<GstBufferPool> make_frame_pool(const GstVideoInfo& info, particles::MakeFrame make) {
  auto pool = sink(GST_BUFFER_POOL_CAST(g_object_new(gst_frame_pool_get_type(), nullptr)));
  frame_pool(pool.get())->info = info;
  frame_pool(pool.get())->make = new particles::MakeFrame(std::move(make));
  return pool;
}

FrameMemory* frame_memory_of(GstBuffer* buffer) {
  GstMemory* memory = gst_buffer_peek_memory(buffer, 0);
  return static_cast<FrameMemory*>(gst_mini_object_get_qdata(GST_MINI_OBJECT_CAST(memory), frame_quark()));
}

}  // namespace campaign
