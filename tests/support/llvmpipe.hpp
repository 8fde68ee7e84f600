// The Vulkan executor on Mesa's software driver, which proves the shaders on every machine.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "particles/vulkan_engine.hpp"

namespace campaign::test {

inline std::shared_ptr<vk::Device> llvmpipe() {
  auto device = vk::Device::open("llvmpipe");
  EXPECT_TRUE(device) << device.error().for_user();
  return std::move(*device);
}

inline std::unique_ptr<particles::Engine> llvmpipe_engine(particles::VulkanOptions options = {}) {
  auto engine = make_vulkan_engine(llvmpipe(), options);
  EXPECT_TRUE(engine) << engine.error().for_user();
  return std::move(*engine);
}

}  // namespace campaign::test
