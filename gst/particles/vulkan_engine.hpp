// The engine on Vulkan compute: a GPU, or Mesa's software driver.
#pragma once

#include <optional>

#include "particles/engine.hpp"
#include "vk/device.hpp"

namespace campaign::particles {

struct VulkanOptions {
  bool int64_atomics = true;  // false takes the path of devices without them, for its tests
  // How many workgroups add their share of the light to accumulators of their own, see
  // shaders/step_in_slices.comp; 0 for one accumulator and atomic additions, as on a GPU. By itself a
  // software driver takes one for each of the processor's threads, up to four, if it can.
  std::optional<uint32_t> slices = std::nullopt;
};

Result<std::unique_ptr<Engine>> make_vulkan_engine(std::shared_ptr<vk::Device> device,
                                                   VulkanOptions options = {});

}  // namespace campaign::particles
