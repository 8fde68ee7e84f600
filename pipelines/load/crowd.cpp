// See crowd.hpp.
#include "pipelines/load/crowd.hpp"

#include <algorithm>

namespace campaign::load {
namespace {

constexpr unsigned kTickMilliseconds = 20;
constexpr Time kAway = 500ms;           // on average, between leaving and coming back
constexpr Time kGoodbye = 1s;           // for the server's answer to it
constexpr Time kNoFramePatience = 15s;  // then a viewer is not waited for any more
constexpr Time kSettled = 5s;  // a viewing that is younger, and has no frame at the end, is no failure
constexpr Time kPublish = 200ms;
constexpr Time kComeBack = 500ms;  // as the page waits, before it tries again

}  // namespace

Crowd::Crowd(const Options& options, const DtlsIdentity& identity, unsigned first, unsigned step)
    : options_(options),
      identity_(identity),
      context_(g_main_context_new()),
      loop_(g_main_loop_new(context_.get(), FALSE)) {
  for (unsigned number = first; number < options.viewers; number += step) {
    Viewer viewer;
    viewer.number = number;
    viewer.url = options.url;
    std::seed_seq seed{std::uint32_t(options.seed), std::uint32_t(options.seed >> 32), std::uint32_t(number)};
    viewer.random.seed(seed);
    viewers_.push_back(std::move(viewer));
  }
}

void Crowd::stop() { g_main_loop_quit(loop_.get()); }

std::vector<ViewingResult> Crowd::run(Time begin) {
  g_main_context_push_thread_default(context_.get());
  // Each WebSocket is a connection of its own, for as long as its viewer stays.
  session_.reset(SOUP_SESSION(g_object_new(SOUP_TYPE_SESSION, "max-conns", int(2 * options_.viewers + 10),
                                           "max-conns-per-host", int(2 * options_.viewers + 10), nullptr)));
  for (Viewer& viewer : viewers_)
    viewer.first_join_at =
        *(viewer.join_at = begin + Time(std::int64_t(1e6 * double(viewer.number) / options_.join_rate)));

  GSource* ticks = g_timeout_source_new(kTickMilliseconds);
  g_source_set_callback(
      ticks,
      [](gpointer self) -> gboolean {
        static_cast<Crowd*>(self)->tick();
        return G_SOURCE_CONTINUE;
      },
      this, nullptr);
  g_source_attach(ticks, context_.get());
  g_main_loop_run(loop_.get());

  const Time over = monotonic_now();
  for (Viewer& viewer : viewers_)
    if (viewer.viewing) leave(viewer, over, true);
  while (!leaving_.empty() && monotonic_now() < over + kGoodbye) {
    g_main_context_iteration(context_.get(), TRUE);
    std::erase_if(leaving_, [](const Leaving& each) { return each.socket->is_closed(); });
  }
  g_source_destroy(ticks);
  g_source_unref(ticks);
  leaving_.clear();
  soup_session_abort(session_.get());
  while (g_main_context_iteration(context_.get(), FALSE)) {
  }
  session_.reset();
  g_main_context_pop_thread_default(context_.get());
  return std::move(results_);
}

void Crowd::tick() {
  const Time now = monotonic_now();
  for (Viewer& viewer : viewers_) tick(viewer, now);
  std::erase_if(leaving_, [&](const Leaving& each) { return each.socket->is_closed() || now >= each.until; });
  if (now >= published_ + kPublish) publish(now);
  if (!settled_ &&
      std::all_of(viewers_.begin(), viewers_.end(), [](const Viewer& each) { return each.settled; }))
    settled_ = now;
  if (settled_ && now >= *settled_ + options_.duration) stop();
}

void Crowd::tick(Viewer& viewer, Time now) {
  if (viewer.join_at && now >= *viewer.join_at) join(viewer, now);
  if (!viewer.viewing) return;
  Viewing& viewing = *viewer.viewing;
  viewing.tick(now);
  if (viewing.failed()) {
    if (options_.follow && follow(viewer, now)) return;
    leave(viewer, now, true);  // and stays away: what it met is in the report
    viewer.join_at.reset();
    viewer.settled = true;
    return;
  }
  const auto* counters = viewing.live_counters();
  const bool watching = counters && counters->frames > 0;
  if (watching || now - viewer.first_join_at >= kNoFramePatience) viewer.settled = true;
  if (viewer.leave_at && now >= *viewer.leave_at &&
      (watching || now - viewing.started() >= kNoFramePatience)) {
    leave(viewer, now, viewer.random() & 1);  // every other one just disappears
    viewer.join_at = now + soon(viewer, kAway);
  } else if (viewer.switch_at && now >= *viewer.switch_at && watching && !viewing.is_switching()) {
    switch_quality(viewer, now);
    viewer.switch_at = now + soon(viewer, *options_.switch_every);
  }
}

// Intervals of events that come independently of each other; never so short that nothing can be seen between.
Time Crowd::soon(Viewer& viewer, Time mean) {
  std::exponential_distribution<double> interval(1 / seconds(mean));
  const double chosen = std::clamp(interval(viewer.random), 0.1 * seconds(mean), 5 * seconds(mean));
  return Time(std::int64_t(1e6 * chosen));
}

void Crowd::join(Viewer& viewer, Time now) {
  viewer.join_at.reset();
  viewer.viewing = std::make_unique<Viewing>(
      session_.get(), identity_,
      ViewingSettings{viewer.url, options_.insecure, viewer.number < options_.decoding},
      static_cast<std::uint32_t>(viewer.random() | 1));
  viewer.viewing->start(now);
  if (options_.leave_every) viewer.leave_at = now + soon(viewer, *options_.leave_every);
  if (options_.switch_every) viewer.switch_at = now + soon(viewer, *options_.switch_every);
}

// Where the server sends it, at once; after a loss to the same server again, and if that is gone, to another.
bool Crowd::follow(Viewer& viewer, Time now) {
  const Viewing& viewing = *viewer.viewing;
  if (!viewing.other_servers().empty()) viewer.servers = viewing.other_servers();
  Time pause = kComeBack;
  if (!viewing.moved_to().empty()) {
    const auto url = moved_url(viewing.moved_to(), viewer.url);
    if (!url) return false;
    viewer.url = *url;
    pause = {};
  } else if (!viewing.welcomed()) {
    if (!viewer.servers.empty()) {
      const auto& other = viewer.servers[(viewer.number + viewer.next_server++) % viewer.servers.size()];
      if (const auto url = moved_url(other, viewer.url)) viewer.url = *url;
    }
  }
  leave(viewer, now, true);
  viewer.join_at = now + pause;
  return true;
}

void Crowd::leave(Viewer& viewer, Time now, bool politely) {
  ViewingResult result = viewer.viewing->result(now);
  result.viewer = viewer.number;
  if (result.media.first_frame && viewer.last_frame)
    result.away = *result.media.first_frame - *std::exchange(viewer.last_frame, {});
  if (options_.follow && !result.failure.empty()) {
    result.followed_by = std::exchange(result.failure, {});
    if (result.media.last_frame) viewer.last_frame = result.media.last_frame;
  }
  if (result.failure.empty() && result.media.frames == 0 && result.lasted >= kSettled)
    result.failure = result.joined ? "joined, and no frame came" : "was not connected in time";
  past_.frames += result.media.frames;
  past_.bytes += result.media.bytes;
  past_.freezes += result.media.freezes;
  past_.broken += result.media.incomplete + result.media.undecodable;
  if (!result.failure.empty()) ++past_.failed;
  results_.push_back(std::move(result));
  if (politely) {
    auto socket = viewer.viewing->leave();
    if (!socket->is_closed()) leaving_.push_back({std::move(socket), now + kGoodbye});
  }
  viewer.viewing.reset();
}

void Crowd::switch_quality(Viewer& viewer, Time now) {
  if (const auto pick = viewer.viewing->choice().pick(viewer.random)) viewer.viewing->subscribe(*pick, now);
}

void Crowd::publish(Time now) {
  published_ = now;
  Progress progress = past_;
  for (const Viewer& viewer : viewers_) {
    if (!viewer.viewing) continue;
    if (viewer.viewing->joined()) ++progress.joined;
    if (const auto* counters = viewer.viewing->live_counters()) {
      progress.frames += counters->frames;
      progress.bytes += counters->bytes;
      progress.freezes += counters->freezes;
      progress.broken += counters->incomplete + counters->undecodable;
    }
  }
  progress_.with([&](Progress& shared) { shared = progress; });
}

}  // namespace campaign::load
