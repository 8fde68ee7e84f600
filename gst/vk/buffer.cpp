#include "vk/buffer.hpp"

#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace campaign::vk {
namespace {

constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
constexpr VkMemoryPropertyFlags kHost =
    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
constexpr VkMemoryPropertyFlags kCached = kHost | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;

// Best first; the last one is promised by the specification.
std::array<VkMemoryPropertyFlags, 3> preferences(BufferUse use) {
  switch (use) {
    case BufferUse::device:
      return {kLocal, 0, 0};
    case BufferUse::upload:
      return {kLocal | kHost, kHost, kHost};
    case BufferUse::readback:
      return {kCached, kHost, kHost};
  }
  return {};
}

// A software driver's memory is the process's own, and light falls on a picture at random: in pages of 4 KiB
// a walk of the page tables for each particle costs more than the particle. A hint, so refusing it is no
// error.
void ask_for_huge_pages(const Device& device, VkDeviceMemory memory, VkDeviceSize size) {
  constexpr uintptr_t kHugePage = 2u << 20;  // bytes
  void* data = nullptr;
  if (!device.info().software || size < kHugePage) return;
  if (vkMapMemory(device.get(), memory, 0, VK_WHOLE_SIZE, 0, &data) != VK_SUCCESS) return;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + size) / kHugePage * kHugePage;
  if (begin < end) (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
  vkUnmapMemory(device.get(), memory);
}

}  // namespace

Result<Buffer> Buffer::create(std::shared_ptr<Device> device, VkDeviceSize size, BufferUse use,
                              std::string_view what, VkFormat texels, VkFormat image) {
  auto failed = [&](VkResult r) {
    return Error("The device '" + device->info().name + "' has no room for " + std::string(what) + " (" +
                     std::to_string(size >> 20) + " MiB). Use fewer particles or a smaller picture.",
                 name_of(r));
  };
  Buffer buffer;
  buffer.device_ = device;
  buffer.size_ = size;

  VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  info.size = size;
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
               VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT;
  if (texels != VK_FORMAT_UNDEFINED) info.usage |= VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT;
  if (image != VK_FORMAT_UNDEFINED) info.usage |= VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT;
  info.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
  VkBuffer handle = VK_NULL_HANDLE;
  if (VkResult r = vkCreateBuffer(device->get(), &info, nullptr, &handle); r != VK_SUCCESS) return failed(r);
  buffer.buffer_ = BufferHandle(device->get(), handle);

  VkMemoryRequirements needs;
  vkGetBufferMemoryRequirements(device->get(), handle, &needs);
  std::optional<uint32_t> type;
  for (VkMemoryPropertyFlags wanted : preferences(use)) {
    if (!type) type = device->memory_type(needs.memoryTypeBits, wanted);
  }
  if (!type) return failed(VK_ERROR_FEATURE_NOT_PRESENT);
  VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  allocate.allocationSize = needs.size;
  allocate.memoryTypeIndex = *type;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  if (VkResult r = vkAllocateMemory(device->get(), &allocate, nullptr, &memory); r != VK_SUCCESS)
    return failed(r);
  buffer.memory_ = MemoryHandle(device->get(), memory);
  if (VkResult r = vkBindBufferMemory(device->get(), handle, memory, 0); r != VK_SUCCESS) return failed(r);
  if (device->memory_flags(*type) & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) {
    ask_for_huge_pages(*device, memory, needs.size);
  }
  for (auto [format, to] : {std::pair{texels, &buffer.texels_}, {image, &buffer.image_}}) {
    if (format == VK_FORMAT_UNDEFINED) continue;
    VkBufferViewCreateInfo view{VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO};
    view.buffer = handle;
    view.format = format;
    view.range = VK_WHOLE_SIZE;
    VkBufferView made = VK_NULL_HANDLE;
    if (VkResult r = vkCreateBufferView(device->get(), &view, nullptr, &made); r != VK_SUCCESS)
      return failed(r);
    *to = BufferViewHandle(device->get(), made);
  }
  if (use != BufferUse::device) {
    void* data = nullptr;
    if (VkResult r = vkMapMemory(device->get(), memory, 0, VK_WHOLE_SIZE, 0, &data); r != VK_SUCCESS) {
      return failed(r);
    }
    buffer.data_ = static_cast<std::byte*>(data);
  }
  return buffer;
}

}  // namespace campaign::vk
