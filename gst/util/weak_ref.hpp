// A reference to a GObject that does not keep it alive. Any thread.
#pragma once

#include "util/gst_ptr.hpp"

namespace campaign {

template <class T>
class WeakRef {
 public:
  explicit WeakRef(T* object = nullptr) { g_weak_ref_init(&weak_, object); }
  WeakRef(const WeakRef&) = delete;
  WeakRef& operator=(const WeakRef&) = delete;
  ~WeakRef() { g_weak_ref_clear(&weak_); }

  void set(T* object) { g_weak_ref_set(&weak_, object); }
  // Null once it is gone.
  Ref<T> get() const { return adopt(static_cast<T*>(g_weak_ref_get(&weak_))); }

 private:
  mutable GWeakRef weak_;
};

}  // namespace campaign
