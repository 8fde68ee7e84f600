// A world's particles and its pictures in a Vulkan device's memory.
#pragma once

#include "particles/frame.hpp"
#include "particles/snapshot.hpp"
#include "particles/vulkan_engine.hpp"
#include "vk/buffer.hpp"
#include "vk/submission.hpp"

namespace campaign::particles {

constexpr uint32_t kLocalSize = 256;                   // small groups cost lavapipe a tenth of a frame more
constexpr uint32_t kComponents = 6;                    // position and velocity
constexpr uint32_t kGroupBytes = 16;                   // four particles of one component
constexpr uint32_t kCapacityStep = 4096;               // particles
static_assert(kCapacityStep % (4 * kLocalSize) == 0);  // step.comp moves whole workgroups

class VulkanFrame final : public FrameMemory {
 public:
  explicit VulkanFrame(vk::Buffer buffer) : buffer_(std::move(buffer)) {}
  std::byte* data() const override { return buffer_.data(); }
  const vk::Buffer& buffer() const { return buffer_; }

 private:
  vk::Buffer buffer_;
};

// Six components, each of capacity() particles.
class VulkanParticles final : public ParticleMemory {
 public:
  static Result<std::unique_ptr<ParticleMemory>> create(std::shared_ptr<vk::Device> device,
                                                        VulkanOptions options, uint32_t particles);
  VulkanParticles(std::shared_ptr<vk::Device> device, VulkanOptions options, uint32_t capacity,
                  vk::Buffer buffer)
      : ParticleMemory(capacity), device_(std::move(device)), options_(options), buffer_(std::move(buffer)) {}

  uint64_t bytes() const override { return kComponents * component_size(); }
  const void* device() const override { return device_.get(); }
  Result<std::unique_ptr<Engine>> open_engine(unsigned) const override {
    return make_vulkan_engine(device_, options_);
  }
  const vk::Buffer& buffer() const { return buffer_; }
  VkDeviceSize component_size() const { return VkDeviceSize{capacity()} / 4 * kGroupBytes; }
  // As many particles as fit into both, and a barrier after them.
  void copy_to(const VulkanParticles& to, vk::Submission& submission) const;

 private:
  std::shared_ptr<vk::Device> device_;
  VulkanOptions options_;
  vk::Buffer buffer_;
};

}  // namespace campaign::particles
