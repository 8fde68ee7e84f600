// A viewer's pad: takes what the router has for the viewer and pushes it, on the pad's own task. What is
// downstream may block for as long as it likes; only this viewer waits.
// start() and stop() are for the pad's activation, the rest for any thread.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "campaign/routing/router.hpp"
#include "util/gst_ptr.hpp"
#include "util/guarded.hpp"

namespace campaign::viewer {

class Outlet {
 public:
  struct Events {                                                    // on the pad's task, without a lock
    std::function<void(const routing::StreamDescription&)> changed;  // what is pushed from here on
    std::function<Ref<GstCaps>(int format)> caps;                    // once, before the first unit
  };

  // `pad` owns this.
  Outlet(GstPad* pad, Events events) : pad_(pad), events_(std::move(events)) {}

  bool start(std::shared_ptr<routing::Viewer> viewer);
  // Joins the task. Whoever called made the router let go of the viewer first.
  void stop();
  // Around a flush that is sent downstream, after the router has let the viewer forget its past.
  void flush_start();
  void flush_stop();

  std::shared_ptr<routing::Viewer> viewer() const { return viewer_.snapshot(); }

 private:
  static void loop(gpointer self);
  void step();
  bool announce(const routing::StreamDescription& from);
  void push(routing::Viewer::Delivery delivery);

  GstPad* const pad_;
  const Events events_;
  Guarded<std::shared_ptr<routing::Viewer>> viewer_;
  std::atomic<bool> pushing_ = false;
  bool announced_ = false;  // the task, and start() before it
  std::atomic<bool> segment_due_ = false;
};

}  // namespace campaign::viewer
