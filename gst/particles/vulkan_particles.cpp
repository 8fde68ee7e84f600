#include "particles/vulkan_particles.hpp"

#include <algorithm>

namespace campaign::particles {

Result<std::unique_ptr<ParticleMemory>> VulkanParticles::create(std::shared_ptr<vk::Device> device,
                                                                VulkanOptions options, uint32_t particles) {
  uint32_t capacity = (particles + kCapacityStep - 1) / kCapacityStep * kCapacityStep;
  auto buffer = vk::Buffer::create(device, VkDeviceSize{capacity} / 4 * kGroupBytes * kComponents,
                                   vk::BufferUse::device, std::to_string(particles) + " particles",
                                   VK_FORMAT_R32G32B32A32_SFLOAT);
  if (!buffer) return buffer.error();
  return std::unique_ptr<ParticleMemory>(
      std::make_unique<VulkanParticles>(std::move(device), options, capacity, std::move(*buffer)));
}

void VulkanParticles::copy_to(const VulkanParticles& to, vk::Submission& submission) const {
  for (uint32_t c = 0; c < kComponents; ++c) {
    submission.copy(buffer_, c * component_size(), to.buffer_, c * to.component_size(),
                    std::min(component_size(), to.component_size()));
  }
  submission.barrier();
}

}  // namespace campaign::particles
