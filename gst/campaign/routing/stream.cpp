// See stream.hpp.
#include "campaign/routing/stream.hpp"

#include <algorithm>

#include "campaign/routing/viewer.hpp"

namespace campaign::routing {
namespace {

// A group of pictures this short is sent to a joiner rather than that a new key frame is asked for.
constexpr Nanoseconds kShortGroup = 300ms;
// A stream that has been silent for so long starts anew: its cache shows the past.
constexpr Nanoseconds kStale = 500ms;

}  // namespace

Stream::Stream(StreamDescription description, StreamLimits limits, std::shared_ptr<StreamUpstream> upstream)
    : description_(std::make_shared<const StreamDescription>(std::move(description))),
      upstream_(std::move(upstream)),
      cache_(limits.cache),
      requests_(limits.key_frame_share),
      set_bitrate_(description_->bitrate) {
  requests_.set_rate(set_bitrate_, {});
}

void Stream::publish(const AccessUnit& unit, Nanoseconds now) {
  {
    std::scoped_lock lock(mutex_);
    measure(unit, now);
    cache_.add(unit, now);
    ask_ |= requests_.passed(unit, now);
    for (std::size_t i = 0; i < watchers_.size();) {
      const Viewer::Verdict verdict = watchers_[i]->offer(*this, unit, now);
      if (verdict.left) leaving_.push_back({std::move(verdict.left), watchers_[i]});
      if (verdict.wants_key_frame) ask_ |= requests_.request(now);
      if (verdict.stays) {
        ++i;
      } else {
        std::swap(watchers_[i], watchers_.back());
        watchers_.pop_back();
      }
    }
  }
  for (const Leaving& leaving : leaving_) {
    leaving.from->remove(leaving.viewer.get());
    leaving.from->settle();
  }
  leaving_.clear();
  settle();
}

void Stream::measure(const AccessUnit& unit, Nanoseconds now) {
  ++stats_.units;
  stats_.key_frames += unit.key_frame;
  stats_.bytes += unit.bytes;
  if (window_.since == Nanoseconds::min()) window_.since = now;
  if (const double seconds = std::chrono::duration<double>(now - window_.since).count(); seconds >= 1) {
    stats_.bitrate = std::uint64_t(8.0 * double(window_.bytes) / seconds);
    stats_.framerate = double(window_.units) / seconds;
    window_ = {now, 0, 0};
    if (set_bitrate_ == 0) requests_.set_rate(stats_.bitrate, now);
  }
  window_.bytes += unit.bytes;
  ++window_.units;
}

void Stream::interrupt() {
  std::scoped_lock lock(mutex_);
  cache_.clear();
}

void Stream::request_key_frame(Nanoseconds now) {
  {
    std::scoped_lock lock(mutex_);
    ask_ |= requests_.request(now);
  }
  settle();
}

void Stream::set_bitrate(std::uint64_t bits_per_second, Nanoseconds now) {
  std::scoped_lock lock(mutex_);
  set_bitrate_ = bits_per_second;
  requests_.set_rate(bits_per_second == 0 ? stats_.bitrate : bits_per_second, now);
}

bool Stream::is_watched() const {
  std::scoped_lock lock(mutex_);
  return !watchers_.empty();
}

StreamStats Stream::stats() const {
  std::scoped_lock lock(mutex_);
  StreamStats stats = stats_;
  stats.key_frames_asked = requests_.asked();
  stats.key_frame_requests_merged = requests_.merged();
  stats.watchers = watchers_.size();
  return stats;
}

std::vector<std::shared_ptr<Viewer>> Stream::watchers() const {
  std::scoped_lock lock(mutex_);
  return watchers_;
}

// Whether a joiner gets the cached group of pictures, or waits for a key frame that is asked for.
bool Stream::start_is_cheap(Nanoseconds now) {
  if (cache_.units().empty() || cache_.age(now) > kStale) return false;
  return cache_.length() <= kShortGroup || !requests_.can_be_soon(now);
}

std::shared_ptr<Stream> Stream::add(const std::shared_ptr<Viewer>& viewer, Nanoseconds now) {
  std::shared_ptr<Stream> left;
  std::scoped_lock lock(mutex_);
  if (watchers_.empty()) {  // it may have slept: the cache would show the past
    requests_.restart(now);
    cache_.clear();
  }
  const std::span<const AccessUnit> cached =
      start_is_cheap(now) ? cache_.units() : std::span<const AccessUnit>{};
  const Viewer::Start start = viewer->start(*this, cached, left);
  if (start == Viewer::Start::not_wanted) return nullptr;
  if (std::ranges::find(watchers_, viewer) == watchers_.end()) watchers_.push_back(viewer);
  if (start == Viewer::Start::waits) ask_ |= requests_.request(now);
  return left;
}

// A viewer that left may be back before whoever saw it leave comes to say so: then it stays.
void Stream::remove(const Viewer* viewer) {
  std::scoped_lock lock(mutex_);
  if (viewer->watches(*this)) return;
  std::erase_if(watchers_, [viewer](const auto& other) { return other.get() == viewer; });
}

// Several threads may find at once that something has changed: one of them tells, in order, until all is
// told. An encoder that sleeps is woken before it is asked for a key frame.
void Stream::settle() {
  std::unique_lock lock(mutex_);
  if (telling_) return;
  telling_ = true;
  for (;;) {
    if (const bool by_anybody = !watchers_.empty(); told_ != by_anybody) {
      told_ = by_anybody;
      lock.unlock();
      upstream_->watched(by_anybody);
    } else if (std::exchange(ask_, false)) {
      lock.unlock();
      upstream_->force_key_frame();
    } else {
      break;
    }
    lock.lock();
  }
  telling_ = false;
}

}  // namespace campaign::routing
