// Takes connections at one address and hands each to libsoup. libsoup's own listener (3.2) keeps something of
// every connection for ever, and takes no more once there were too few descriptors for one.
// Made, used and destroyed on the event loop's thread.
#pragma once

#include <libsoup/soup.h>

#include <memory>

#include "signalling/event_loop.hpp"
#include "util/glib_ptr.hpp"

namespace campaign::signalling {

class Listener {
 public:
  // Null: `error` says why, as GIO does.
  static std::unique_ptr<Listener> open(EventLoop& loop, SoupServer* server, GSocketAddress* address,
                                        GError** error);
  Listener(const Listener&) = delete;
  ~Listener();

  unsigned port() const;  // the bound one

 private:
  Listener(EventLoop& loop, SoupServer* server, ObjectPtr<GSocket> socket);

  static gboolean on_ready(GSocket* socket, GIOCondition condition, gpointer self);
  void watch();
  void rest();

  EventLoop& loop_;
  SoupServer* server_;  // which outlives this
  ObjectPtr<GSocket> socket_;
  GSource* ready_ = nullptr;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // closures on the loop may outlive us
};

}  // namespace campaign::signalling
