// A few threads that do one piece of work together and then rest until the next: fork and join without
// allocation, for work of a fraction of a millisecond. The caller waits for what is under way and not for a
// thread that has not woken up: on a busy machine that takes milliseconds.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace campaign {

class Workers {
 public:
  // `count` counts the calling thread too; at least 1.
  explicit Workers(unsigned count) {
    for (unsigned i = 1; i < count; ++i) threads_.emplace_back([this, i] { serve(i); });
  }
  ~Workers() {
    stopping_ = true;
    ++round_;
    round_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  unsigned count() const { return static_cast<unsigned>(threads_.size()) + 1; }

  // Calls f(worker, part) for every part below `parts`, each once, on any worker; returns when all are done.
  // One caller at a time. `f` must not throw.
  template <class F>
  void run(uint32_t parts, F&& f) {
    if (parts <= 1 || threads_.empty()) {
      for (uint32_t part = 0; part < parts; ++part) f(0u, part);
      return;
    }
    call_ = [](void* context, unsigned worker, uint32_t part) { (*static_cast<F*>(context))(worker, part); };
    context_ = &f;
    parts_ = parts;
    unfinished_ = parts;
    untaken_.store(((untaken_.load(std::memory_order_relaxed) >> 32) + 1) << 32 | parts,
                   std::memory_order_release);
    ++round_;
    round_.notify_all();
    take_parts(0);
    for (uint32_t left = unfinished_; left != 0; left = await_change(unfinished_, left)) {
    }
  }

 private:
  // Looks for a while before it sleeps: the next piece of work comes within microseconds, and waking takes
  // longer.
  static uint32_t await_change(std::atomic<uint32_t>& value, uint32_t old) {
    constexpr int kLooks = 2000;
    for (int i = 0; i < kLooks; ++i) {
      if (uint32_t now = value.load(std::memory_order_acquire); now != old) return now;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    value.wait(old);
    return value;
  }
  // Whoever has taken a part holds the round: nothing that belongs to it changes until the part is finished.
  // Who comes late finds none to take, or already those of the next round.
  void take_parts(unsigned worker) {
    uint32_t finished = 0;
    for (uint64_t seen = untaken_.load(std::memory_order_relaxed); static_cast<uint32_t>(seen) != 0;) {
      if (!untaken_.compare_exchange_weak(seen, seen - 1, std::memory_order_acquire,
                                          std::memory_order_relaxed))
        continue;
      call_(context_, worker, parts_ - static_cast<uint32_t>(seen));
      --seen;
      ++finished;
    }
    if (finished > 0 && unfinished_.fetch_sub(finished) == finished) unfinished_.notify_one();
  }
  void serve(unsigned worker) {
    for (uint32_t seen = 0;;) {
      seen = await_change(round_, seen);
      if (stopping_) return;
      take_parts(worker);
    }
  }

  void (*call_)(void*, unsigned, uint32_t) = nullptr;
  void* context_ = nullptr;
  uint32_t parts_ = 0;
  // Parts of the round; from bit 32 on its number, so that no two look alike.
  std::atomic<uint64_t> untaken_ = 0;
  std::atomic<uint32_t> unfinished_ = 0, round_ = 0;
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> threads_;  // last: they use the members above
};

}  // namespace campaign
