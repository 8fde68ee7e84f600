// One timer of a GMainContext that dies with its owner. Loop's thread only.
#pragma once

#include <glib.h>

#include <functional>
#include <utility>

namespace campaign::events {

class Timer {
 public:
  explicit Timer(GMainContext* context) : context_(context) {}  // null: the default context
  Timer(const Timer&) = delete;
  ~Timer() { stop(); }

  // Once, after so many milliseconds; what was to come before does not. `fire` may start or destroy it.
  void start(unsigned milliseconds, std::function<void()> fire) {
    stop();
    source_ = g_timeout_source_new(milliseconds);
    g_source_set_callback(source_, run, new Shot{this, std::move(fire)},
                          [](gpointer shot) { delete static_cast<Shot*>(shot); });
    g_source_attach(source_, context_);
  }

  void stop() {
    if (GSource* source = std::exchange(source_, nullptr)) {
      g_source_destroy(source);
      g_source_unref(source);
    }
  }

  bool running() const { return source_ != nullptr; }

 private:
  struct Shot {
    Timer* timer;
    std::function<void()> fire;
  };
  static gboolean run(gpointer data) {
    Shot& shot = *static_cast<Shot*>(data);
    const auto fire = std::move(shot.fire);
    shot.timer->stop();
    fire();
    return G_SOURCE_REMOVE;
  }

  GMainContext* context_;
  GSource* source_ = nullptr;
};

}  // namespace campaign::events
