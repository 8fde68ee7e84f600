// See event_source.hpp. The source lives as long as the connection: hiredis' cleanup hook destroys it.
#include "events/redis/event_source.hpp"

#include <glib-unix.h>

namespace campaign::events::redis {
namespace {

struct EventSource {
  GSource source;
  redisAsyncContext* connection;  // null once hiredis has let go of it
  gpointer descriptor;
  int wanted;

  void want(int condition, bool on) {
    const int now = on ? wanted | condition : wanted & ~condition;
    if (now == wanted || !connection) return;
    wanted = now;
    g_source_modify_unix_fd(&source, descriptor, GIOCondition(wanted));
  }
};

EventSource& of(gpointer data) { return *static_cast<EventSource*>(data); }

// GLib holds a reference while this runs, so that `self` outlives what hiredis frees in here.
gboolean dispatch(GSource* source, GSourceFunc, gpointer) {
  EventSource& self = of(source);
  const int happened = g_source_query_unix_fd(source, self.descriptor);
  if (self.connection && (self.wanted & happened & G_IO_OUT)) redisAsyncHandleWrite(self.connection);
  // What ended shows itself to whoever reads, also where nothing was waited for.
  const bool ended = happened & (G_IO_ERR | G_IO_HUP | G_IO_NVAL);
  if (self.connection && (ended || (self.wanted & happened & G_IO_IN))) redisAsyncHandleRead(self.connection);
  return self.connection ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

GSourceFuncs functions = {nullptr, nullptr, dispatch, nullptr, nullptr, nullptr};

}  // namespace

void attach(redisAsyncContext* connection, GMainContext* context) {
  GSource* source = g_source_new(&functions, sizeof(EventSource));
  EventSource& self = of(source);
  self.connection = connection;
  self.wanted = 0;
  self.descriptor = g_source_add_unix_fd(source, connection->c.fd, GIOCondition(0));
  connection->ev.data = source;
  connection->ev.addRead = [](void* data) { of(data).want(G_IO_IN, true); };
  connection->ev.delRead = [](void* data) { of(data).want(G_IO_IN, false); };
  connection->ev.addWrite = [](void* data) { of(data).want(G_IO_OUT, true); };
  connection->ev.delWrite = [](void* data) { of(data).want(G_IO_OUT, false); };
  connection->ev.cleanup = [](void* data) {
    of(data).connection = nullptr;
    g_source_destroy(static_cast<GSource*>(data));
    g_source_unref(static_cast<GSource*>(data));
  };
  g_source_attach(source, context);
}

}  // namespace campaign::events::redis
