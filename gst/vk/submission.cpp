#include "vk/submission.hpp"

#include <map>

namespace campaign::vk {
namespace {

constexpr uint64_t kPatienceNs =
    20'000'000'000;  // a software driver with millions of particles is slow, not hung
constexpr VkPipelineStageFlags kStages =
    VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;

}  // namespace

Result<std::unique_ptr<Submission>> Submission::create(const Program& program) {
  const auto& device = program.device();
  auto submission = std::unique_ptr<Submission>(new Submission);
  submission->device_ = device;
  submission->program_ = &program;

  VkCommandPoolCreateInfo pool_info{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool_info.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  pool_info.queueFamilyIndex = device->queue_family();
  VkCommandPool pool = VK_NULL_HANDLE;
  if (VkResult r = vkCreateCommandPool(device->get(), &pool_info, nullptr, &pool); r != VK_SUCCESS) {
    return device_error(*device, "vkCreateCommandPool", r);
  }
  submission->pool_ = CommandPoolHandle(device->get(), pool);
  VkCommandBufferAllocateInfo allocate{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  allocate.commandPool = pool;
  allocate.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  allocate.commandBufferCount = 1;
  if (VkResult r = vkAllocateCommandBuffers(device->get(), &allocate, &submission->commands_);
      r != VK_SUCCESS) {
    return device_error(*device, "vkAllocateCommandBuffers", r);
  }

  std::map<VkDescriptorType, uint32_t> counts;
  for (VkDescriptorType type : program.bindings()) ++counts[type];
  std::vector<VkDescriptorPoolSize> sizes;
  for (auto [type, count] : counts) sizes.push_back({type, count});
  VkDescriptorPoolCreateInfo sets_info{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
  sets_info.maxSets = 1;
  sets_info.poolSizeCount = static_cast<uint32_t>(sizes.size());
  sets_info.pPoolSizes = sizes.data();
  VkDescriptorPool sets = VK_NULL_HANDLE;
  if (VkResult r = vkCreateDescriptorPool(device->get(), &sets_info, nullptr, &sets); r != VK_SUCCESS) {
    return device_error(*device, "vkCreateDescriptorPool", r);
  }
  submission->sets_ = DescriptorPoolHandle(device->get(), sets);
  VkDescriptorSetLayout layout = program.set_layout();
  VkDescriptorSetAllocateInfo set_info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
  set_info.descriptorPool = sets;
  set_info.descriptorSetCount = 1;
  set_info.pSetLayouts = &layout;
  if (VkResult r = vkAllocateDescriptorSets(device->get(), &set_info, &submission->set_); r != VK_SUCCESS) {
    return device_error(*device, "vkAllocateDescriptorSets", r);
  }

  VkFenceCreateInfo fence_info{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  VkFence fence = VK_NULL_HANDLE;
  if (VkResult r = vkCreateFence(device->get(), &fence_info, nullptr, &fence); r != VK_SUCCESS) {
    return device_error(*device, "vkCreateFence", r);
  }
  submission->fence_ = FenceHandle(device->get(), fence);
  return submission;
}

Result<void> Submission::begin(std::span<const Range> buffers) {
  constexpr size_t kMostBindings = 19;
  VkDescriptorBufferInfo infos[kMostBindings];
  VkWriteDescriptorSet writes[kMostBindings];
  const auto& bindings = program_->bindings();
  for (uint32_t i = 0; i < bindings.size(); ++i) {
    infos[i] = {buffers[i].buffer, buffers[i].offset, buffers[i].size};
    writes[i] = {VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
    writes[i].dstSet = set_;
    writes[i].dstBinding = i;
    writes[i].descriptorCount = 1;
    writes[i].descriptorType = bindings[i];
    writes[i].pBufferInfo = &infos[i];
    writes[i].pTexelBufferView = &buffers[i].texels;
  }
  vkUpdateDescriptorSets(device_->get(), static_cast<uint32_t>(bindings.size()), writes, 0, nullptr);

  VkCommandBufferBeginInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  info.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  if (VkResult r = vkBeginCommandBuffer(commands_, &info); r != VK_SUCCESS) {
    return device_error(*device_, "vkBeginCommandBuffer", r);
  }
  vkCmdBindDescriptorSets(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, program_->layout(), 0, 1, &set_, 0,
                          nullptr);
  barrier();
  return {};
}

void Submission::run(const PipelineHandle& pipeline, uint32_t groups) {
  vkCmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.get());
  vkCmdDispatch(commands_, groups, 1, 1);
}

void Submission::clear(const Buffer& buffer) {
  vkCmdFillBuffer(commands_, buffer.get(), 0, VK_WHOLE_SIZE, 0);
}

void Submission::copy(const Buffer& from, VkDeviceSize from_offset, const Buffer& to, VkDeviceSize to_offset,
                      VkDeviceSize size) {
  VkBufferCopy region{from_offset, to_offset, size};
  vkCmdCopyBuffer(commands_, from.get(), to.get(), 1, &region);
}

void Submission::barrier() {
  // Both of its sides reach beyond this command buffer, to all that is submitted to the queue before it and
  // after it (the Vulkan specification, "Pipeline Barriers").
  VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                          VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  vkCmdPipelineBarrier(commands_, kStages, kStages, 0, 1, &barrier, 0, nullptr, 0, nullptr);
}

void Submission::show_to_processor() {
  VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  vkCmdPipelineBarrier(commands_, kStages, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, nullptr, 0,
                       nullptr);
}

Result<void> Submission::submit() {
  if (VkResult r = vkEndCommandBuffer(commands_); r != VK_SUCCESS) {
    return device_error(*device_, "vkEndCommandBuffer", r);
  }
  if (VkResult r = device_->submit(commands_, fence_.get()); r != VK_SUCCESS) {
    return device_error(*device_, "vkQueueSubmit", r);
  }
  in_flight_ = true;
  return {};
}

Result<void> Submission::wait() {
  if (!in_flight_) return {};
  VkFence fence = fence_.get();
  VkResult r = vkWaitForFences(device_->get(), 1, &fence, VK_TRUE, kPatienceNs);
  if (r != VK_SUCCESS) return device_error(*device_, "vkWaitForFences", r);
  in_flight_ = false;
  r = vkResetFences(device_->get(), 1, &fence);
  if (r != VK_SUCCESS) return device_error(*device_, "vkResetFences", r);
  return {};
}

}  // namespace campaign::vk
