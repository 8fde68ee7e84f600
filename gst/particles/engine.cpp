#include "particles/engine.hpp"

#include <algorithm>

#include "particles/cpu/cpu_engine.hpp"
#include "particles/vulkan_engine.hpp"

namespace campaign::particles {

Result<std::unique_ptr<Engine>> Engine::open(std::string_view choice,
                                             const std::filesystem::path& cache_folder) {
  if (choice == "cpu") return make_cpu_engine();
  if (choice.empty() || choice == "auto") {
    auto devices = vk::list_devices();
    auto gpu = [](const vk::DeviceInfo& info) { return !info.software; };
    if (!devices || std::ranges::none_of(*devices, gpu)) return make_cpu_engine();
  }
  auto device = vk::Device::open(choice, cache_folder);
  if (!device) return device.error();
  return make_vulkan_engine(std::move(*device));
}

Result<void> Engine::check_read(uint32_t count, uint32_t there, const StateOut& to) {
  if (count > there) {
    return Error::invalid("The number of particles to read", "at most " + std::to_string(there),
                          std::to_string(count));
  }
  for (const auto& array : {to.px, to.py, to.pz, to.vx, to.vy, to.vz}) {
    if (!array.empty() && array.size() < count) {
      return Error::invalid("The room for a component",
                            "empty or for " + std::to_string(count) + " particles",
                            "for " + std::to_string(array.size()));
    }
  }
  return {};
}

Result<void> Engine::check_read(const ParticleMemory& memory, uint32_t count, const StateOut& to) const {
  if (memory.device() != device()) {
    return Error("These particles are not in the memory of '" + device_name() +
                 "'. Read them on the device that moves them.");
  }
  return check_read(count, memory.capacity(), to);
}

Result<void> Engine::check_read_light(const FrameLayout& layout, std::span<const uint32_t> to) {
  const size_t needed = size_t{layout.width} * layout.height * 3;
  if (needed > 0 && to.size() == needed) return {};
  return Error::invalid("The room for the light", "three numbers for each pixel of the picture that is set",
                        std::to_string(to.size()));
}

}  // namespace campaign::particles
