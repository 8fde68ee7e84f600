// Compute pipelines over one fixed list of buffers. Every pipeline of a Program sees the same bindings, so
// one descriptor set serves a whole frame.
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

}  // namespace campaign::vk
