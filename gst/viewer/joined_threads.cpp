// See joined_threads.hpp.
#include "viewer/joined_threads.hpp"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace campaign::viewer {
namespace {

constexpr std::size_t kMostIdle = 64;  // of some 16 viewers

struct Job {
  const GstTaskPoolFunction function;
  const gpointer data;
  // Under the lock of its Threads.
  GThread* thread = nullptr;  // that runs it
  bool done = false;
  bool last = false;       // its thread ends with it, and is joined with it
  bool forgotten = false;  // by whom it could be joined
};

// Kept alive by each of its threads.
class Threads : public std::enable_shared_from_this<Threads> {
 public:
  std::shared_ptr<Job> push(GstTaskPoolFunction function, gpointer data, GError** error);
  void join(Job& job);
  void forget(Job& job);
  void end();

 private:
  struct Thread {
    std::shared_ptr<Threads> threads;
    std::shared_ptr<Job> job;
  };
  static gpointer run(gpointer thread);
  void begin(Job& job);
  std::shared_ptr<Job> next_after(Job& job);

  std::mutex mutex_;
  std::condition_variable given_, taken_, done_;
  std::deque<std::shared_ptr<Job>> waiting_;  // for an idle thread each, to wake
  std::vector<GThread*> idle_;                // joined by end()
  bool ended_ = false;
};

std::shared_ptr<Job> Threads::push(GstTaskPoolFunction function, gpointer data, GError** error) {
  auto job = std::make_shared<Job>(Job{function, data});
  {
    std::scoped_lock lock(mutex_);
    if (!ended_ && idle_.size() > waiting_.size()) {
      waiting_.push_back(job);
      given_.notify_one();
      return job;
    }
  }
  auto thread = std::make_unique<Thread>(Thread{shared_from_this(), job});
  if (!g_thread_try_new(nullptr, run, thread.get(), error)) return nullptr;
  thread.release();  // to run()
  return job;
}

gpointer Threads::run(gpointer data) {
  const std::unique_ptr<Thread> thread(static_cast<Thread*>(data));
  for (auto job = std::move(thread->job); job; job = thread->threads->next_after(*job)) {
    thread->threads->begin(*job);
    job->function(job->data);
  }
  return nullptr;
}

void Threads::begin(Job& job) {
  std::scoped_lock lock(mutex_);
  job.thread = g_thread_self();
}

std::shared_ptr<Job> Threads::next_after(Job& job) {
  std::unique_lock lock(mutex_);
  GThread* self = job.thread;
  job.last = ended_ || idle_.size() >= kMostIdle;
  job.done = true;
  done_.notify_all();
  if (job.last) {
    if (job.forgotten) g_thread_unref(self);
    return nullptr;
  }
  idle_.push_back(self);
  pthread_setname_np(pthread_self(), "campaign-idle");  // not the task's any more
  given_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
  if (waiting_.empty()) return nullptr;
  std::erase(idle_, self);
  auto next = std::move(waiting_.front());
  waiting_.pop_front();
  taken_.notify_all();
  return next;
}

void Threads::join(Job& job) {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return job.done || job.thread == g_thread_self(); });
  if (!job.done) {
    job.forgotten = true;
  } else if (job.last) {
    lock.unlock();
    g_thread_join(job.thread);
  }
}

void Threads::forget(Job& job) {
  std::scoped_lock lock(mutex_);
  job.forgotten = true;
  if (job.last) g_thread_unref(job.thread);
}

void Threads::end() {
  std::vector<GThread*> idle;
  {
    std::unique_lock lock(mutex_);
    ended_ = true;
    given_.notify_all();
    taken_.wait(lock, [this] { return waiting_.empty(); });
    idle.swap(idle_);
  }
  for (GThread* thread : idle) g_thread_join(thread);
}

using Handle = std::shared_ptr<Job>;

}  // namespace
}  // namespace campaign::viewer

struct CampaignJoinedThreads {
  GstTaskPool parent;
  std::shared_ptr<campaign::viewer::Threads>* threads;  // owned
};
struct CampaignJoinedThreadsClass {
  GstTaskPoolClass parent_class;
};

static GType campaign_joined_threads_get_type();
G_DEFINE_TYPE(CampaignJoinedThreads, campaign_joined_threads, GST_TYPE_TASK_POOL)

using campaign::viewer::Handle;
using campaign::viewer::Threads;

static Threads& threads_of(gpointer pool) { return **static_cast<CampaignJoinedThreads*>(pool)->threads; }

static gpointer joined_threads_push(GstTaskPool* pool, GstTaskPoolFunction function, gpointer data,
                                    GError** error) {
  auto job = threads_of(pool).push(function, data, error);
  return job ? new Handle(std::move(job)) : nullptr;
}

static void joined_threads_dispose_handle(GstTaskPool* pool, gpointer handle) {
  const std::unique_ptr<Handle> job(static_cast<Handle*>(handle));
  if (job) threads_of(pool).forget(**job);
}

static void joined_threads_join(GstTaskPool* pool, gpointer handle) {
  const std::unique_ptr<Handle> job(static_cast<Handle*>(handle));
  if (job) threads_of(pool).join(**job);
}

static void campaign_joined_threads_finalize(GObject* object) {
  auto* threads = reinterpret_cast<CampaignJoinedThreads*>(object)->threads;
  (*threads)->end();
  delete threads;
  G_OBJECT_CLASS(campaign_joined_threads_parent_class)->finalize(object);
}

static void campaign_joined_threads_init(CampaignJoinedThreads* self) {
  self->threads = new std::shared_ptr<Threads>(std::make_shared<Threads>());
}

static void campaign_joined_threads_class_init(CampaignJoinedThreadsClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = campaign_joined_threads_finalize;
  auto* pool = GST_TASK_POOL_CLASS(klass);
  pool->prepare = [](GstTaskPool*, GError**) {};
  pool->cleanup = [](GstTaskPool*) {};
  pool->push = joined_threads_push;
  pool->join = joined_threads_join;
  pool->dispose_handle = joined_threads_dispose_handle;
}

namespace campaign::viewer {

Ref<GstTaskPool> make_joined_threads() {
  return sink(static_cast<GstTaskPool*>(g_object_new(campaign_joined_threads_get_type(), nullptr)));
}

void use_threads(GstMessage* message, GstTaskPool* threads) {
  GstStreamStatusType type;
  gst_message_parse_stream_status(message, &type, nullptr);
  if (type != GST_STREAM_STATUS_TYPE_CREATE) return;
  const GValue* task = gst_message_get_stream_status_object(message);
  if (task && G_VALUE_HOLDS(task, GST_TYPE_TASK))
    gst_task_set_pool(static_cast<GstTask*>(g_value_get_object(task)), threads);
}

void end_threads(GstTaskPool* threads) { threads_of(threads).end(); }

}  // namespace campaign::viewer
