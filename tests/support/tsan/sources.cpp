// What GLib's main contexts and pools of threads order: who is called back sees what was done before it was
// asked for. See interpose.hpp.
#include <glib.h>

#include <map>

#include "interpose.hpp"

namespace {

// A kind of sources, with what its dispatch() is.
struct Kind {
  GSourceFuncs functions;
  const GSourceFuncs* original;
};

const GSourceFuncs* original(const GSource* source) {
  return reinterpret_cast<const Kind*>(source->source_funcs)->original;
}

gboolean dispatch(GSource* source, GSourceFunc callback, gpointer data) {
  __tsan_acquire(source);
  const gboolean stays = original(source)->dispatch(source, callback, data);
  __tsan_release(source);
  return stays;
}

// With the last reference, before the source goes.
void finalize(GSource* source) {
  __tsan_acquire(source);
  if (original(source)->finalize) original(source)->finalize(source);
}

// In the place of a kind's functions; they live as long as the process. Each thread has its own: a lock would
// order them all.
GSourceFuncs* ordered(const GSourceFuncs* functions) {
  static thread_local std::map<const GSourceFuncs*, Kind*> kinds;
  Kind*& kind = kinds[functions];
  if (!kind) {
    kind = new Kind{*functions, functions};
    kind->functions.dispatch = dispatch;
    kind->functions.finalize = finalize;
  }
  return &kind->functions;
}

}  // namespace

extern "C" guint g_source_attach(GSource* source, GMainContext* context) {
  REAL(g_source_attach);
  if (source->source_funcs->dispatch != dispatch) source->source_funcs = ordered(source->source_funcs);
  __tsan_release(source);
  return next(source, context);
}

extern "C" void g_source_set_ready_time(GSource* source, gint64 time) {
  REAL(g_source_set_ready_time);
  __tsan_release(source);
  next(source, time);
}

extern "C" void g_source_destroy(GSource* source) {
  REAL(g_source_destroy);
  __tsan_release(source);
  next(source);
}

extern "C" void g_source_unref(GSource* source) {
  REAL(g_source_unref);
  __tsan_release(source);
  next(source);
}

// GLib's own attach sources inside of GLib.
namespace {

guint attach(GSource* source, gint priority, GSourceFunc function, gpointer data, GDestroyNotify notify,
             GMainContext* context = nullptr) {
  g_source_set_priority(source, priority);
  g_source_set_callback(source, function, data, notify);
  const guint id = g_source_attach(source, context);
  g_source_unref(source);
  return id;
}

}  // namespace

extern "C" guint g_idle_add_full(gint priority, GSourceFunc function, gpointer data, GDestroyNotify notify) {
  return attach(g_idle_source_new(), priority, function, data, notify);
}

extern "C" guint g_idle_add(GSourceFunc function, gpointer data) {
  return attach(g_idle_source_new(), G_PRIORITY_DEFAULT_IDLE, function, data, nullptr);
}

extern "C" guint g_timeout_add_full(gint priority, guint interval, GSourceFunc function, gpointer data,
                                    GDestroyNotify notify) {
  return attach(g_timeout_source_new(interval), priority, function, data, notify);
}

extern "C" guint g_timeout_add(guint interval, GSourceFunc function, gpointer data) {
  return attach(g_timeout_source_new(interval), G_PRIORITY_DEFAULT, function, data, nullptr);
}

namespace {

// What a pool's threads are to do, which is what they get as the pool's data.
struct Work {
  GFunc function;
  gpointer data;
};

void do_work(gpointer task, gpointer data) {
  const auto* work = static_cast<Work*>(data);
  __tsan_acquire(data);
  work->function(task, work->data);
}

}  // namespace

extern "C" GThreadPool* g_thread_pool_new(GFunc function, gpointer data, gint most, gboolean exclusive,
                                          GError** error) {
  REAL(g_thread_pool_new);
  return next(do_work, new Work{function, data}, most, exclusive, error);  // as old as the process
}

extern "C" gboolean g_thread_pool_push(GThreadPool* pool, gpointer task, GError** error) {
  REAL(g_thread_pool_push);
  if (pool->func == do_work) __tsan_release(pool->user_data);
  return next(pool, task, error);
}
