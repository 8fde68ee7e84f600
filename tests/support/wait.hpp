// Waits for a condition with a deadline, running the test's main context meanwhile; never for a duration.
#pragma once

#include <glib.h>

#include <functional>

namespace campaign::test {

// A sanitizer makes everything slower, and some of it by far.
#if defined(__SANITIZE_THREAD__)
inline constexpr double kPatience = 5;
#elif defined(__SANITIZE_ADDRESS__)
inline constexpr double kPatience = 2;
#else
inline constexpr double kPatience = 1;
#endif

inline bool wait_until(const std::function<bool()>& condition, double seconds = 30,
                       GMainContext* context = nullptr) {
  const gint64 deadline = g_get_monotonic_time() + gint64(kPatience * seconds * G_USEC_PER_SEC);
  while (!condition()) {
    if (g_get_monotonic_time() > deadline) return false;
    if (!g_main_context_iteration(context, FALSE)) g_usleep(1000);
  }
  return true;
}

}  // namespace campaign::test
