// See droppable.hpp.
#include "viewer/droppable.hpp"

#include <algorithm>

namespace campaign::viewer {
namespace {

// The slices of a picture agree on whether it is referred to (ITU-T H.264, 7.4.1), so the first one says it.
bool is_droppable_h264(std::span<const std::uint8_t> unit) {
  for (std::size_t i = 0; i + 3 < unit.size(); ++i) {
    if (unit[i] != 0 || unit[i + 1] != 0 || unit[i + 2] != 1) continue;
    const int type = unit[i + 3] & 0x1f, nal_ref_idc = unit[i + 3] >> 5 & 3;
    if (type >= 1 && type <= 5) return nal_ref_idc == 0;
    i += 3;
  }
  return false;
}

}  // namespace

// It changes no picture that others refer to, and none of what a decoder remembers from one to the next
// (RFC 6386, 9.3 to 9.11): an encoder that is made resilient to errors says all of that again each time.
bool DroppableUnits::next_vp8(std::span<const std::uint8_t> unit) {
  const bool key_frame = !unit.empty() && (unit[0] & 1) == 0;
  if (key_frame) gst_vp8_parser_init(&vp8_);  // as decoders do
  const GstVp8MbLfAdjustments before = vp8_.mb_lf_adjust;
  GstVp8FrameHdr header{};
  if (gst_vp8_parser_parse_frame_header(&vp8_, &header, unit.data(), unit.size()) != GST_VP8_PARSER_OK)
    return false;
  const bool same_filter = std::ranges::equal(before.ref_frame_delta, vp8_.mb_lf_adjust.ref_frame_delta) &&
                           std::ranges::equal(before.mb_mode_delta, vp8_.mb_lf_adjust.mb_mode_delta);
  return !key_frame && !header.refresh_last && !header.refresh_golden_frame &&
         !header.refresh_alternate_frame && !header.copy_buffer_to_golden &&
         !header.copy_buffer_to_alternate && !header.refresh_entropy_probs && same_filter &&
         !vp8_.segmentation.update_mb_segmentation_map && !vp8_.segmentation.update_segment_feature_data;
}

bool DroppableUnits::next(Codec codec, GstBuffer* unit) {
  if (codec != Codec::h264 && codec != Codec::vp8) return false;
  // The first memory holds the headers; to look at all of several would copy them.
  GstMemory* memory = gst_buffer_n_memory(unit) > 0 ? gst_buffer_peek_memory(unit, 0) : nullptr;
  GstMapInfo map;
  if (!memory || !gst_memory_map(memory, &map, GST_MAP_READ)) return false;
  const std::span<const std::uint8_t> bytes(map.data, map.size);
  const bool droppable = codec == Codec::h264 ? is_droppable_h264(bytes) : next_vp8(bytes);
  gst_memory_unmap(memory, &map);
  return droppable;
}

}  // namespace campaign::viewer
