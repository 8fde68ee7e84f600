// References to GLib and GStreamer objects that say who owns them.
// A raw pointer is borrowed and never stored; a Ref owns one reference.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <utility>

#include "util/glib_ptr.hpp"

namespace campaign {

template <class T>
struct RefTraits {  // GObjects; the mini objects are specialised below
  static void ref(T* object) { g_object_ref(object); }
  static void unref(T* object) { g_object_unref(object); }
  static bool is_floating(T* object) { return g_object_is_floating(object); }
};

template <class T>
struct MiniObjectTraits {
  static void ref(T* object) { gst_mini_object_ref(GST_MINI_OBJECT_CAST(object)); }
  static void unref(T* object) { gst_mini_object_unref(GST_MINI_OBJECT_CAST(object)); }
  static bool is_floating(T*) { return false; }
};
template <>
struct RefTraits<GstBuffer> : MiniObjectTraits<GstBuffer> {};
template <>
struct RefTraits<GstBufferList> : MiniObjectTraits<GstBufferList> {};
template <>
struct RefTraits<GstCaps> : MiniObjectTraits<GstCaps> {};
template <>
struct RefTraits<GstEvent> : MiniObjectTraits<GstEvent> {};
template <>
struct RefTraits<GstMessage> : MiniObjectTraits<GstMessage> {};
template <>
struct RefTraits<GstSample> : MiniObjectTraits<GstSample> {};
template <>
struct RefTraits<GstPromise> : MiniObjectTraits<GstPromise> {};

template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  Ref(const Ref& other) : object_(other.object_) {
    if (object_) RefTraits<T>::ref(object_);
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_) RefTraits<T>::unref(object_);
  }

  T* get() const { return object_; }
  T* release() { return std::exchange(object_, nullptr); }  // to a callee that takes ownership
  explicit operator bool() const { return object_ != nullptr; }

  // Use adopt, sink or share below: they say which reference this becomes.
  struct Owned {};
  Ref(Owned, T* object) : object_(object) {}

 private:
  T* object_ = nullptr;
};

// Transfer full: the reference is ours from here on. A floating object here is a bug.
template <class T>
Ref<T> adopt(T* object) {
  g_assert(!object || !RefTraits<T>::is_floating(object));
  return Ref<T>(typename Ref<T>::Owned{}, object);
}

// Transfer floating: what a constructor of GStreamer returns.
template <class T>
Ref<T> sink(T* object) {
  if (object) g_object_ref_sink(object);
  return Ref<T>(typename Ref<T>::Owned{}, object);
}

// Transfer none: borrowed from its owner, and kept beyond the call.
template <class T>
Ref<T> share(T* object) {
  if (object) RefTraits<T>::ref(object);
  return Ref<T>(typename Ref<T>::Owned{}, object);
}

struct StructureFree {
  void operator()(GstStructure* structure) const { gst_structure_free(structure); }
};
using StructurePtr = std::unique_ptr<GstStructure, StructureFree>;

}  // namespace campaign
