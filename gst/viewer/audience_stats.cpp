// What is told of how the viewers fare, to them and to whoever runs the server; see audience.hpp.
#include "viewer/audience.hpp"

namespace campaign::viewer {

std::vector<ViewerReport> Audience::report() {
  std::vector<ViewerReport> reports;
  loop_->call([&] {
    for (const auto& [connection, viewer] : viewers_)
      reports.push_back({viewer.visitor.peer, viewer.rendition->campaign(), viewer.rendition->quality(),
                         viewer.visitor.context, viewer.connected_at != 0, viewer.session->adaptive().found(),
                         viewer.watching ? viewer.watching->stats() : routing::ViewerStats{}, viewer.seen});
  });
  return reports;
}

Audience::Crowds Audience::count_viewers() const {
  Crowds crowds;
  for (const auto& [connection, viewer] : viewers_) ++crowds[viewer.rendition->campaign()];
  return crowds;
}

void Audience::send_stats(ConnectionId connection, const Viewer& viewer, const Adaptive::Found& network,
                          const Crowds& crowds) {
  const auto format = viewer.rendition->format();
  if (!format) return;
  const routing::StreamStats rate = viewer.rendition->stats();
  signalling::ServerStats stats;
  stats.campaign = viewer.rendition->campaign();
  stats.quality = viewer.rendition->quality();
  stats.codec = codec_name(format->codec);
  stats.encoder = viewer.rendition->encoder();
  stats.viewers = crowds.at(stats.campaign);
  stats.bitrate = rate.bitrate;
  stats.framerate = rate.framerate;
  stats.width = format->width;
  stats.height = format->height;
  stats.dropped = viewer.watching ? viewer.watching->stats().counts.dropped : 0;
  stats.key_frames = rate.key_frames;
  stats.estimate = network.estimate;
  stats.too_slow = network.too_slow || viewer.rendition->below_ladder();
  if (const auto work = viewer.rendition->work(); work && work->lowered()) {
    stats.busy = true;
    stats.particles = work->now.particles;
    stats.all_particles = work->full.particles;
    stats.framerate_limit = work->now.framerate;
    stats.full_framerate = work->full.framerate;
  }
  if (viewer.connected_at)
    stats.connected_seconds = double(g_get_monotonic_time() - viewer.connected_at) / G_USEC_PER_SEC;
  server_->send(connection, to_json(stats));
}

}  // namespace campaign::viewer
