// Jobs for a GMainContext, run in the order in which they were posted: how a callback comes later and never
// from inside the call that asked for it. What is still queued when the queue is destroyed never runs.
#pragma once

#include <glib.h>

#include <deque>
#include <functional>
#include <memory>

#include "util/guarded.hpp"

namespace campaign::events {

// Made and destroyed on the context's thread.
class LoopQueue {
 public:
  explicit LoopQueue(GMainContext* context = nullptr);  // null: the default context
  LoopQueue(const LoopQueue&) = delete;
  ~LoopQueue();

  void post(std::function<void()> job);  // any thread
  std::size_t size() const;              // any thread; jobs that have not begun

 private:
  struct Jobs;
  static gboolean run(gpointer jobs);

  std::shared_ptr<Jobs> jobs_;
  GSource* source_;
};

}  // namespace campaign::events
