// See event_loop.hpp. Closures are owned by their GSource, so a context that dies frees what never ran.
#include "signalling/event_loop.hpp"

#include <pthread.h>

#include <condition_variable>
#include <memory>
#include <mutex>

namespace campaign::signalling {
namespace {

template <class F>
void destroy(gpointer closure) {
  delete static_cast<F*>(closure);
}

}  // namespace

EventLoop::EventLoop(const char* thread_name)
    : context_(g_main_context_new()), loop_(g_main_loop_new(context_, FALSE)) {
  thread_ = std::thread([this] {
    g_main_context_push_thread_default(context_);
    g_main_loop_run(loop_);
    while (g_main_context_iteration(context_, FALSE)) {
    }  // what was posted before stop()
    g_main_context_pop_thread_default(context_);
  });
  pthread_setname_np(thread_.native_handle(), thread_name);
}

EventLoop::~EventLoop() {
  stop();
  g_main_loop_unref(loop_);
  g_main_context_unref(context_);
}

void EventLoop::post(std::function<void()> job) {
  using Job = std::function<void()>;
  GSource* source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(
      source,
      [](gpointer closure) -> gboolean {
        (*static_cast<Job*>(closure))();
        return G_SOURCE_REMOVE;
      },
      new Job(std::move(job)), destroy<Job>);
  g_source_attach(source, context_);
  g_source_unref(source);
}

void EventLoop::call(const std::function<void()>& job) {
  if (g_main_context_is_owner(context_)) return job();
  std::mutex mutex;
  std::condition_variable done_changed;
  bool done = false;
  post([&] {
    job();
    std::scoped_lock lock(mutex);
    done = true;
    done_changed.notify_one();
  });
  std::unique_lock lock(mutex);
  done_changed.wait(lock, [&] { return done; });
}

void EventLoop::every(unsigned milliseconds, std::function<bool()> tick) {
  using Tick = std::function<bool()>;
  GSource* source = g_timeout_source_new(milliseconds);
  g_source_set_callback(
      source,
      [](gpointer closure) -> gboolean {
        return (*static_cast<Tick*>(closure))() ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
      },
      new Tick(std::move(tick)), destroy<Tick>);
  g_source_attach(source, context_);
  g_source_unref(source);
}

void EventLoop::stop() {
  if (!thread_.joinable()) return;
  post([this] { g_main_loop_quit(loop_); });
  thread_.join();
}

}  // namespace campaign::signalling
