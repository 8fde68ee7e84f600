#include "picturewriter.hpp"

#include <cstring>
#include <utility>

#include "videolayout.hpp"

namespace campaign {
namespace {

// A meta that says something else than the caps is not of this picture, and GStreamer would only say so.
bool agree(const GstVideoInfo& info, const GstVideoMeta* meta) {
  return !meta ||
         (meta->format == GST_VIDEO_INFO_FORMAT(&info) && meta->n_planes == GST_VIDEO_INFO_N_PLANES(&info) &&
          meta->width >= static_cast<guint>(GST_VIDEO_INFO_WIDTH(&info)) &&
          meta->height >= static_cast<guint>(GST_VIDEO_INFO_HEIGHT(&info)));
}

}  // namespace

MappedPicture::MappedPicture(const GstVideoInfo& info, GstBuffer* buffer) : info_(info) {
  mapped_ = agree(info, gst_buffer_get_video_meta(buffer)) &&
            gst_video_frame_map(&frame_, &info, buffer, GST_MAP_WRITE);
}

MappedPicture::~MappedPicture() {
  if (mapped_) gst_video_frame_unmap(&frame_);
}

particles::FramePlanes MappedPicture::planes() const {
  particles::FramePlanes planes;
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES(&info_); ++i) {
    planes.data[i] = static_cast<std::byte*>(GST_VIDEO_FRAME_PLANE_DATA(&frame_, i));
    planes.stride[i] = GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, i);
  }
  return planes;
}

bool MappedPicture::is_laid_out_by_caps() const {
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES(&info_); ++i) {
    if (GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, i) != GST_VIDEO_INFO_PLANE_STRIDE(&info_, i) ||
        GST_VIDEO_FRAME_PLANE_OFFSET(&frame_, i) != GST_VIDEO_INFO_PLANE_OFFSET(&info_, i)) {
      return false;
    }
  }
  return true;
}

void PictureWriter::reset(const GstVideoInfo& info, bool anywhere, particles::MakeFrame make) {
  info_ = info;
  anywhere_ = anywhere;
  make_ = std::move(make);
  between_.reset();
}

Result<particles::FrameMemory*> PictureWriter::memory_between() {
  if (!between_) {
    auto made = make_();
    if (!made) return made.error();
    between_ = std::move(*made);
  }
  return between_.get();
}

void PictureWriter::copy(const particles::FrameMemory& memory, const particles::FramePlanes& to) const {
  const particles::FramePlanes from = memory.planes(layout_of(info_));
  for (guint plane = 0; plane < GST_VIDEO_INFO_N_PLANES(&info_); ++plane) {
    const int component = plane == 0 ? GST_VIDEO_COMP_Y : GST_VIDEO_COMP_U;  // V's rows are like U's
    const auto bytes = static_cast<size_t>(GST_VIDEO_INFO_COMP_WIDTH(&info_, component)) *
                       static_cast<size_t>(GST_VIDEO_INFO_COMP_PSTRIDE(&info_, component));
    for (int row = 0; row < GST_VIDEO_INFO_COMP_HEIGHT(&info_, component); ++row) {
      std::memcpy(to.data[plane] + row * to.stride[plane], from.data[plane] + row * from.stride[plane],
                  bytes);
    }
  }
}

}  // namespace campaign
