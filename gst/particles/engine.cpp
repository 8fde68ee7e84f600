#include "particles/engine.hpp"

#include <algorithm>

#include "particles/cpu/cpu_engine.hpp"
#include "particles/vulkan_engine.hpp"

namespace campaign::particles {

Result<std::unique_ptr<Engine>> Engine::open(std::string_view choice) {
  if (choice == "cpu") return make_cpu_engine();
  if (choice.empty() || choice == "auto") {
    auto devices = vk::list_devices();
    auto gpu = [](const vk::DeviceInfo& info) { return !info.software; };
    if (!devices || std::ranges::none_of(*devices, gpu)) return make_cpu_engine();
  }
  auto device = vk::Device::open(choice);
  if (!device) return device.error();
  return make_vulkan_engine(std::move(*device));
}

}  // namespace campaign::particles
