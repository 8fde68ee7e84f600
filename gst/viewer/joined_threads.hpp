// Threads for the tasks of viewers' pipelines. GStreamer's own go back to a pool of GLib's, which ends them
// some time later: a program that stops with many viewers and then exits has hundreds of threads ending
// beside the libraries' exit handlers, and crashed there now and then (malloc: corrupted size, in the
// finalisers of GnuTLS; once in 8 stops with 50 viewers). Of these none runs on after end_threads().
// Until then a few wait for the next viewer, since a thread costs more than its start: GnuTLS, which libnice
// draws its random numbers from, keeps 230 bytes for every thread there has ever been (3.7.9, lib/random.c).
#pragma once

#include "util/gst_ptr.hpp"

namespace campaign::viewer {

// Any thread, as all of this.
Ref<GstTaskPool> make_joined_threads();

// For a bus's synchronous handler: tasks of the pipeline that begin run on `threads`.
void use_threads(GstMessage* message, GstTaskPool* threads);

// Joins those that wait. What runs still, or begins later, is joined where its task is.
void end_threads(GstTaskPool* threads);

}  // namespace campaign::viewer
