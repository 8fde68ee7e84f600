// A buffer pool that an element acquires from by itself, as GstBaseSrc does for its own: active for as long
// as it is held here, and made to flush from any thread, so that nobody waits for a buffer that does not
// come.
#pragma once

#include <gst/gst.h>

#include <utility>

#include "util/gst_ptr.hpp"
#include "util/guarded.hpp"

namespace campaign {

class ActivePool {
 public:
  ActivePool() = default;
  ~ActivePool() { reset({}); }
  ActivePool(const ActivePool&) = delete;
  ActivePool& operator=(const ActivePool&) = delete;

  // Not at the same time as set_flushing(false), and neither is acquire(): the streaming thread does the one,
  // and the others happen while it rests.
  void reset(Ref<GstBufferPool> pool) {
    const auto [old, flushing] = state_.with([&](State& state) {
      return std::pair{std::exchange(state.pool, pool), state.flushing};
    });
    if (pool && flushing) gst_buffer_pool_set_flushing(pool.get(), TRUE);
    if (old && old.get() != pool.get()) gst_buffer_pool_set_active(old.get(), FALSE);
  }

  GstFlowReturn acquire(GstBuffer** buffer) {
    const auto pool = state_.with([](State& state) { return state.pool; });
    return gst_buffer_pool_acquire_buffer(pool.get(), buffer, nullptr);
  }

  // What waits in acquire() comes back, and it returns GST_FLOW_FLUSHING from there on, in this pool and in
  // any other that takes its place.
  void set_flushing(bool flushing) {
    const auto pool = state_.with([&](State& state) {
      state.flushing = flushing;
      return state.pool;
    });
    if (pool) gst_buffer_pool_set_flushing(pool.get(), flushing);
  }

 private:
  struct State {
    Ref<GstBufferPool> pool;
    bool flushing = false;
  };
  Guarded<State> state_;
};

}  // namespace campaign
