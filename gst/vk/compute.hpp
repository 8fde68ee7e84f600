// Compute pipelines over one fixed list of buffers, and the submissions that run them. Every pipeline of a
// Program sees the same bindings, so one descriptor set serves a whole frame.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "vk/buffer.hpp"
#include "vk/device.hpp"
#include "vk/handle.hpp"

namespace campaign::vk {

// What each binding is, in order: a uniform block, a storage buffer or a uniform texel buffer.
using Bindings = std::vector<VkDescriptorType>;

class Program {
 public:
  static Result<std::unique_ptr<Program>> create(std::shared_ptr<Device> device, Bindings bindings);

  // `constants` are the specialisation constants 0, 1, 2, …
  Result<PipelineHandle> pipeline(std::span<const uint32_t> spirv, std::span<const uint32_t> constants) const;

  const std::shared_ptr<Device>& device() const { return device_; }
  const Bindings& bindings() const { return bindings_; }
  VkDescriptorSetLayout set_layout() const { return set_layout_.get(); }
  VkPipelineLayout layout() const { return layout_.get(); }

 private:
  Program() = default;
  std::shared_ptr<Device> device_;
  Bindings bindings_;
  SetLayoutHandle set_layout_;
  PipelineLayoutHandle layout_;
};

// One command buffer with its descriptor set and fence: recorded, submitted, awaited, and recorded again.
// One thread at a time. The destructor waits for what is in flight.
class Submission {
 public:
  static Result<std::unique_ptr<Submission>> create(const Program& program);
  ~Submission();
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;

  struct Range {
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceSize offset = 0;
    VkDeviceSize size = VK_WHOLE_SIZE;
    VkBufferView texels = VK_NULL_HANDLE;  // for a texel buffer, instead of the above
  };

  // Waits for the last use, then starts to record with these buffers bound, one for each binding.
  Result<void> begin(std::span<const Range> buffers);
  void run(const PipelineHandle& pipeline, uint32_t groups);
  void clear(const Buffer& buffer);
  void copy(const Buffer& from, VkDeviceSize from_offset, const Buffer& to, VkDeviceSize to_offset,
            VkDeviceSize size);
  void barrier();  // all writes so far are visible to what follows
  Result<void> submit();
  Result<void> wait();  // bounded: a device that hangs is an error

 private:
  Submission() = default;
  std::shared_ptr<Device> device_;
  const Program* program_ = nullptr;
  CommandPoolHandle pool_;
  DescriptorPoolHandle sets_;
  FenceHandle fence_;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;
  VkDescriptorSet set_ = VK_NULL_HANDLE;
  bool in_flight_ = false;
};

}  // namespace campaign::vk
