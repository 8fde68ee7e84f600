// See viewer.hpp. The order of locks: the router's, a stream's, a viewer's; never two streams' at once.
#include "campaign/routing/viewer.hpp"

namespace campaign::routing {

Viewer::Viewer(Wish wish, ViewerLimits limits)
    : queue_(limits.queue), wish_(std::move(wish)), admits_(limits.start_admits), limits_(limits) {}

Viewer::Delivery Viewer::take(Nanoseconds now) {
  Delivery delivery;
  std::shared_ptr<Stream> left, asked;
  bool silent = false;
  {
    std::scoped_lock lock(mutex_);
    fresh_ = false;
    silent = !paused_ && heard_ && limits_.feedback_timeout > 0ns && now - *heard_ > limits_.feedback_timeout;
    const std::uint32_t before = queue_.generation();
    if (auto taken = queue_.take(now)) {
      watch_next_if_joined(before, left);
      if (shown_.generation != taken->stream) {
        const auto was_shown = shown_.description;
        while (shown_.generation != taken->stream) shown_ = sources_.pop_front();
        delivery.changed = shown_.description != was_shown;
      }
      bytes_ += taken->unit.bytes;
      delivery.outcome = Outcome::unit;
      delivery.unit = std::move(taken->unit);
      delivery.after_gap = taken->after_gap;
      delivery.from = shown_.description.get();
    } else if (gone_) {
      delivery.outcome = Outcome::gone;
    } else if (ended_ && queue_.waiting() == 0) {
      delivery.outcome = Outcome::ended;
    } else if (queue_.take_key_frame_wish()) {
      asked = current_;
    }
  }
  if (left) {
    left->remove(this);
    left->settle();
  }
  if (asked) asked->request_key_frame(now);
  if (silent) {
    Touched touched;
    pause(touched);
    for (const auto& stream : touched) stream->settle();
  }
  return delivery;
}

void Viewer::await(Nanoseconds now, Nanoseconds at_most) {
  std::unique_lock lock(mutex_);
  if (const auto due = queue_.due())
    at_most = std::min(at_most, *due == Nanoseconds::min() ? 0ns : *due - now);
  if (at_most > 0ns) wake_.wait_for(lock, at_most, [this] { return fresh_; });
}

void Viewer::wake() {
  {
    std::scoped_lock lock(mutex_);
    fresh_ = true;
  }
  wake_.notify_one();
}

void Viewer::request_key_frame(Nanoseconds now) {
  if (const auto stream = current()) stream->request_key_frame(now);
}

void Viewer::thin_to(std::uint64_t bits_per_second) {
  std::scoped_lock lock(mutex_);
  queue_.thin_to(bits_per_second);
}

std::shared_ptr<Stream> Viewer::current() const {
  std::scoped_lock lock(mutex_);
  return current_;
}

bool Viewer::watches(const Stream& stream) const {
  std::scoped_lock lock(mutex_);
  return current_.get() == &stream || next_.get() == &stream;
}

std::shared_ptr<Stream> Viewer::next() const {
  std::scoped_lock lock(mutex_);
  return next_;
}

int Viewer::format() const {
  std::scoped_lock lock(mutex_);
  return format_;
}

ViewerStats Viewer::stats() const {
  std::scoped_lock lock(mutex_);
  return {queue_.counts(), queue_.waiting(), bytes_, pauses_, paused_};
}

// After the queue may have gone over to the next stream, or given the watched one up.
void Viewer::watch_next_if_joined(std::uint32_t before, std::shared_ptr<Stream>& left) {
  if (queue_.generation() != before) {
    left = std::exchange(current_, std::exchange(next_, nullptr));
    format_ = current_->description().format;
    sources_.push_back({queue_.generation(), current_->shared_description()});
  } else if (!queue_.is_watching() && current_) {
    left = std::exchange(current_, nullptr);
  }
}

Viewer::Verdict Viewer::offer(const Stream& stream, const AccessUnit& unit, Nanoseconds now) {
  Verdict verdict;
  {
    std::scoped_lock lock(mutex_);
    const std::uint32_t before = queue_.generation();
    if (&stream == current_.get()) {
      queue_.offer(unit, now);
    } else if (&stream == next_.get()) {
      verdict.wants_key_frame = queue_.offer_next(unit, now) == DeliveryQueue::Next::too_late;
    } else {
      verdict.stays = false;
      return verdict;
    }
    watch_next_if_joined(before, verdict.left);
    if (verdict.left.get() == &stream) {
      verdict.left = nullptr;
      verdict.stays = false;
    }
    fresh_ = true;
  }
  wake_.notify_one();
  return verdict;
}

Viewer::Start Viewer::start(const Stream& stream, std::span<const AccessUnit> cached,
                            std::shared_ptr<Stream>& left) {
  std::scoped_lock lock(mutex_);
  if (next_.get() != &stream) return Start::not_wanted;
  const std::uint32_t before = queue_.generation();
  if (!queue_.start_from(cached)) return Start::waits;
  watch_next_if_joined(before, left);
  fresh_ = true;
  wake_.notify_one();
  return Start::started;
}

void Viewer::go_to(const std::shared_ptr<Stream>& stream, Nanoseconds now, Touched& touched) {
  std::shared_ptr<Stream> forgotten;
  bool is_new = false;
  {
    std::scoped_lock lock(mutex_);
    if (paused_ || ended_ || gone_ || (stream && stream == next_)) return;
    forgotten = std::exchange(next_, nullptr);
    queue_.forget_next();
    is_new = stream && stream != current_;
    if (is_new) {
      next_ = stream;
      queue_.expect_next();
    }
    fresh_ = true;
  }
  wake_.notify_one();  // what was held for the forgotten stream no longer is
  if (forgotten) {
    forgotten->remove(this);
    touched.push_back(std::move(forgotten));
  }
  if (!is_new) return;
  if (auto left = stream->add(shared_from_this(), now)) {
    left->remove(this);
    touched.push_back(std::move(left));
  }
  touched.push_back(stream);
}

void Viewer::lose(const std::shared_ptr<Stream>& stream, Touched& touched) {
  {
    std::scoped_lock lock(mutex_);
    if (next_ == stream) {
      queue_.forget_next();
      next_ = nullptr;
    }
    if (current_ == stream) {
      const std::uint32_t before = queue_.generation();
      std::shared_ptr<Stream> left;  // the stream itself
      queue_.lose_current();
      watch_next_if_joined(before, left);
    }
    fresh_ = true;
  }
  wake_.notify_one();
  stream->remove(this);
  touched.push_back(stream);
}

// Lets go of the streams, and does something to the queue.
template <class F>
void Viewer::detach(F&& and_do, Touched& touched) {
  std::shared_ptr<Stream> streams[2];
  {
    std::scoped_lock lock(mutex_);
    streams[0] = std::exchange(current_, nullptr);
    streams[1] = std::exchange(next_, nullptr);
    queue_.forget_next();
    and_do();
    fresh_ = true;
  }
  wake_.notify_one();
  for (auto& stream : streams) {
    if (!stream) continue;
    stream->remove(this);
    touched.push_back(std::move(stream));
  }
}

void Viewer::pause(Touched& touched) {
  detach(
      [this] {
        paused_ = true;
        ++pauses_;
        queue_.close();
        sources_.clear();
      },
      touched);
}

bool Viewer::resume() {
  std::scoped_lock lock(mutex_);
  return std::exchange(paused_, false);
}

void Viewer::end(Touched& touched) {
  detach(
      [this] {
        ended_ = true;
        queue_.lose_current();
      },
      touched);
}

void Viewer::leave(Touched& touched) {
  detach(
      [this] {
        gone_ = true;
        queue_.close();
        sources_.clear();
      },
      touched);
}

void Viewer::restart_time(Touched& touched) {
  detach(
      [this] {
        queue_.restart_time();
        sources_.clear();
      },
      touched);
}

}  // namespace campaign::routing
