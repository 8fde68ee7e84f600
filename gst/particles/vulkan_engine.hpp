// The engine on Vulkan compute: a GPU, or Mesa's software driver.
#pragma once

#include "particles/engine.hpp"
#include "vk/device.hpp"

namespace campaign::particles {

struct VulkanOptions {
  bool int64_atomics = true;  // false takes the path of devices without them, for its tests
  uint32_t accumulators = 0;  // 1 or 2; 0 takes 2 on a software driver, see shaders/step.comp
};

Result<std::unique_ptr<Engine>> make_vulkan_engine(std::shared_ptr<vk::Device> device,
                                                   VulkanOptions options = {});

}  // namespace campaign::particles
