// A Vulkan device for compute: which one, opened with what the shaders need, and its queue.
// Safe to share between threads; the queue is locked for the length of a submission only.
#pragma once

#include <vulkan/vulkan.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.hpp"
#include "vk/handle.hpp"
#include "vk/pipeline_cache.hpp"

namespace campaign::vk {

// "VK_ERROR_DEVICE_LOST" and so on, for error details.
std::string name_of(VkResult result);

struct DeviceInfo {
  unsigned index = 0;     // as `device=` takes it
  std::string name;       // "llvmpipe (LLVM 15.0.6, 256 bits)"
  bool software = false;  // runs on the processor
};

// Every Vulkan device of this machine; an error says what to install when there is no driver at all.
Result<std::vector<DeviceInfo>> list_devices();

class Device {
 public:
  // `choice`: "auto" (the fastest kind there is), an index, or part of a name in any case. The same device
  // is opened once a process, and closed with its last user. Compiled pipelines are kept in `cache_folder`,
  // if it is not empty, when the device is closed; the first to open a device decides.
  static Result<std::shared_ptr<Device>> open(std::string_view choice,
                                              const std::filesystem::path& cache_folder = {});
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const DeviceInfo& info() const { return info_; }
  VkDevice get() const { return device_; }
  uint32_t queue_family() const { return queue_family_; }
  bool has_int64_atomics() const { return int64_atomics_; }
  // How many invocations of a compute shader go together and may shuffle values; 0 where they may not.
  uint32_t subgroup_size() const { return subgroup_size_; }
  VkPipelineCache pipeline_cache() const { return cache_.get(); }  // null where there is none
  const VkPhysicalDeviceLimits& limits() const { return limits_; }
  VkDeviceSize largest_heap() const;

  // A memory type out of `allowed` (a bit mask) with all of `wanted`.
  std::optional<uint32_t> memory_type(uint32_t allowed, VkMemoryPropertyFlags wanted) const;
  VkMemoryPropertyFlags memory_flags(uint32_t type) const { return memory_.memoryTypes[type].propertyFlags; }

  // To the one queue that everybody who has this device shares, in the order of these calls.
  VkResult submit(VkCommandBuffer commands, VkFence fence);

 private:
  struct Instance;
  Device() = default;
  static Result<std::shared_ptr<Device>> open_physical(std::shared_ptr<Instance> instance, DeviceInfo info,
                                                       VkPhysicalDevice physical,
                                                       const std::filesystem::path& cache_folder);
  void open_cache(const std::filesystem::path& folder, const VkPhysicalDeviceProperties& properties);
  void save_cache() const;
  static Result<std::shared_ptr<Instance>> make_instance();
  friend Result<std::vector<DeviceInfo>> list_devices();

  std::shared_ptr<Instance> instance_;  // destroyed after the device
  DeviceInfo info_;
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  std::mutex queue_lock_;
  uint32_t queue_family_ = 0;
  bool int64_atomics_ = false;
  uint32_t subgroup_size_ = 0;
  std::optional<PipelineCacheFile> cache_file_;
  uint64_t cache_read_ = 0;    // bytes that were in it
  PipelineCacheHandle cache_;  // gone before the device is, see ~Device
  VkPhysicalDeviceLimits limits_{};
  VkPhysicalDeviceMemoryProperties memory_{};
};

// What a call that the device failed means to a user.
Error device_error(const Device& device, const char* call, VkResult r);

}  // namespace campaign::vk
