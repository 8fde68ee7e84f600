#include "videolayout.hpp"

namespace campaign {

void fixate_video(GstStructure* structure) {
  gst_structure_fixate_field_nearest_int(structure, "width", 1280);
  gst_structure_fixate_field_nearest_int(structure, "height", 720);
  gst_structure_fixate_field_nearest_fraction(structure, "framerate", 30, 1);
}

particles::FrameLayout layout_of(const GstVideoInfo& info) {
  particles::FrameLayout layout;
  switch (GST_VIDEO_INFO_FORMAT(&info)) {
    case GST_VIDEO_FORMAT_NV12:
      layout.format = particles::PixelFormat::nv12;
      break;
    case GST_VIDEO_FORMAT_I420:
      layout.format = particles::PixelFormat::i420;
      break;
    case GST_VIDEO_FORMAT_BGRA:
    case GST_VIDEO_FORMAT_BGRx:
      layout.format = particles::PixelFormat::bgra;
      break;
    default:
      layout.format = particles::PixelFormat::rgba;
      break;
  }
  layout.width = static_cast<uint32_t>(GST_VIDEO_INFO_WIDTH(&info));
  layout.height = static_cast<uint32_t>(GST_VIDEO_INFO_HEIGHT(&info));
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES(&info); ++i) {
    layout.offset[i] = static_cast<uint32_t>(GST_VIDEO_INFO_PLANE_OFFSET(&info, i));
    layout.stride[i] = static_cast<uint32_t>(GST_VIDEO_INFO_PLANE_STRIDE(&info, i));
  }
  layout.size = GST_VIDEO_INFO_SIZE(&info);
  return layout;
}

}  // namespace campaign
