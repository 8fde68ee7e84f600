// See ice_thread.hpp.
#include "viewer/ice/ice_thread.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "util/glib_ptr.hpp"
#include "util/guarded.hpp"

namespace campaign::viewer {
namespace {

// GLib looks names up on ten threads, for all of the program; a name that nobody answers to takes one of them
// for seconds.
constexpr unsigned kMostLookUps = 32;

constexpr guint kMostKept = 3'000;  // milliseconds

}  // namespace

struct IceThread::Loop {
  struct Jobs {
    std::deque<std::function<void()>> waiting;
    bool stopping = false;
    bool over = false;  // the thread runs no more jobs
  };

  Guarded<Jobs> jobs;
  const ContextPtr context{g_main_context_new()};
  const ObjectPtr<GCancellable> stopped{g_cancellable_new()};
  // The thread only.
  unsigned look_ups = 0, kept = 0;
  bool ending = false, late = false;

  bool may_end() const { return look_ups == 0 && (kept == 0 || late); }

  // It ends then, however it is kept.
  void end_by(guint milliseconds) {
    ending = true;
    const auto is_late = [](gpointer flag) -> gboolean {
      *static_cast<bool*>(flag) = true;
      return G_SOURCE_REMOVE;
    };
    GSource* timer = g_timeout_source_new(milliseconds);
    g_source_set_callback(timer, is_late, &late, nullptr);
    g_source_attach(timer, context.get());
    g_source_unref(timer);
  }

  void run() {
    g_main_context_push_thread_default(context.get());
    for (bool over = false, stopping = false;;) {
      auto waiting = jobs.with([&](Jobs& now) {
        stopping = now.stopping;
        over = now.over = stopping && now.waiting.empty() && may_end();
        return std::exchange(now.waiting, {});
      });
      if (over) break;
      if (stopping && !ending) end_by(kMostKept);
      const bool any = !waiting.empty();
      while (!waiting.empty()) {
        waiting.front()();
        waiting.pop_front();
      }
      g_main_context_iteration(context.get(), !any);
    }
    g_main_context_pop_thread_default(context.get());
  }
};

IceThread::IceThread() : loop_(std::make_shared<Loop>()) {
  const auto run = [](gpointer data) -> gpointer {
    const std::unique_ptr<std::shared_ptr<Loop>> loop(static_cast<std::shared_ptr<Loop>*>(data));
    (*loop)->run();
    return nullptr;
  };
  thread_ = g_thread_new("campaign-ice", run, new std::shared_ptr<Loop>(loop_));
}

IceThread::~IceThread() { stop(); }

GMainContext* IceThread::context() const { return loop_->context.get(); }

void IceThread::post(std::function<void()> job) {
  const auto loop = loop_;  // the job may let go of the last reference to this
  const bool posted = loop->jobs.with([&](Loop::Jobs& jobs) {
    if (!jobs.over) jobs.waiting.push_back(std::move(job));
    return !jobs.over;
  });
  if (posted)
    g_main_context_wakeup(loop->context.get());
  else
    job();
}

void IceThread::call(const std::function<void()>& job) {
  if (g_main_context_is_owner(context())) return job();
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

void IceThread::stop() {
  if (loop_->jobs.with([](Loop::Jobs& jobs) { return std::exchange(jobs.stopping, true); })) return;
  g_cancellable_cancel(loop_->stopped.get());
  g_main_context_wakeup(context());
  if (thread_ == g_thread_self())
    g_thread_unref(thread_);
  else
    g_thread_join(thread_);
}

bool IceThread::resolve(const std::string& host, std::function<void(const std::string& address)> found) {
  if (loop_->look_ups >= kMostLookUps || g_cancellable_is_cancelled(loop_->stopped.get())) return false;
  ++loop_->look_ups;
  struct LookUp {
    std::shared_ptr<Loop> loop;
    std::function<void(const std::string& address)> found;
  };
  const ObjectPtr<GResolver> resolver{g_resolver_get_default()};
  g_resolver_lookup_by_name_async(
      resolver.get(), host.c_str(), loop_->stopped.get(),
      [](GObject* source, GAsyncResult* result, gpointer data) {
        const std::unique_ptr<LookUp> look_up(static_cast<LookUp*>(data));
        --look_up->loop->look_ups;
        GList* addresses = g_resolver_lookup_by_name_finish(G_RESOLVER(source), result, nullptr);
        if (!addresses) return;
        const CharPtr first{g_inet_address_to_string(G_INET_ADDRESS(addresses->data))};
        g_resolver_free_addresses(addresses);
        look_up->found(first.get());
      },
      new LookUp{loop_, std::move(found)});
  return true;
}

std::shared_ptr<void> IceThread::keep() {
  ++loop_->kept;
  return {nullptr, [loop = loop_](void*) { --loop->kept; }};
}

}  // namespace campaign::viewer
