// Counts what the calling thread allocates with operator new. Replaces that operator for the whole program,
// so it is for one source file of a test that is a program of its own.
#pragma once

#include <cstdlib>
#include <new>

namespace campaign::test {

inline thread_local std::size_t allocations = 0;  // a software driver's threads compile with LLVM

}  // namespace campaign::test

// None is inlined, or GCC sees what these free in `delete` come from a `new` that it does not know.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++campaign::test::allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
