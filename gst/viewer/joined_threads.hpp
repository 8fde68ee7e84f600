// Threads for a pipeline's tasks that have ended once the pipeline is stopped. GStreamer's own go back to a
// pool of GLib's, which ends them some time later: a program that stops with many viewers and then exits has
// hundreds of threads ending beside the libraries' exit handlers, and crashed there now and then (malloc:
// corrupted size, in the finalisers of GnuTLS; once in 8 stops with 50 viewers).
#pragma once

#include "util/gst_ptr.hpp"

namespace campaign::viewer {

// Any thread.
Ref<GstTaskPool> make_joined_threads();

// For a bus's synchronous handler: tasks of the pipeline that begin run on `threads`.
void use_threads(GstMessage* message, GstTaskPool* threads);

}  // namespace campaign::viewer
