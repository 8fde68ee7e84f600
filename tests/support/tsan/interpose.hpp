// GLib's locks are made of futexes and its counts of inline atomics, which ThreadSanitizer does not see in a
// library that was not built with it: whatever one thread hands to another through them looks like a race.
// Preloaded before GLib, these functions say what is ordered, and call those that they stand before. What a
// library calls in itself does not come by here.
#pragma once

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

namespace campaign::tsan {

template <class F>
F* real(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

// All that threads did before they came here with `object` has happened for who goes on.
inline void pass_through(void* object) {
  __tsan_release(object);
  __tsan_acquire(object);
}

}  // namespace campaign::tsan

// The function that would have been called; first in each that stands before it.
#define REAL(name) static const auto next = campaign::tsan::real<decltype(name)>(#name)
