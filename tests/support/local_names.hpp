// A machine on which the name "found.local" is 127.0.0.1, and no other one is ever answered: GLib's resolver
// for as long as this is there.
#pragma once

#include <gio/gio.h>

#include <atomic>
#include <string_view>

#include "util/glib_ptr.hpp"

namespace campaign::test {

class LocalNames {
 public:
  LocalNames();
  LocalNames(const LocalNames&) = delete;
  ~LocalNames() { g_resolver_set_default(before_.get()); }

  static int asked() { return asked_; }  // of all names, since the last one of these was made

 private:
  static void look_up(GResolver* self, const char* host, GCancellable* cancellable,
                      GAsyncReadyCallback callback, gpointer data);
  static void class_init(gpointer klass, gpointer);

  static inline std::atomic<int> asked_ = 0;
  const ObjectPtr<GResolver> before_{g_resolver_get_default()};
};

inline LocalNames::LocalNames() {
  static const GType type =
      g_type_register_static_simple(G_TYPE_RESOLVER, "CampaignTestResolver", sizeof(GResolverClass),
                                    class_init, sizeof(GResolver), nullptr, GTypeFlags(0));
  const ObjectPtr<GResolver> resolver{static_cast<GResolver*>(g_object_new(type, nullptr))};
  g_resolver_set_default(resolver.get());
  asked_ = 0;
}

inline void LocalNames::look_up(GResolver* self, const char* host, GCancellable* cancellable,
                                GAsyncReadyCallback callback, gpointer data) {
  ++asked_;
  GTask* task = g_task_new(self, cancellable, callback, data);
  g_task_set_return_on_cancel(task, TRUE);
  if (std::string_view(host) == "found.local") {
    g_task_return_pointer(task, g_list_append(nullptr, g_inet_address_new_from_string("127.0.0.1")), nullptr);
  } else {
    g_task_run_in_thread(task, [](GTask*, gpointer, gpointer, GCancellable* until) {
      while (!g_cancellable_is_cancelled(until)) g_usleep(1000);
    });
  }
  g_object_unref(task);
}

inline void LocalNames::class_init(gpointer klass, gpointer) {
  auto* resolver = static_cast<GResolverClass*>(klass);
  resolver->lookup_by_name_async = look_up;
  resolver->lookup_by_name_finish = [](GResolver*, GAsyncResult* result, GError** error) {
    return static_cast<GList*>(g_task_propagate_pointer(G_TASK(result), error));
  };
}

}  // namespace campaign::test
