#include "videolayout.hpp"

namespace campaign {

void fixate_video(GstStructure* structure) {
  gst_structure_fixate_field_nearest_int(structure, "width", 1280);
  gst_structure_fixate_field_nearest_int(structure, "height", 720);
  gst_structure_fixate_field_nearest_fraction(structure, "framerate", 30, 1);
  if (gst_structure_has_field(structure, "pixel-aspect-ratio")) {
    gst_structure_fixate_field_nearest_fraction(structure, "pixel-aspect-ratio", 1, 1);
  } else {
    gst_structure_set(structure, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr);
  }
  if (gst_structure_has_field(structure, "interlace-mode")) {
    gst_structure_fixate_field_string(structure, "interlace-mode", "progressive");
  } else {
    gst_structure_set(structure, "interlace-mode", G_TYPE_STRING, "progressive", nullptr);
  }
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
