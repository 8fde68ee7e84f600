// A few threads that do pieces of work of a fraction of a millisecond together: fork and join without
// allocation or locks, for any number of callers at once. Each caller works on a piece of its own, and
// threads of the crew help where a processor would have nothing to do otherwise: no more are at work than
// the crew counts, unless there are more callers than that. A caller waits for the parts that somebody is at
// work on and not for a thread that has not woken up: on a busy machine that takes milliseconds.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace campaign {

class Workers {
 public:
  static constexpr unsigned kMost = 64;
  // `count`, from 1 to kMost, is how many can be at work at once, one of them a caller.
  explicit Workers(unsigned count) : count_(count), rounds_(std::make_unique<Round[]>(count)) {
    for (unsigned i = 1; i < count; ++i) threads_.emplace_back([this] { serve(); });
  }
  ~Workers() {  // nobody calls
    stopping_ = true;
    ++calls_;
    calls_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  unsigned count() const { return count_; }

  class Caller;
  // Calls f(place, part) for every part below `parts`, each once, on any worker; returns when all are done.
  // Who is at work on it has a place of its own below count(). Any thread but those of the crew. `f` must not
  // throw.
  template <class F>
  void run(uint32_t parts, F&& f);

 private:
  // A caller's piece of work, cut into parts.
  struct alignas(64) Round {
    std::atomic<bool> taken = false;  // by a caller
    void (*call)(void*, unsigned, uint32_t) = nullptr;
    void* context = nullptr;
    uint32_t parts = 0;
    // From bit 0 on the parts that nobody has taken, then how many places there are, and from bit 40 on the
    // number of the round, so that no two look alike.
    std::atomic<uint64_t> open = 0;
    std::atomic<uint32_t> unfinished = 0;
    std::atomic<uint64_t> used_places = 1;  // a bit each; the first is the caller's
  };
  static constexpr uint64_t kOnePlace = uint64_t{1} << 32, kOneRound = uint64_t{1} << 40;
  static uint32_t parts_left(uint64_t open) { return static_cast<uint32_t>(open); }
  static unsigned places(uint64_t open) { return (open >> 32) & 0xFF; }
  static unsigned first_free(uint64_t used) { return static_cast<unsigned>(std::countr_one(used)); }
  static bool wants_help(const Round& round) {
    const uint64_t open = round.open;
    return parts_left(open) != 0 && first_free(round.used_places) < places(open);
  }

  static void rest_a_moment() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  // Whoever has taken a part holds the round: nothing that belongs to it changes until the part is finished.
  // Who comes late finds none to take, or already those of the next round, which may have fewer places.
  // True when there was work.
  template <class More>
  static bool take_parts(Round& round, unsigned place, More&& more) {
    uint32_t finished = 0;
    for (uint64_t open = round.open; parts_left(open) != 0 && place < places(open) && more();) {
      if (!round.open.compare_exchange_weak(open, open - 1, std::memory_order_acquire,
                                            std::memory_order_relaxed))
        continue;
      round.call(round.context, place, round.parts - parts_left(open));
      --open;
      ++finished;
    }
    if (finished > 0 && round.unfinished.fetch_sub(finished) == finished) round.unfinished.notify_one();
    return finished > 0;
  }
  bool help_with(Round& round) {
    if (!wants_help(round)) return false;
    uint64_t used = round.used_places.load(std::memory_order_relaxed);
    do {
      if (first_free(used) >= count_) return false;
    } while (!round.used_places.compare_exchange_weak(used, used | (used + 1), std::memory_order_acquire,
                                                      std::memory_order_relaxed));
    const unsigned place = first_free(used);
    const bool helped = take_parts(round, place, [this] { return at_work_ <= count_; });
    round.used_places.fetch_and(~(uint64_t{1} << place), std::memory_order_release);
    return helped;
  }
  // Works where help is wanted, unless that would be more at work than can be.
  bool help() {
    for (unsigned at_work = at_work_;;) {
      if (at_work >= count_) return false;
      if (at_work_.compare_exchange_weak(at_work, at_work + 1)) break;
    }
    bool helped = false;
    for (unsigned i = 0; i < count_; ++i) helped |= help_with(rounds_[i]);
    --at_work_;
    return helped;
  }
  void serve() {
    for (;;) {
      const uint32_t calls = calls_;
      if (stopping_) return;
      if (help()) continue;
      // Looks for a while before it sleeps: the next piece of work comes within microseconds, and waking
      // takes longer.
      for (int i = 0; i < kLooks && calls_ == calls && at_work_ < count_; ++i) rest_a_moment();
      calls_.wait(calls);
    }
  }
  // Up to `most` who rest look whether there is work.
  void wake(unsigned most) {
    const unsigned at_work = at_work_;
    if (at_work >= count_ || most == 0) return;
    most = std::min(most, count_ - at_work);
    ++calls_;
    if (most > kFew) return calls_.notify_all();
    for (unsigned i = 0; i < most; ++i) calls_.notify_one();
  }

  static constexpr int kLooks = 2000;
  static constexpr unsigned kFew = 4;

  const unsigned count_;
  // As many as can be at work: while all are taken nobody is left to help one more caller.
  const std::unique_ptr<Round[]> rounds_;
  alignas(64) std::atomic<unsigned> at_work_ = 0;  // callers who are there, and those who help them
  std::atomic<uint32_t> calls_ = 0;
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> threads_;  // last: they use the members above
};

// One who has several pieces of work to do, one after another, at up to `places` places, its own included. It
// counts as at work as long as it is there. One thread.
class Workers::Caller {
 public:
  explicit Caller(Workers& workers, unsigned places = kMost)
      : workers_(workers), places_(std::min(places, workers.count())) {
    ++workers_.at_work_;
    take_round();
  }
  ~Caller() {
    if (round_) round_->taken.store(false, std::memory_order_release);
    --workers_.at_work_;
    const auto begin = workers_.rounds_.get(), end = begin + workers_.count_;
    if (std::any_of(begin, end, wants_help)) workers_.wake(1);
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  template <class F>
  void run(uint32_t parts, F&& f) {
    uint32_t part = 0;  // the first one that others may take
    if (parts == 1) f(0u, part++);
    while (part < parts && !take_round()) f(0u, part++);
    if (part == parts) return;
    Round& round = *round_;
    round.call = [](void* context, unsigned place, uint32_t which) {
      (*static_cast<std::remove_reference_t<F>*>(context))(place, which);
    };
    round.context = const_cast<void*>(static_cast<const void*>(&f));
    round.parts = parts;
    round.unfinished.store(parts - part, std::memory_order_relaxed);
    const uint64_t number = round.open.load(std::memory_order_relaxed) / kOneRound + 1;
    round.open = number * kOneRound + places_ * kOnePlace + (parts - part);
    workers_.wake(std::min(parts - part, places_) - 1);
    take_parts(round, 0, [] { return true; });
    for (int i = 0; i < kLooks && round.unfinished.load(std::memory_order_acquire) != 0; ++i) rest_a_moment();
    while (uint32_t left = round.unfinished.load(std::memory_order_acquire)) round.unfinished.wait(left);
  }

 private:
  // Whether it has a round now: where others held all of them, one of those may have gone.
  bool take_round() {
    for (unsigned i = 0; i < workers_.count_ && places_ > 1 && !round_; ++i) {
      Round& round = workers_.rounds_[i];
      if (!round.taken.load(std::memory_order_relaxed) &&
          !round.taken.exchange(true, std::memory_order_acquire))
        round_ = &round;
    }
    return round_;
  }

  Workers& workers_;
  const unsigned places_;
  Round* round_ = nullptr;  // without one it is alone
};

template <class F>
void Workers::run(uint32_t parts, F&& f) {
  Caller(*this).run(parts, f);
}

}  // namespace campaign
