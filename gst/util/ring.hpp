// A queue in one block of memory: it grows when it must, and never allocates once it has been as long as it
// gets. One thread at a time.
#pragma once

#include <cassert>
#include <cstddef>
#include <utility>
#include <vector>

namespace campaign {

template <class T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  T& operator[](std::size_t index) { return slots_[slot(index)]; }
  const T& operator[](std::size_t index) const { return slots_[slot(index)]; }
  T& front() { return (*this)[0]; }
  const T& front() const { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }
  const T& back() const { return (*this)[size_ - 1]; }

  void push_back(T value) { insert(size_, std::move(value)); }

  // Before the element that is `index`-th now; moves those behind it.
  void insert(std::size_t index, T value) {
    assert(index <= size_);
    if (size_ == slots_.size()) grow();
    ++size_;
    for (std::size_t i = size_ - 1; i > index; --i) (*this)[i] = std::move((*this)[i - 1]);
    (*this)[index] = std::move(value);
  }

  // What leaves is let go of at once, not when its slot is used again.
  T pop_front() {
    T value = std::exchange(front(), T{});
    first_ = slot(1);
    --size_;
    return value;
  }
  T pop_back() {
    T value = std::exchange(back(), T{});
    --size_;
    return value;
  }
  void clear() {
    while (!empty()) pop_back();
  }

 private:
  std::size_t slot(std::size_t index) const {
    const std::size_t at = first_ + index;
    return at < slots_.size() ? at : at - slots_.size();
  }
  void grow() {
    std::vector<T> larger(slots_.empty() ? 16 : 2 * slots_.size());
    for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    slots_ = std::move(larger);
    first_ = 0;
  }

  std::vector<T> slots_;
  std::size_t first_ = 0, size_ = 0;
};

}  // namespace campaign
