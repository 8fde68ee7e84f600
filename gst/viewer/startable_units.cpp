// See startable_units.hpp.
#include "viewer/startable_units.hpp"

namespace campaign::viewer {
namespace {

// `sets` between the unit's first `at` bytes and the others, in a buffer that shares them.
Ref<GstBuffer> insert(GstBuffer* unit, std::size_t at, std::span<const std::uint8_t> sets) {
  auto whole = adopt(gst_buffer_new());
  gst_buffer_copy_into(whole.get(), unit, GstBufferCopyFlags(GST_BUFFER_COPY_METADATA), 0, gsize(-1));
  if (at > 0) gst_buffer_copy_into(whole.get(), unit, GST_BUFFER_COPY_MEMORY, 0, at);
  GstMemory* added = gst_allocator_alloc(nullptr, sets.size(), nullptr);
  gst_buffer_append_memory(whole.get(), added);
  gst_buffer_fill(whole.get(), at, sets.data(), sets.size());
  gst_buffer_copy_into(whole.get(), unit, GST_BUFFER_COPY_MEMORY, at, gsize(-1));
  return whole;
}

}  // namespace

// Sets come before the picture, so that of a picture that is no key frame the first memory is enough, and
// nothing has to be merged.
Ref<GstBuffer> StartableUnits::complete(Codec codec, Ref<GstBuffer> unit) {
  if (codec != Codec::h264) return unit;
  const bool key_frame = !GST_BUFFER_FLAG_IS_SET(unit.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  GstMapInfo map;
  if (!gst_buffer_map_range(unit.get(), 0, key_frame ? -1 : 1, &map, GST_MAP_READ)) return unit;
  const auto missing = sets_.look({map.data, map.size}, key_frame);
  gst_buffer_unmap(unit.get(), &map);
  return missing ? insert(unit.get(), missing->at, missing->sets) : std::move(unit);
}

}  // namespace campaign::viewer
