// GLib's locks are made of futexes and its counts of inline atomics, which ThreadSanitizer does not see in a
// library that was not built with it: whatever one thread hands to another through them looks like a race.
// Preloaded before GLib, this says what they order, and calls them.
#include <dlfcn.h>
#include <glib-object.h>
#include <gst/gst.h>
#include <sanitizer/tsan_interface.h>

namespace {

template <class F>
F* real(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define REAL(name) static const auto next = real<decltype(name)>(#name)

// The macros of the same names would be replaced first.
#undef g_object_ref
#undef g_cond_wait
#undef g_once_init_enter
#undef g_once_init_leave

#define LOCK(Type, take, give)       \
  extern "C" void take(Type* lock) { \
    REAL(take);                      \
    next(lock);                      \
    __tsan_acquire(lock);            \
  }                                  \
  extern "C" void give(Type* lock) { \
    REAL(give);                      \
    __tsan_release(lock);            \
    next(lock);                      \
  }
#define TRY_LOCK(Type, take)             \
  extern "C" gboolean take(Type* lock) { \
    REAL(take);                          \
    const gboolean taken = next(lock);   \
    if (taken) __tsan_acquire(lock);     \
    return taken;                        \
  }

LOCK(GMutex, g_mutex_lock, g_mutex_unlock)
TRY_LOCK(GMutex, g_mutex_trylock)
LOCK(GRecMutex, g_rec_mutex_lock, g_rec_mutex_unlock)
TRY_LOCK(GRecMutex, g_rec_mutex_trylock)
LOCK(GRWLock, g_rw_lock_writer_lock, g_rw_lock_writer_unlock)
LOCK(GRWLock, g_rw_lock_reader_lock, g_rw_lock_reader_unlock)

extern "C" void g_cond_wait(GCond* cond, GMutex* mutex) {
  REAL(g_cond_wait);
  __tsan_release(mutex);
  next(cond, mutex);
  __tsan_acquire(mutex);
}

extern "C" gboolean g_cond_wait_until(GCond* cond, GMutex* mutex, gint64 end) {
  REAL(g_cond_wait_until);
  __tsan_release(mutex);
  const gboolean woken = next(cond, mutex, end);
  __tsan_acquire(mutex);
  return woken;
}

// Whoever lets go of the last reference takes apart what the others have done to it.
extern "C" gpointer g_object_ref(gpointer object) {
  REAL(g_object_ref);
  __tsan_release(object);
  return next(object);
}

extern "C" void g_object_unref(gpointer object) {
  REAL(g_object_unref);
  __tsan_release(object);
  __tsan_acquire(object);
  next(object);
}

extern "C" GstMiniObject* gst_mini_object_ref(GstMiniObject* object) {
  REAL(gst_mini_object_ref);
  __tsan_release(object);
  return next(object);
}

extern "C" void gst_mini_object_unref(GstMiniObject* object) {
  REAL(gst_mini_object_unref);
  __tsan_release(object);
  __tsan_acquire(object);
  next(object);
}

// What comes out of these was put in by another thread.
extern "C" gboolean g_once_init_enter(volatile void* location) {
  REAL(g_once_init_enter);
  const gboolean first = next(location);
  if (!first) __tsan_acquire(const_cast<void*>(location));
  return first;
}

extern "C" void g_once_init_leave(volatile void* location, gsize result) {
  REAL(g_once_init_leave);
  __tsan_release(const_cast<void*>(location));
  next(location, result);
}
