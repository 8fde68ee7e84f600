// One command buffer with its descriptor set and fence: recorded, submitted, awaited, and recorded again. All
// users of a Device submit to its one queue, so that what is submitted first begins first, whoever submitted
// it; a submission's first command is a barrier against all that came before it, so nobody has to wait on
// this side for what another one of them writes. One thread at a time.
#pragma once

#include <memory>
#include <span>

#include "vk/compute.hpp"

namespace campaign::vk {

// Must not be destroyed in flight, which is what FrameRing takes care of.
class Submission {
 public:
  static Result<std::unique_ptr<Submission>> create(const Program& program);
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;

  struct Range {
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceSize offset = 0;
    VkDeviceSize size = VK_WHOLE_SIZE;
    VkBufferView texels = VK_NULL_HANDLE;  // for a texel buffer, instead of the above
  };

  // Starts to record with these buffers bound, one for each binding. Not in flight.
  Result<void> begin(std::span<const Range> buffers);
  void run(const PipelineHandle& pipeline, uint32_t groups);
  void clear(const Buffer& buffer);
  void copy(const Buffer& from, VkDeviceSize from_offset, const Buffer& to, VkDeviceSize to_offset,
            VkDeviceSize size);
  void barrier();            // all writes so far are visible to what follows on the device
  void show_to_processor();  // and to the processor, once it has waited for this submission
  Result<void> submit();
  // Until the device is done with it, and with everything that was submitted before it. Bounded: a device
  // that hangs is an error, after which this is still in flight.
  Result<void> wait();

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
