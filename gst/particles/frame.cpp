#include "particles/frame.hpp"

namespace campaign::particles {

FrameLayout FrameLayout::packed(PixelFormat format, uint32_t width, uint32_t height) {
  auto up = [](uint32_t x, uint32_t to) { return (x + to - 1) / to * to; };
  FrameLayout layout;
  layout.format = format;
  layout.width = width;
  layout.height = height;
  uint32_t rows = up(height, 2);
  if (format == PixelFormat::rgba || format == PixelFormat::bgra) {
    layout.stride = {width * 4, 0, 0};
    layout.size = size_t{layout.stride[0]} * height;
    return layout;
  }
  layout.stride[0] = up(width, 4);
  layout.offset[1] = layout.stride[0] * rows;
  if (format == PixelFormat::nv12) {
    layout.stride[1] = layout.stride[0];
    layout.size = layout.offset[1] + size_t{layout.stride[1]} * rows / 2;
  } else {
    layout.stride[1] = layout.stride[2] = up(up(width, 2) / 2, 4);
    layout.offset[2] = layout.offset[1] + layout.stride[1] * rows / 2;
    layout.size = layout.offset[2] + size_t{layout.stride[2]} * rows / 2;
  }
  return layout;
}

FramePlanes FrameMemory::planes(const FrameLayout& layout) const {
  FramePlanes planes;
  for (size_t i = 0; i < planes.data.size(); ++i) {
    planes.data[i] = data() + layout.offset[i];
    planes.stride[i] = static_cast<ptrdiff_t>(layout.stride[i]);
  }
  return planes;
}

}  // namespace campaign::particles
