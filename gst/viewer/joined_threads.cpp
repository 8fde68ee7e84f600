// See joined_threads.hpp.
#include "viewer/joined_threads.hpp"

struct CampaignJoinedThreads {
  GstTaskPool parent;
};
struct CampaignJoinedThreadsClass {
  GstTaskPoolClass parent_class;
};

static GType campaign_joined_threads_get_type();
G_DEFINE_TYPE(CampaignJoinedThreads, campaign_joined_threads, GST_TYPE_TASK_POOL)

namespace {

struct Task {
  GstTaskPoolFunction function;
  gpointer data;
};

gpointer run(gpointer data) {
  const std::unique_ptr<Task> task(static_cast<Task*>(data));
  task->function(task->data);
  return nullptr;
}

}  // namespace

static gpointer joined_threads_push(GstTaskPool*, GstTaskPoolFunction function, gpointer data,
                                    GError** error) {
  auto task = std::make_unique<Task>(Task{function, data});
  GThread* thread = g_thread_try_new(nullptr, run, task.get(), error);
  if (thread) task.release();  // to run()
  return thread;
}

static void joined_threads_dispose_handle(GstTaskPool*, gpointer thread) {
  if (thread) g_thread_unref(static_cast<GThread*>(thread));
}

static void joined_threads_join(GstTaskPool* pool, gpointer thread) {
  if (thread == g_thread_self()) return joined_threads_dispose_handle(pool, thread);
  if (thread) g_thread_join(static_cast<GThread*>(thread));
}

static void campaign_joined_threads_init(CampaignJoinedThreads*) {}

static void campaign_joined_threads_class_init(CampaignJoinedThreadsClass* klass) {
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

}  // namespace campaign::viewer
