// Zeroed, aligned memory of plain numbers, in huge pages where it is large: walking the page tables for
// arrays of this size would cost more than the arithmetic on them.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

namespace campaign::particles::cpu {

inline constexpr size_t kHugePage = 2u << 20;  // bytes
inline constexpr size_t kAlign = 64;           // bytes: a cache line and the widest vector

template <class T>
class Array {
 public:
  Array() = default;
  explicit Array(size_t count, size_t at_least = kAlign) : count_(count) {
    const size_t bytes = count * sizeof(T);
    const size_t alignment = bytes >= kHugePage ? kHugePage : at_least;
    data_ = {static_cast<T*>(::operator new (bytes, std::align_val_t{alignment})), Delete{alignment}};
    if (bytes >= kHugePage)
      (void)madvise(data_.get(), bytes, MADV_HUGEPAGE);  // a hint: refusing it is no error
    clear();
  }
  T* get() const { return data_.get(); }
  size_t size() const { return count_; }
  void clear() { std::memset(static_cast<void*>(data_.get()), 0, count_ * sizeof(T)); }

 private:
  struct Delete {
    size_t alignment = kAlign;
    void operator()(T* data) const { ::operator delete (data, std::align_val_t{alignment}); }
  };
  size_t count_ = 0;
  std::unique_ptr<T, Delete> data_;
};

}  // namespace campaign::particles::cpu
