// Compiled pipelines that survive the process: a file for each device and driver, in a folder that the caller
// names. What cannot be read or written is as if it were not there: it only costs compiling again.
#pragma once

#include <vulkan/vulkan.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace campaign::vk {

// Which device and driver compiled: what the driver itself puts at the head of its data
// (VkPipelineCacheHeaderVersionOne).
struct CacheIdentity {
  uint32_t vendor = 0, device = 0;
  uint8_t uuid[VK_UUID_SIZE] = {};  // of the driver's build

  static CacheIdentity of(const VkPhysicalDeviceProperties& properties);
};

class PipelineCacheFile {
 public:
  // An empty folder keeps nothing.
  PipelineCacheFile(const std::filesystem::path& folder, const CacheIdentity& identity);

  // The driver's data, or nothing when there is none, when it is damaged, larger than kLargest, or another
  // driver's: drivers do not promise to survive what they did not write.
  std::vector<std::byte> read() const;
  // Replaces the file as a whole, also while other processes read or write it. Whether it did.
  bool write(std::span<const std::byte> data) const;

  const std::filesystem::path& path() const { return path_; }

  static constexpr size_t kLargest = 16u << 20;  // bytes

 private:
  std::filesystem::path path_;
  CacheIdentity identity_;
};

}  // namespace campaign::vk
