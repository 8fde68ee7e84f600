#include "allocationoffer.hpp"

#include <gst/video/gstvideopool.h>

#include <algorithm>
#include <utility>

#include "gstframepool.hpp"
#include "picturewriter.hpp"

namespace campaign {
namespace {

constexpr gsize kAlign = 63;  // what the engines' own memory is aligned to, less 1, as GStreamer counts

bool is_system(const GstAllocator* allocator) {
  return !allocator || g_strcmp0(allocator->mem_type, GST_ALLOCATOR_SYSMEM) == 0;
}

// A pool of GStreamer's own, as most encoders offer: nobody knows its buffers from others.
bool is_ordinary(GstBufferPool* pool) {
  return G_OBJECT_TYPE(pool) == GST_TYPE_VIDEO_BUFFER_POOL || G_OBJECT_TYPE(pool) == GST_TYPE_BUFFER_POOL;
}

bool is_in_system_memory(GstBuffer* buffer) {
  for (guint i = 0; i < gst_buffer_n_memory(buffer); ++i) {
    if (!gst_memory_is_type(gst_buffer_peek_memory(buffer, i), GST_ALLOCATOR_SYSMEM)) return false;
  }
  return true;
}

}  // namespace

AllocationOffer::AllocationOffer(GstQuery* query) : AllocationOffer() {
  for (guint i = 0; i < gst_query_get_n_allocation_pools(query); ++i) {
    GstBufferPool* pool = nullptr;
    Choice offered;
    gst_query_parse_nth_allocation_pool(query, i, &pool, &offered.size, &offered.least, &offered.most);
    offered.pool = adopt(pool);
    least_ = std::max(least_, offered.least);
    if (offered.pool) pools_.push_back(std::move(offered));
  }
  if (gst_query_get_n_allocation_params(query) > 0) {
    GstAllocator* allocator = nullptr;
    gst_query_parse_nth_allocation_param(query, 0, &allocator, &params_);
    allocator_ = adopt(allocator);
    asks_for_allocator_ = true;
  }
  guint index = 0;
  video_meta_ = gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, &index);
  if (!video_meta_) return;
  const GstStructure* around = nullptr;
  gst_query_parse_nth_allocation_meta(query, index, &around);
  if (!around) return;
  for (auto [side, to] : {std::pair{"padding-top", &around_.padding_top},
                          {"padding-bottom", &around_.padding_bottom},
                          {"padding-left", &around_.padding_left},
                          {"padding-right", &around_.padding_right}}) {
    if (gst_structure_get_uint(around, side, to) && *to > 0) asks_for_room_around_ = true;
  }
}

// As basesrc does: a pool may change what it is asked for, and what it makes of it may do as well.
bool AllocationOffer::set_up(const Choice& choice, GstCaps* caps) const {
  GstBufferPool* pool = choice.pool.get();
  GstStructure* config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_set_params(config, caps, choice.size, choice.least, choice.most);
  if (asks_for_allocator_) gst_buffer_pool_config_set_allocator(config, allocator_.get(), &params_);
  auto can = [&](const char* option) {
    return video_meta_ && gst_buffer_pool_has_option(pool, option) &&
           !gst_buffer_pool_config_has_option(config, option);
  };
  if (can(GST_BUFFER_POOL_OPTION_VIDEO_META)) {
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  }
  if (asks_for_room_around_ && can(GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT)) {
    GstVideoAlignment around = around_;
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
    gst_buffer_pool_config_set_video_alignment(config, &around);
  }
  if (gst_buffer_pool_set_config(pool, config)) return true;
  config = gst_buffer_pool_get_config(pool);
  if (!gst_buffer_pool_config_validate_params(config, caps, choice.size, choice.least, choice.most)) {
    gst_structure_free(config);
    return false;
  }
  return gst_buffer_pool_set_config(pool, config);
}

bool AllocationOffer::asks_for_other_memory() const {
  return params_.align > kAlign || params_.prefix > 0 || params_.padding > 0;
}

// Ordinary memory in the ordinary layout is what the engine has too, and in huge pages.
bool AllocationOffer::suits(GstBufferPool* pool, const GstVideoInfo& info, bool anywhere, bool in_use) const {
  GstBufferPoolAcquireParams now{};
  now.flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT;
  GstBuffer* acquired = nullptr;
  const GstFlowReturn got = gst_buffer_pool_acquire_buffer(pool, &acquired, &now);
  if (got == GST_FLOW_EOS) return in_use;  // downstream has them all, and will give them back
  if (got != GST_FLOW_OK) return false;
  auto buffer = adopt(acquired);
  // To copy what lies in the engine's memory is what downstream does anyway if it has to, and else nobody.
  if (!anywhere && is_in_system_memory(buffer.get())) return false;
  MappedPicture picture(info, buffer.get());
  if (!picture) return false;
  if (!picture.is_laid_out_by_caps()) return video_meta_;
  return !is_ordinary(pool) || !is_in_system_memory(buffer.get()) || asks_for_other_memory() ||
         gst_buffer_get_size(buffer.get()) > GST_VIDEO_INFO_SIZE(&info);
}

bool AllocationOffer::take(const Choice& choice, GstCaps* caps, const GstVideoInfo& info,
                           bool anywhere) const {
  GstBufferPool* pool = choice.pool.get();
  const bool in_use = gst_buffer_pool_is_active(pool);
  if (!set_up(choice, caps) || !gst_buffer_pool_set_active(pool, TRUE)) return false;
  if (suits(pool, info, anywhere, in_use)) return true;
  if (!in_use) gst_buffer_pool_set_active(pool, FALSE);
  return false;
}

AllocationOffer::Choice AllocationOffer::choose(GstCaps* caps, const GstVideoInfo& info, bool anywhere,
                                                particles::MakeFrame make) const {
  const auto size = static_cast<guint>(GST_VIDEO_INFO_SIZE(&info));
  for (Choice choice : pools_) {
    choice.size = std::max(choice.size, size);
    // Downstream may hold all of a pool that has no more than it needs, and then waits for the next picture.
    if (choice.most != 0 && choice.most <= choice.least) continue;
    if (take(choice, caps, info, anywhere)) return choice;
  }
  Choice choice{.size = size, .least = least_};
  const bool foreign = !is_system(allocator_.get()) &&
                       !GST_OBJECT_FLAG_IS_SET(allocator_.get(), GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
  const bool shaped = is_system(allocator_.get()) && (asks_for_room_around_ || asks_for_other_memory());
  if (foreign || (anywhere && shaped)) {
    choice.pool = adopt(gst_video_buffer_pool_new());
    if (take(choice, caps, info, anywhere)) return choice;
  }
  choice.pool = make_frame_pool(info, std::move(make));
  GstStructure* config = gst_buffer_pool_get_config(choice.pool.get());
  gst_buffer_pool_config_set_params(config, caps, size, least_, 0);
  if (video_meta_) gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  if (!gst_buffer_pool_set_config(choice.pool.get(), config) ||
      !gst_buffer_pool_set_active(choice.pool.get(), TRUE)) {
    choice.pool = nullptr;
  }
  return choice;
}

}  // namespace campaign
