// Zeroed, aligned memory of plain numbers, in huge pages where it is large: walking the page tables for
// arrays of this size would cost more than the arithmetic on them.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

namespace campaign::particles::cpu {

inline constexpr size_t kHugePage = 2u << 20;       // bytes
inline constexpr size_t kFewSmallPages = 1u << 20;  // bytes; arrays up to this size do without huge ones
inline constexpr size_t kAlign = 64;                // bytes: a cache line and the widest vector

template <class T>
class Array {
 public:
  Array() = default;
  explicit Array(size_t count, size_t at_least = kAlign) : count_(count) {
    const size_t bytes = count * sizeof(T);
    const Delete how{at_least, bytes > kFewSmallPages ? (bytes + kHugePage - 1) / kHugePage * kHugePage : 0};
    data_ = {
        static_cast<T*>(how.mapped ? map(how.mapped) : ::operator new (bytes, std::align_val_t{at_least})),
        how};
    clear();  // also makes the pages present, which nobody is to wait for later
  }
  T* get() const { return data_.get(); }
  size_t size() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }
  void clear() { std::memset(static_cast<void*>(data_.get()), 0, count_ * sizeof(T)); }

 private:
  struct Delete {
    size_t alignment = kAlign;
    size_t mapped = 0;  // bytes of a mapping of its own; 0 when it is on the heap
    void operator()(T* data) const {
      if (mapped)
        ::munmap(data, mapped);
      else
        ::operator delete (data, std::align_val_t{alignment});
    }
  };
  // Whole huge pages that nothing was in before: what the heap gives again keeps the pages that it had.
  static void* map(size_t bytes) {
    void* const all =
        ::mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) throw std::bad_alloc();
    auto* const begin = static_cast<std::byte*>(all);
    const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(all) % kHugePage) % kHugePage;
    if (before > 0) ::munmap(begin, before);
    if (before < kHugePage) ::munmap(begin + before + bytes, kHugePage - before);
    (void)::madvise(begin + before, bytes, MADV_HUGEPAGE);  // a hint: refusing it is no error
    return begin + before;
  }
  size_t count_ = 0;
  std::unique_ptr<T, Delete> data_;
};

}  // namespace campaign::particles::cpu
