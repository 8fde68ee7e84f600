// See loop_queue.hpp.
#include "events/loop_queue.hpp"

#include <atomic>

namespace campaign::events {

struct LoopQueue::Jobs {
  Guarded<std::deque<std::function<void()>>> queue;
  std::atomic<bool> ended = false;
};

namespace {

GSourceFuncs ready_time_only = {nullptr,
                                nullptr,
                                [](GSource* source, GSourceFunc callback, gpointer data) -> gboolean {
                                  g_source_set_ready_time(source, -1);
                                  return callback(data);
                                },
                                nullptr,
                                nullptr,
                                nullptr};

}  // namespace

LoopQueue::LoopQueue(GMainContext* context)
    : jobs_(std::make_shared<Jobs>()), source_(g_source_new(&ready_time_only, sizeof(GSource))) {
  g_source_set_callback(source_, run, new std::shared_ptr<Jobs>(jobs_),
                        [](gpointer jobs) { delete static_cast<std::shared_ptr<Jobs>*>(jobs); });
  g_source_attach(source_, context);
}

LoopQueue::~LoopQueue() {
  jobs_->ended = true;
  g_source_destroy(source_);
  g_source_unref(source_);
  jobs_->queue.with([](auto& queue) { return std::exchange(queue, {}); });  // let go outside the lock
}

void LoopQueue::post(std::function<void()> job) {
  const bool first = jobs_->queue.with([&](auto& queue) {
    queue.push_back(std::move(job));
    return queue.size() == 1;
  });
  if (first) g_source_set_ready_time(source_, 0);
}

std::size_t LoopQueue::size() const {
  return jobs_->queue.with([](const auto& queue) { return queue.size(); });
}

// What is posted meanwhile waits for the next round, so that a job that posts another starves no one.
gboolean LoopQueue::run(gpointer data) {
  const auto jobs = *static_cast<std::shared_ptr<Jobs>*>(data);  // a job may destroy the queue
  auto round = jobs->queue.with([](auto& queue) { return std::exchange(queue, {}); });
  for (auto& job : round) {
    if (jobs->ended) return G_SOURCE_REMOVE;
    job();
    job = nullptr;
  }
  return G_SOURCE_CONTINUE;
}

}  // namespace campaign::events
