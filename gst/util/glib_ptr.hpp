// Owners of GLib's memory and objects, for code with and without GStreamer.
#pragma once

#include <glib-object.h>

#include <memory>

namespace campaign {

struct GLibFree {
  void operator()(gpointer memory) const { g_free(memory); }
  void operator()(GError* error) const { g_error_free(error); }
  void operator()(GUri* uri) const { g_uri_unref(uri); }
  void operator()(GMainContext* context) const { g_main_context_unref(context); }
  void operator()(GMainLoop* loop) const { g_main_loop_unref(loop); }
  void operator()(GOptionContext* context) const { g_option_context_free(context); }
};
struct GObjectUnref {
  void operator()(gpointer object) const { g_object_unref(object); }
};

using CharPtr = std::unique_ptr<char, GLibFree>;
using ErrorPtr = std::unique_ptr<GError, GLibFree>;
using UriPtr = std::unique_ptr<GUri, GLibFree>;
using ContextPtr = std::unique_ptr<GMainContext, GLibFree>;
using LoopPtr = std::unique_ptr<GMainLoop, GLibFree>;
using OptionsPtr = std::unique_ptr<GOptionContext, GLibFree>;
template <class T>
using ObjectPtr = std::unique_ptr<T, GObjectUnref>;

}  // namespace campaign
