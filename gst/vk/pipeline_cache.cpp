#include "vk/pipeline_cache.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <system_error>

namespace campaign::vk {
namespace {

// Before the driver's data, in this machine's byte order: the file never leaves it.
struct Envelope {
  char magic[8] = {'c', 'a', 'm', 'p', 'p', 'i', 'p', '1'};
  uint64_t size = 0;
  uint64_t hash = 0;
};

// FNV-1a with 64 bits (draft-eastlake-fnv): against damage, not against malice.
uint64_t hash_of(std::span<const std::byte> data) {
  uint64_t hash = 0xcbf29ce484222325;
  for (std::byte b : data) hash = (hash ^ std::to_integer<uint64_t>(b)) * 0x100000001b3;
  return hash;
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

  bool read_all(std::span<std::byte> to) const {
    while (!to.empty()) {
      ssize_t n = ::read(descriptor_, to.data(), to.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      to = to.subspan(static_cast<size_t>(n));
    }
    return true;
  }
  bool write_all(std::span<const std::byte> from) const {
    while (!from.empty()) {
      ssize_t n = ::write(descriptor_, from.data(), from.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      from = from.subspan(static_cast<size_t>(n));
    }
    return true;
  }

 private:
  int descriptor_;
};

bool is_from(const CacheIdentity& identity, std::span<const std::byte> data) {
  VkPipelineCacheHeaderVersionOne header;
  if (data.size() < sizeof header) return false;
  std::memcpy(&header, data.data(), sizeof header);
  return header.headerSize >= sizeof header && header.headerSize <= data.size() &&
         header.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE && header.vendorID == identity.vendor &&
         header.deviceID == identity.device &&
         std::memcmp(header.pipelineCacheUUID, identity.uuid, VK_UUID_SIZE) == 0;
}

}  // namespace

CacheIdentity CacheIdentity::of(const VkPhysicalDeviceProperties& properties) {
  CacheIdentity identity{properties.vendorID, properties.deviceID, {}};
  std::memcpy(identity.uuid, properties.pipelineCacheUUID, VK_UUID_SIZE);
  return identity;
}

PipelineCacheFile::PipelineCacheFile(const std::filesystem::path& folder, const CacheIdentity& identity)
    : identity_(identity) {
  if (folder.empty()) return;
  char name[64];
  int length = std::snprintf(name, sizeof name, "pipelines-%08x-%08x-", identity.vendor, identity.device);
  for (uint8_t byte : identity.uuid) {
    length += std::snprintf(name + length, sizeof name - static_cast<size_t>(length), "%02x", byte);
  }
  path_ = folder / name;
}

std::vector<std::byte> PipelineCacheFile::read() const {
  if (path_.empty()) return {};
  // Not blocking, so that a pipe that lies there does not hold up the start.
  File file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about;
  if (file.get() < 0 || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return {};
  Envelope envelope;
  const Envelope expected;
  if (!file.read_all(std::as_writable_bytes(std::span(&envelope, 1))) ||
      std::memcmp(envelope.magic, expected.magic, sizeof expected.magic) != 0 || envelope.size > kLargest ||
      static_cast<uint64_t>(about.st_size) != sizeof envelope + envelope.size) {
    return {};
  }
  std::vector<std::byte> data(envelope.size);
  if (!file.read_all(data) || hash_of(data) != envelope.hash || !is_from(identity_, data)) return {};
  return data;
}

bool PipelineCacheFile::write(std::span<const std::byte> data) const {
  if (path_.empty() || data.size() > kLargest || !is_from(identity_, data)) return false;
  std::error_code ignored;
  std::filesystem::create_directories(path_.parent_path(), ignored);
  std::string temporary = path_.string() + ".XXXXXX";
  File file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) return false;
  Envelope envelope;
  envelope.size = data.size();
  envelope.hash = hash_of(data);
  if (file.write_all(std::as_bytes(std::span(&envelope, 1))) && file.write_all(data) &&
      ::rename(temporary.c_str(), path_.c_str()) == 0) {
    return true;
  }
  ::unlink(temporary.c_str());
  return false;
}

}  // namespace campaign::vk
