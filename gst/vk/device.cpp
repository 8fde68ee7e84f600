#include "vk/device.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>

namespace campaign::vk {

struct Device::Instance {
  VkInstance handle = VK_NULL_HANDLE;
  std::vector<VkPhysicalDevice> physical;
  std::vector<DeviceInfo> infos;
  ~Instance() {
    if (handle != VK_NULL_HANDLE) vkDestroyInstance(handle, nullptr);
  }
};

namespace {

Error no_driver(std::string detail) {
  return Error(
      "There is no Vulkan driver on this machine. Install one: mesa-vulkan-drivers has the software driver "
      "and "
      "those of AMD and Intel; NVIDIA's comes with its own package.",
      std::move(detail));
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

// How much we would rather have it: real GPUs first.
int rank(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 4;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 3;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    case VK_PHYSICAL_DEVICE_TYPE_OTHER:
      return 1;
    default:
      return 0;
  }
}

std::optional<uint32_t> compute_family(VkPhysicalDevice physical) {
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families.data());
  for (uint32_t i = 0; i < count; ++i) {
    if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) return i;
  }
  return std::nullopt;
}

// The device that `choice` names, as an index into `infos`.
Result<size_t> choose(std::string_view choice, const std::vector<DeviceInfo>& infos,
                      const std::vector<VkPhysicalDevice>& physical) {
  if (choice.empty() || choice == "auto") {
    size_t best = 0;
    int best_rank = -1;
    for (size_t i = 0; i < physical.size(); ++i) {
      VkPhysicalDeviceProperties properties;
      vkGetPhysicalDeviceProperties(physical[i], &properties);
      if (rank(properties.deviceType) > best_rank) {
        best_rank = rank(properties.deviceType);
        best = i;
      }
    }
    return best;
  }
  unsigned index = 0;
  auto [end, error] = std::from_chars(choice.data(), choice.data() + choice.size(), index);
  if (error == std::errc() && end == choice.data() + choice.size()) {
    if (index < infos.size()) return size_t{index};
  } else {
    for (size_t i = 0; i < infos.size(); ++i) {
      if (lower(infos[i].name).find(lower(choice)) != std::string::npos) return i;
    }
  }
  std::string known;
  for (const auto& info : infos)
    known += (known.empty() ? "" : ", ") + std::to_string(info.index) + ": " + info.name;
  return Error("There is no Vulkan device '" + std::string(choice) + "'. This machine has " + known +
               ". Use one of these numbers, part of a name, cpu, or auto.");
}

}  // namespace

std::string name_of(VkResult result) {
  switch (result) {
    case VK_SUCCESS:
      return "VK_SUCCESS";
    case VK_TIMEOUT:
      return "VK_TIMEOUT";
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "VK_ERROR_OUT_OF_HOST_MEMORY";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "VK_ERROR_INITIALIZATION_FAILED";
    case VK_ERROR_DEVICE_LOST:
      return "VK_ERROR_DEVICE_LOST";
    case VK_ERROR_FEATURE_NOT_PRESENT:
      return "VK_ERROR_FEATURE_NOT_PRESENT";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return "VK_ERROR_INCOMPATIBLE_DRIVER";
    default:
      return "VkResult " + std::to_string(static_cast<int>(result));
  }
}

