// Gives hiredis' file descriptor to a GMainContext. hiredis' own adapter reads from a connection that writing
// to has just freed, and leaves its source in the context when the connection ends.
#pragma once

#include <glib.h>
#include <hiredis/async.h>

namespace campaign::events::redis {

// From now on until hiredis frees it, `connection` is served by `context` (null: the default one).
void attach(redisAsyncContext* connection, GMainContext* context);

}  // namespace campaign::events::redis
