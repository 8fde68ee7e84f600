// See door.hpp.
#include "pipelines/load/door.hpp"

#include <algorithm>

#include "pipelines/load/signalling_client.hpp"

namespace campaign::load {
namespace {

constexpr unsigned kAgainMilliseconds = 200;
constexpr gint64 kAnswerMicroseconds = 2'000'000;  // however short the wait is

struct Visit {
  bool let_in = false;
  std::string refusal;  // empty: no answer yet
};

// Iterates the context until `done`, or until `deadline` by GLib's monotonic time.
template <class Done>
void iterate_until(GMainContext* context, gint64 deadline, Done&& done) {
  GSource* alarm = g_timeout_source_new(kAgainMilliseconds / 4);  // so that the deadline is looked at
  g_source_set_callback(
      alarm, [](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr, nullptr);
  g_source_attach(alarm, context);
  while (!done() && g_get_monotonic_time() < deadline) g_main_context_iteration(context, TRUE);
  g_source_destroy(alarm);
  g_source_unref(alarm);
}

Visit knock(SoupSession* session, GMainContext* context, const Options& options, gint64 deadline) {
  deadline = std::max(deadline, g_get_monotonic_time() + kAnswerMicroseconds);
  Visit visit;
  SignallingClient client(session, options.url, options.insecure,
                          {.open = [] {},
                           .message =
                               [&](const ServerMessage& message) {
                                 if (std::holds_alternative<Welcome>(message)) visit.let_in = true;
                                 if (const auto* error = std::get_if<ErrorMessage>(&message))
                                   visit.refusal = "the server says: " + error->code + ": " + error->message;
                               },
                           .closed =
                               [&](std::string why) {
                                 if (visit.refusal.empty()) visit.refusal = std::move(why);
                               }});
  iterate_until(context, deadline, [&] { return visit.let_in || !visit.refusal.empty(); });
  if (visit.let_in) {
    client.close();
    iterate_until(context, deadline, [&] { return client.is_closed(); });
  } else if (visit.refusal.empty()) {
    visit.refusal = "the server does not answer";
  }
  return visit;
}

}  // namespace

Result<void> wait_at_the_door(const Options& options) {
  const gint64 deadline = g_get_monotonic_time() + options.wait.count();
  const ContextPtr context{g_main_context_new()};
  g_main_context_push_thread_default(context.get());
  ObjectPtr<SoupSession> session{soup_session_new()};
  Visit visit;
  while (true) {
    visit = knock(session.get(), context.get(), options, deadline);
    if (visit.let_in || g_get_monotonic_time() >= deadline) break;
    iterate_until(context.get(), std::min(deadline, g_get_monotonic_time() + 1000 * kAgainMilliseconds),
                  [] { return false; });
  }
  soup_session_abort(session.get());
  while (g_main_context_iteration(context.get(), FALSE)) {
  }
  session.reset();
  g_main_context_pop_thread_default(context.get());
  if (!visit.let_in) return Error(visit.refusal);
  return {};
}

}  // namespace campaign::load