Result<std::shared_ptr<Device::Instance>> Device::make_instance() {
  VkApplicationInfo app{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  app.pApplicationName = "gst-campaign";
  app.apiVersion = VK_API_VERSION_1_2;
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &app;
  auto instance = std::make_shared<Instance>();
  if (VkResult r = vkCreateInstance(&info, nullptr, &instance->handle); r != VK_SUCCESS) {
    instance->handle = VK_NULL_HANDLE;
    return no_driver("vkCreateInstance: " + name_of(r));
  }
  uint32_t count = 0;
  VkResult r = vkEnumeratePhysicalDevices(instance->handle, &count, nullptr);
  if (r != VK_SUCCESS || count == 0) return no_driver("vkEnumeratePhysicalDevices: " + name_of(r));
  std::vector<VkPhysicalDevice> all(count);
  vkEnumeratePhysicalDevices(instance->handle, &count, all.data());
  for (VkPhysicalDevice physical : all) {
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(physical, &properties);
    if (properties.apiVersion < VK_API_VERSION_1_2 || !compute_family(physical)) continue;
    instance->infos.push_back({static_cast<unsigned>(instance->infos.size()), properties.deviceName,
                               properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU});
    instance->physical.push_back(physical);
  }
  if (instance->physical.empty()) return no_driver("no device with Vulkan 1.2 and a compute queue");
  return instance;
}

Result<std::vector<DeviceInfo>> list_devices() {
  auto instance = Device::make_instance();
  if (!instance) return instance.error();
  return (*instance)->infos;
}

Result<std::shared_ptr<Device>> Device::open(std::string_view choice,
                                             const std::filesystem::path& cache_folder) {
  static std::mutex lock;
  static std::map<unsigned, std::weak_ptr<Device>> open_devices;

  auto instance = make_instance();
  if (!instance) return instance.error();
  auto chosen = choose(choice, (*instance)->infos, (*instance)->physical);
  if (!chosen) return chosen.error();
  std::scoped_lock guard(lock);
  auto& slot = open_devices[static_cast<unsigned>(*chosen)];
  if (auto device = slot.lock()) return device;
  auto device =
      open_physical(*instance, (*instance)->infos[*chosen], (*instance)->physical[*chosen], cache_folder);
  if (device) slot = *device;
  return device;
}

Result<std::shared_ptr<Device>> Device::open_physical(std::shared_ptr<Instance> instance, DeviceInfo info,
                                                      VkPhysicalDevice physical,
                                                      const std::filesystem::path& cache_folder) {
  auto family = compute_family(physical);

  VkPhysicalDeviceVulkan12Features has12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceFeatures2 has{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &has12};
  vkGetPhysicalDeviceFeatures2(physical, &has);
  bool int64_atomics = has.features.shaderInt64 && has12.shaderBufferInt64Atomics;

  VkPhysicalDeviceVulkan12Features want12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  want12.shaderBufferInt64Atomics = int64_atomics;
  VkPhysicalDeviceFeatures2 want{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &want12};
  want.features.shaderInt64 = int64_atomics;

  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueFamilyIndex = *family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkDeviceCreateInfo create{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, &want};
  create.queueCreateInfoCount = 1;
  create.pQueueCreateInfos = &queue;

  auto device = std::shared_ptr<Device>(new Device);
  device->instance_ = std::move(instance);
  device->info_ = std::move(info);
  device->queue_family_ = *family;
  device->int64_atomics_ = int64_atomics;
  VkPhysicalDeviceSubgroupProperties subgroups{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
  VkPhysicalDeviceProperties2 described{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &subgroups};
  vkGetPhysicalDeviceProperties2(physical, &described);
  const VkPhysicalDeviceProperties& properties = described.properties;
  device->limits_ = properties.limits;
  if ((subgroups.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) &&
      (subgroups.supportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT)) {
    device->subgroup_size_ = subgroups.subgroupSize;
  }
  vkGetPhysicalDeviceMemoryProperties(physical, &device->memory_);
  if (VkResult r = vkCreateDevice(physical, &create, nullptr, &device->device_); r != VK_SUCCESS) {
    device->device_ = VK_NULL_HANDLE;
    return Error(
        "The Vulkan device '" + device->info_.name + "' could not be opened; try another with device=.",
        "vkCreateDevice: " + name_of(r));
  }
  vkGetDeviceQueue(device->device_, *family, 0, &device->queue_);
  device->open_cache(cache_folder, properties);
  return device;
}

void Device::open_cache(const std::filesystem::path& folder, const VkPhysicalDeviceProperties& properties) {
  cache_file_.emplace(folder, CacheIdentity::of(properties));
  const std::vector<std::byte> data = cache_file_->read();
  cache_read_ = data.size();
  VkPipelineCacheCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
  info.initialDataSize = data.size();
  info.pInitialData = data.data();
  VkPipelineCache cache = VK_NULL_HANDLE;
  if (vkCreatePipelineCache(device_, &info, nullptr, &cache) == VK_SUCCESS) {
    cache_ = PipelineCacheHandle(device_, cache);
  }
}

void Device::save_cache() const {
  if (cache_.get() == VK_NULL_HANDLE || cache_file_->path().empty()) return;
  size_t size = 0;
  if (vkGetPipelineCacheData(device_, cache_.get(), &size, nullptr) != VK_SUCCESS) return;
  // Caches only grow, so one of the same size is the one that was read.
  if (size == cache_read_ || size > PipelineCacheFile::kLargest) return;
  std::vector<std::byte> data(size);
  if (vkGetPipelineCacheData(device_, cache_.get(), &size, data.data()) != VK_SUCCESS) return;
  (void)cache_file_->write(std::span(data).first(size));
}

Device::~Device() {
  if (device_ == VK_NULL_HANDLE) return;
  // Nothing is in flight: a FrameRing has waited for what it submitted, and held this until then.
  save_cache();
  cache_ = {};
  vkDestroyDevice(device_, nullptr);
}

VkDeviceSize Device::largest_heap() const {
  VkDeviceSize largest = 0;
  for (uint32_t i = 0; i < memory_.memoryHeapCount; ++i)
    largest = std::max(largest, memory_.memoryHeaps[i].size);
  return largest;
}

std::optional<uint32_t> Device::memory_type(uint32_t allowed, VkMemoryPropertyFlags wanted) const {
  for (uint32_t i = 0; i < memory_.memoryTypeCount; ++i) {
    if ((allowed & (1u << i)) && (memory_.memoryTypes[i].propertyFlags & wanted) == wanted) return i;
  }
  return std::nullopt;
}

VkResult Device::submit(VkCommandBuffer commands, VkFence fence) {
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  std::scoped_lock guard(queue_lock_);
  return vkQueueSubmit(queue_, 1, &info, fence);
}

Error device_error(const Device& device, const char* call, VkResult r) {
  return Error("The Vulkan device '" + device.info().name +
                   "' failed; restart the pipeline, or choose another with device=.",
               std::string(call) + ": " + name_of(r));
}

}  // namespace campaign::vk
