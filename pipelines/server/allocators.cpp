// See allocators.hpp.
#include "pipelines/server/allocators.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

namespace campaign::server {
namespace {

// Of glibc (2.36, manual: "Memory Allocation Tunables").
std::string tunables() {
  return
      // A thread keeps freed blocks up to this size for itself: 15 kB at most, and not 230.
      "glibc.malloc.tcache_max=256"
      // So much may be free at the end of an arena. Unless said, it grows with the largest block ever freed.
      ":glibc.malloc.trim_threshold=262144"
      // Larger blocks are mapped each time, which costs page faults: not those of a frame.
      ":glibc.malloc.mmap_threshold=4194304"
      // Each arena has gaps of its own, and eight for each processor are the default.
      ":glibc.malloc.arena_max=" +
      std::to_string(std::max(2u, std::thread::hardware_concurrency()));
}

}  // namespace

void choose_allocators(char** arguments) {
  if (std::getenv("G_SLICE")) return;
  // GLib's slices (before 2.76) are lists of freed blocks beside the allocator's, and hardly shrink.
  setenv("G_SLICE", "always-malloc", 0);
  setenv("GLIBC_TUNABLES", tunables().c_str(), 0);
  std::error_code unknown;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (!unknown) execv(program.c_str(), arguments);  // which cannot be started again goes on as it is
}

}  // namespace campaign::server
