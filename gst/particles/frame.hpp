// Where the bytes of a picture go, and the memory that receives them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "util/result.hpp"

namespace campaign::particles {

enum class PixelFormat : uint32_t { nv12, i420, rgba, bgra };  // numbered as in shaders/resolve.comp

struct FrameLayout {
  PixelFormat format = PixelFormat::nv12;
  uint32_t width = 0, height = 0;    // pixels
  std::array<uint32_t, 3> offset{};  // bytes; of Y or RGB, of U or UV, of V. Multiples of 4
  std::array<uint32_t, 3> stride{};  // bytes a row, likewise
  size_t size = 0;                   // bytes in all

  // The densest layout with rows that are multiples of 4 bytes, as GStreamer lays out its default.
  static FrameLayout packed(PixelFormat format, uint32_t width, uint32_t height);
};

// The planes of one picture, wherever each of them begins.
struct FramePlanes {
  std::array<std::byte*, 3> data{};
  std::array<ptrdiff_t, 3> stride{};  // bytes from a row to the next
};

// Memory that an engine draws into and the processor reads. Keeps alive what it needs; may outlive its
// engine.
class FrameMemory {
 public:
  virtual ~FrameMemory() = default;
  virtual std::byte* data() const = 0;
  virtual FramePlanes planes(const FrameLayout& layout) const;  // where the layout puts them
};

// Memory that somebody else owns and laid out, for engines that draw anywhere: its planes are not where the
// layout of the picture has them. Of that they have the format and the size.
class BorrowedFrame final : public FrameMemory {
 public:
  explicit BorrowedFrame(const FramePlanes& planes) : planes_(planes) {}
  std::byte* data() const override { return planes_.data[0]; }
  FramePlanes planes(const FrameLayout&) const override { return planes_; }

 private:
  FramePlanes planes_;
};

// Makes another one for a layout; may be called from any thread and outlive its engine.
using MakeFrame = std::function<Result<std::unique_ptr<FrameMemory>>()>;

}  // namespace campaign::particles
