// See router.hpp.
#include "campaign/routing/router.hpp"

#include <algorithm>

namespace campaign::routing {

template <class F>
void Router::change(F&& f) {
  Viewer::Touched touched;
  {
    std::scoped_lock lock(mutex_);
    f(touched);
  }
  for (const auto& stream : touched) stream->settle();
}

Router::~Router() {
  change([&](Viewer::Touched& touched) {
    for (const auto& viewer : viewers_) viewer->leave(touched);
  });
}

std::shared_ptr<Stream> Router::add_stream(StreamDescription description, StreamLimits limits,
                                           std::shared_ptr<StreamUpstream> upstream, Nanoseconds now) {
  auto stream = std::make_shared<Stream>(std::move(description), limits, std::move(upstream));
  change([&](Viewer::Touched& touched) { take_in(stream, now, touched); });
  return stream;
}

std::shared_ptr<Stream> Router::add_only_stream(StreamDescription description, StreamLimits limits,
                                                std::shared_ptr<StreamUpstream> upstream, Nanoseconds now) {
  auto stream = std::make_shared<Stream>(std::move(description), limits, std::move(upstream));
  bool added = false;
  change([&](Viewer::Touched& touched) {
    added = !has_stream(stream->description());
    if (added) take_in(stream, now, touched);
  });
  return added ? stream : nullptr;
}

void Router::take_in(const std::shared_ptr<Stream>& stream, Nanoseconds now, Viewer::Touched& touched) {
  streams_.push_back(stream);
  for (const auto& viewer : viewers_) assign(viewer, now, touched);
  touched.push_back(stream);
}

void Router::remove_stream(const std::shared_ptr<Stream>& stream, Nanoseconds now) {
  drop_stream(stream, false, now);
}

void Router::end_stream(const std::shared_ptr<Stream>& stream, Nanoseconds now) {
  drop_stream(stream, true, now);
}

void Router::drop_stream(const std::shared_ptr<Stream>& stream, bool over, Nanoseconds now) {
  change([&](Viewer::Touched& touched) {
    if (std::erase(streams_, stream) == 0) return;
    const std::string& campaign = stream->description().campaign;
    const bool last = std::ranges::none_of(
        streams_, [&](const auto& other) { return other->description().campaign == campaign; });
    for (const auto& viewer : viewers_) {
      viewer->lose(stream, touched);
      if (over && last && viewer->wish_.campaign == campaign)
        viewer->end(touched);
      else
        assign(viewer, now, touched);
    }
  });
}

std::vector<std::shared_ptr<Viewer>> Router::flush_stream(const std::shared_ptr<Stream>& stream) {
  std::vector<std::shared_ptr<Viewer>> flushed;
  change([&](Viewer::Touched& touched) {
    stream->interrupt();
    for (const auto& viewer : viewers_) {
      if (viewer->current() != stream) continue;
      viewer->restart_time(touched);
      flushed.push_back(viewer);
    }
  });
  return flushed;
}

void Router::resume_after_flush(const std::shared_ptr<Viewer>& viewer, Nanoseconds now) {
  change([&](Viewer::Touched& touched) { assign(viewer, now, touched); });
}

std::shared_ptr<Viewer> Router::add_viewer(Wish wish, ViewerLimits limits, Nanoseconds now) {
  auto viewer = std::make_shared<Viewer>(std::move(wish), limits);
  change([&](Viewer::Touched& touched) {
    viewers_.push_back(viewer);
    assign(viewer, now, touched);
  });
  return viewer;
}

void Router::remove_viewer(const std::shared_ptr<Viewer>& viewer) {
  change([&](Viewer::Touched& touched) {
    std::erase(viewers_, viewer);
    viewer->leave(touched);
  });
}

void Router::wish(const std::shared_ptr<Viewer>& viewer, Wish wish, Nanoseconds now) {
  change([&](Viewer::Touched& touched) {
    viewer->wish_ = std::move(wish);
    assign(viewer, now, touched);
  });
}

void Router::estimate(const std::shared_ptr<Viewer>& viewer, std::uint64_t admits, Nanoseconds now) {
  heard_from(viewer, now);
  change([&](Viewer::Touched& touched) {
    if (std::exchange(viewer->admits_, admits) != admits) assign(viewer, now, touched);
  });
}

void Router::heard_from(const std::shared_ptr<Viewer>& viewer, Nanoseconds now) {
  {
    std::scoped_lock lock(viewer->mutex_);
    viewer->heard_ = now;
    if (!viewer->paused_) return;
  }
  change([&](Viewer::Touched& touched) {
    if (viewer->resume()) assign(viewer, now, touched);
  });
}

std::vector<std::shared_ptr<Stream>> Router::streams() const {
  std::scoped_lock lock(mutex_);
  return streams_;
}

std::vector<std::shared_ptr<Viewer>> Router::viewers() const {
  std::scoped_lock lock(mutex_);
  return viewers_;
}

bool Router::has_stream(const StreamDescription& like) const {
  return std::ranges::any_of(streams_, [&](const auto& stream) {
    return stream->description().campaign == like.campaign && stream->description().quality == like.quality;
  });
}

// The wished quality if the campaign has it, else the best that does not exceed what is wished or what the
// bandwidth admits, else the lowest there is.
std::shared_ptr<Stream> Router::choose(const Viewer& viewer) const {
  const Wish& wish = viewer.wish_;
  const int format = viewer.format();
  const std::uint64_t limit = std::min(wish.most, wish.quality.empty() ? viewer.admits_ : wish.rank);
  std::shared_ptr<Stream> lowest, best;
  for (const auto& stream : streams_) {
    const StreamDescription& rung = stream->description();
    if (rung.campaign != wish.campaign || (format != 0 && rung.format != format)) continue;
    if (!wish.quality.empty() && rung.quality == wish.quality && rung.rank <= wish.most) return stream;
    if (!lowest || rung.rank < lowest->description().rank) lowest = stream;
    if (rung.rank <= limit && (!best || rung.rank > best->description().rank)) best = stream;
  }
  return best ? best : lowest;
}

void Router::assign(const std::shared_ptr<Viewer>& viewer, Nanoseconds now, Viewer::Touched& touched) {
  viewer->go_to(choose(*viewer), now, touched);
}

}  // namespace campaign::routing
