// Memory that shaders read and write, mapped where the processor does too. Movable; not safe to use from
// several threads at once, like any memory.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "vk/device.hpp"
#include "vk/handle.hpp"

namespace campaign::vk {

enum class BufferUse {
  device,    // only shaders touch it
  upload,    // the processor writes, shaders read
  readback,  // shaders write, the processor reads: cached if it can be
};

class Buffer {
 public:
  // `what` names the buffer in the error when memory is short. With `texels`, shaders may also read it as a
  // texel buffer of that format, all of it, and with `image` as a storage texel buffer of that one.
  static Result<Buffer> create(std::shared_ptr<Device> device, VkDeviceSize size, BufferUse use,
                               std::string_view what, VkFormat texels = VK_FORMAT_UNDEFINED,
                               VkFormat image = VK_FORMAT_UNDEFINED);
  Buffer() = default;

  VkBuffer get() const { return buffer_.get(); }
  VkBufferView texels() const { return texels_.get(); }
  VkBufferView image() const { return image_.get(); }
  VkDeviceSize size() const { return size_; }
  std::byte* data() const { return data_; }  // null for BufferUse::device

 private:
  std::shared_ptr<Device> device_;  // outlives the handles below
  MemoryHandle memory_;             // freed after the buffer that is bound to it
  BufferHandle buffer_;
  BufferViewHandle texels_, image_;
  VkDeviceSize size_ = 0;
  std::byte* data_ = nullptr;  // mapped for the buffer's whole life
};

}  // namespace campaign::vk
