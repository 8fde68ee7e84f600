// What GLib's locks, conditions, queues and first times order. See interpose.hpp.
#include <glib.h>

#include "interpose.hpp"

// The macros of the same names would be replaced first.
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

extern "C" void g_async_queue_push(GAsyncQueue* queue, gpointer data) {
  REAL(g_async_queue_push);
  __tsan_release(queue);
  next(queue, data);
}

#define POP(name, parameters, arguments)  \
  extern "C" gpointer name parameters {   \
    REAL(name);                           \
    const gpointer data = next arguments; \
    __tsan_acquire(queue);                \
    return data;                          \
  }

POP(g_async_queue_pop, (GAsyncQueue * queue), (queue))
POP(g_async_queue_try_pop, (GAsyncQueue * queue), (queue))
POP(g_async_queue_timeout_pop, (GAsyncQueue * queue, guint64 timeout), (queue, timeout))
