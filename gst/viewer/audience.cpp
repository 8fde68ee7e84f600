// See audience.hpp.
#include "viewer/audience.hpp"

#include <gst/video/navigation.h>

#include <algorithm>

#include "viewer/page.hpp"

namespace campaign::viewer {
namespace {

using signalling::IceCandidate;
using signalling::Pointer;
using signalling::Refusal;
using signalling::RefusalCode;

constexpr gint64 kNegotiationTimeout = 10 * G_USEC_PER_SEC;
constexpr gint64 kByeGrace = G_USEC_PER_SEC / 2;
constexpr unsigned kTickMs = 1000;

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

void add_unique(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

}  // namespace

Audience::Audience(AudienceSettings settings, Events events)
    : settings_(std::move(settings)),
      events_(std::move(events)),
      loop_(std::make_unique<signalling::EventLoop>("campaign-http")),
      worker_(std::make_unique<Worker>("campaign-viewer")) {}

Audience::~Audience() {
  if (server_) {
    loop_->call([this] { server_->shut_down("stopped"); });
    const gint64 deadline = g_get_monotonic_time() + kByeGrace;  // for the byes to leave
    bool idle = false;
    while (!idle && g_get_monotonic_time() < deadline) {
      loop_->call([&] { idle = server_->idle(); });
      if (!idle) g_usleep(5000);
    }
  }
  worker_->stop();  // every session is closed after this
  loop_->call([this] {
    server_.reset();
    viewers_.clear();
  });
  loop_->stop();
}

Result<void> Audience::open() {
  if (auto ice = check_ice(settings_.ice); !ice) return ice;
  Result<void> outcome;
  loop_->call([&] {
    server_ =
        std::make_unique<signalling::Server>(*loop_, static_cast<signalling::ServerDelegate&>(*this), page());
    outcome = server_->listen(settings_.server);
    if (outcome) loop_->every(kTickMs, [this] { return tick(); });
  });
  return outcome;
}

void Audience::add(std::shared_ptr<Rendition> rendition) {
  renditions_.with([&](auto& renditions) { renditions.push_back(std::move(rendition)); });
}

bool Audience::serves(const std::string& campaign, const std::string& quality) {
  return renditions_.with([&](const auto& renditions) {
    return std::any_of(renditions.begin(), renditions.end(), [&](const auto& rendition) {
      return rendition->campaign() == campaign && rendition->quality() == quality;
    });
  });
}

void Audience::remove(const std::shared_ptr<Rendition>& rendition) {
  renditions_.with([&](auto& renditions) { std::erase(renditions, rendition); });
  loop_->call([&] {
    if (!server_) return;
    std::vector<ConnectionId> watching;
    for (const auto& [connection, viewer] : viewers_)
      if (viewer.rendition == rendition) watching.push_back(connection);
    for (ConnectionId connection : watching)
      server_->bye(connection, "stopped", SOUP_WEBSOCKET_CLOSE_GOING_AWAY);
  });
}

GstClockTime Audience::play(const Ref<GstClock>& clock, GstClockTime base_time) {
  const bool replaced =
      timing_.with([&](auto& timing) { return timing && timing->clock.get() != clock.get(); });
  if (replaced) end_sessions();
  return timing_.with([&](auto& timing) {
    if (!timing) timing = Timing{clock, base_time};
    return timing->epoch;
  });
}

std::optional<GstClockTime> Audience::epoch() const {
  const auto timing = timing_.snapshot();
  if (!timing) return std::nullopt;
  return timing->epoch;
}

void Audience::end_sessions() {
  timing_.with([](auto& timing) { timing.reset(); });
  loop_->call([this] {
    if (!server_) return;
    std::vector<ConnectionId> all;
    for (const auto& [connection, viewer] : viewers_) all.push_back(connection);
    for (ConnectionId connection : all) server_->bye(connection, "stopped", SOUP_WEBSOCKET_CLOSE_GOING_AWAY);
  });
}

std::vector<ViewerReport> Audience::report() {
  std::vector<ViewerReport> reports;
  loop_->call([&] {
    for (const auto& [connection, viewer] : viewers_)
      reports.push_back({viewer.visitor.peer, viewer.rendition->campaign(), viewer.rendition->quality(),
                         viewer.visitor.context, viewer.connected_at != 0, viewer.session->dropped(),
                         viewer.seen});
  });
  return reports;
}

Result<std::shared_ptr<Rendition>, Refusal> Audience::choose(const std::string& campaign,
                                                             const std::string& quality) {
  const auto renditions = renditions_.snapshot();
  std::vector<std::string> campaigns, qualities;
  for (const auto& rendition : renditions) add_unique(campaigns, rendition->campaign());
  if (campaigns.empty()) return Refusal{RefusalCode::not_ready, "no campaign is served here yet"};
  const std::string& wanted = campaign.empty() ? campaigns.front() : campaign;
  for (const auto& rendition : renditions) {
    if (rendition->campaign() != wanted) continue;
    if (quality.empty() || quality == "auto" || quality == rendition->quality()) return rendition;
    add_unique(qualities, rendition->quality());
  }
  if (qualities.empty())
    return Refusal{RefusalCode::unknown_campaign,
                   "there is no campaign \"" + wanted + "\" here; there is: " + list(campaigns), campaigns};
  return Refusal{RefusalCode::unknown_quality, "campaign \"" + wanted + "\" has no quality \"" + quality +
                                                   "\"; it has: auto, " + list(qualities)};
}

Result<signalling::Welcome, Refusal> Audience::admit(const signalling::Visitor& visitor) {
  auto rendition = choose(visitor.campaign, {});
  if (!rendition) return rendition.error();
  if (!(*rendition)->format() || !timing_.snapshot())
    return Refusal{RefusalCode::not_ready,
                   "campaign \"" + (*rendition)->campaign() + "\" is not playing yet; try again soon"};
  signalling::Welcome welcome;
  welcome.peer = visitor.peer;
  welcome.campaign = (*rendition)->campaign();
  for (const auto& other : renditions_.snapshot()) {
    add_unique(welcome.campaigns, other->campaign());
    if (other->campaign() == welcome.campaign) add_unique(welcome.qualities, other->quality());
  }
  welcome.ice_servers = browser_ice_servers(settings_.ice);
  return welcome;
}

// What a session's threads report is acted on here, on the loop, if the viewer is still there.
template <class F>
std::function<void()> Audience::while_alive(F job) {
  return [this, job = std::move(job)] { loop_->post(job); };
}

Session::Events Audience::session_events(ConnectionId connection, const std::string& peer) {
  Session::Events events;
  const auto tell = [this, connection](std::string text) {
    loop_->post([this, connection, text = std::move(text)] {
      if (server_) server_->send(connection, text);
    });
  };
  events.offer = [tell](std::string sdp) { tell(to_json(signalling::Offer{std::move(sdp)})); };
  events.candidate = [tell](IceCandidate ice) { tell(to_json(ice)); };
  events.connected = while_alive([this, connection] {
    auto found = viewers_.find(connection);
    if (found == viewers_.end()) return;
    Viewer& viewer = found->second;
    viewer.connected_at = g_get_monotonic_time();
    server_->send(connection, to_json(signalling::QualityChange{viewer.rendition->campaign(),
                                                                viewer.rendition->quality(), "start", 0}));
  });
  events.key_frame_wanted = while_alive([this, connection] {
    auto found = viewers_.find(connection);
    if (found != viewers_.end()) found->second.rendition->request_key_frame(g_get_monotonic_time());
  });
  events.latency_changed = while_alive([this, connection] {
    auto found = viewers_.find(connection);
    if (found != viewers_.end())
      worker_->post([session = found->second.session] { session->recalculate_latency(); });
  });
  events.failed = [this, connection](Refusal refusal) {
    loop_->post([this, connection, refusal = std::move(refusal)] {
      if (server_) server_->refuse(connection, refusal);
    });
  };
  events.payloader_setup = [this, peer](GstElement* element) { events_.payloader_setup(peer, element); };
  events.webrtcbin_ready = [this, peer](GstElement* element) { events_.webrtcbin_ready(peer, element); };
  return events;
}

void Audience::arrived(const signalling::Visitor& visitor) {
  const ConnectionId connection = visitor.connection;
  auto rendition = choose(visitor.campaign, {});
  const auto timing = timing_.snapshot();
  const auto format = rendition ? (*rendition)->format() : std::nullopt;
  if (!timing || !format) {  // it stopped between the welcome and now
    loop_->post([this, connection] {
      if (server_) server_->bye(connection, "stopped", SOUP_WEBSOCKET_CLOSE_GOING_AWAY);
    });
    return;
  }
  auto session = std::make_shared<Session>(
      SessionSettings{visitor.peer, format->codec, settings_.ice, timing->clock, timing->epoch},
      session_events(connection, visitor.peer));
  viewers_[connection] = {visitor, *rendition, session, g_get_monotonic_time(), 0, {}};
  (*rendition)->add(session);
  worker_->post([this, connection, session] {
    const auto started = session->start();
    if (started) return;
    loop_->post([this, connection, message = started.error().for_user()] {
      if (server_) server_->refuse(connection, {RefusalCode::internal, message});
    });
  });
  events_.viewer_added(visitor.peer, visitor.campaign);
}

void Audience::left(ConnectionId connection) {
  auto found = viewers_.find(connection);
  if (found == viewers_.end()) return;
  Viewer viewer = std::move(found->second);
  viewers_.erase(found);
  viewer.rendition->remove(viewer.session.get());
  retire(std::move(viewer.session));
  events_.viewer_removed(viewer.visitor.peer, viewer.rendition->campaign());
}

void Audience::retire(std::shared_ptr<Session> session) {
  worker_->post([session = std::move(session)] { session->close(); });
}

void Audience::received(ConnectionId connection, signalling::ViewerMessage message) {
  auto found = viewers_.find(connection);
  if (found == viewers_.end()) return;  // refused, and about to be closed
  if (auto done = obey(connection, found->second, message); !done)
    server_->send(connection, to_json(done.error()));
}

Result<void, Refusal> Audience::obey(ConnectionId connection, Viewer& viewer,
                                     signalling::ViewerMessage& message) {
  if (auto* answer = std::get_if<signalling::Answer>(&message))
    return viewer.session->take_answer(answer->sdp);
  if (auto* ice = std::get_if<IceCandidate>(&message)) return viewer.session->take_candidate(*ice);
  if (auto* wish = std::get_if<signalling::Subscribe>(&message)) return subscribe(connection, viewer, *wish);
  if (auto* pointer = std::get_if<Pointer>(&message)) control(viewer, *pointer);
  if (auto* stats = std::get_if<signalling::ViewerStats>(&message)) viewer.seen = std::move(stats->numbers);
  return {};
}

Result<void, Refusal> Audience::subscribe(ConnectionId connection, Viewer& viewer,
                                          const signalling::Subscribe& wish) {
  auto chosen = choose(wish.campaign, wish.quality);
  if (!chosen) return chosen.error();
  const auto format = (*chosen)->format();
  if (!format)
    return Refusal{RefusalCode::not_ready,
                   "campaign \"" + wish.campaign + "\" is not playing yet; try again soon"};
  if (format->codec != viewer.session->codec())
    return Refusal{RefusalCode::unknown_quality,
                   "that stream is in another codec; connect again to watch it"};
  if (*chosen != viewer.rendition) {
    viewer.rendition->remove(viewer.session.get());
    viewer.session->switch_stream();
    viewer.rendition = *chosen;
    viewer.rendition->add(viewer.session);
    viewer.rendition->request_key_frame(g_get_monotonic_time());
  }
  server_->send(connection, to_json(signalling::QualityChange{viewer.rendition->campaign(),
                                                              viewer.rendition->quality(), "requested", 0}));
  return {};
}

void Audience::control(Viewer& viewer, const Pointer& pointer) {
  const auto format = viewer.rendition->format();
  if (!format) return;
  const double x = pointer.x * format->width, y = pointer.y * format->height;
  GstEvent* event = nullptr;
  switch (pointer.event) {
    case Pointer::Event::move:
      event = gst_navigation_event_new_mouse_move(x, y, GST_NAVIGATION_MODIFIER_NONE);
      break;
    case Pointer::Event::press:
      event = gst_navigation_event_new_mouse_button_press(pointer.button, x, y, GST_NAVIGATION_MODIFIER_NONE);
      break;
    case Pointer::Event::release:
      event =
          gst_navigation_event_new_mouse_button_release(pointer.button, x, y, GST_NAVIGATION_MODIFIER_NONE);
      break;
    case Pointer::Event::scroll:
      event =
          gst_navigation_event_new_mouse_scroll(x, y, pointer.dx, pointer.dy, GST_NAVIGATION_MODIFIER_NONE);
      break;
  }
  viewer.rendition->navigate(event);
}

bool Audience::tick() {
  if (!server_) return false;
  const gint64 now = g_get_monotonic_time();
  std::vector<ConnectionId> late;
  for (const auto& [connection, viewer] : viewers_) {
    if (viewer.connected_at == 0 && now - viewer.since > kNegotiationTimeout) late.push_back(connection);
    send_stats(connection, viewer);
  }
  for (ConnectionId connection : late)
    server_->refuse(connection, {RefusalCode::negotiation_timeout,
                                 "no media connection within 10 seconds; is UDP blocked on the way?"});
  return true;
}

void Audience::send_stats(ConnectionId connection, const Viewer& viewer) {
  const auto format = viewer.rendition->format();
  if (!format) return;
  const RenditionRate rate = viewer.rendition->rate();
  signalling::ServerStats stats;
  stats.campaign = viewer.rendition->campaign();
  stats.quality = viewer.rendition->quality();
  stats.codec = codec_name(format->codec);
  stats.encoder = viewer.rendition->encoder();
  for (const auto& [other, entry] : viewers_)
    if (entry.rendition->campaign() == stats.campaign) ++stats.viewers;
  stats.bitrate = rate.bitrate;
  stats.framerate = rate.framerate;
  stats.width = format->width;
  stats.height = format->height;
  stats.dropped = viewer.session->dropped();
  stats.key_frames = rate.key_frames;
  if (viewer.connected_at)
    stats.connected_seconds = double(g_get_monotonic_time() - viewer.connected_at) / G_USEC_PER_SEC;
  server_->send(connection, to_json(stats));
}

}  // namespace campaign::viewer
