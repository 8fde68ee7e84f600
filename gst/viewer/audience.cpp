// See audience.hpp.
#include "viewer/audience.hpp"

#include <gst/video/navigation.h>

#include <algorithm>

#include "viewer/joined_threads.hpp"
#include "viewer/page.hpp"
#include "viewer/unit_buffer.hpp"

namespace campaign::viewer {
namespace {

using signalling::IceCandidate;
using signalling::Pointer;
using signalling::Refusal;
using signalling::RefusalCode;

constexpr gint64 kNegotiationTimeout = 10 * G_USEC_PER_SEC;
constexpr gint64 kByeGrace = G_USEC_PER_SEC / 2;
constexpr unsigned kTickMs = 1000;
// RTCP reports come every second or two from browsers, and other receivers may leave 7.5 s between them.
constexpr routing::Nanoseconds kFeedbackTimeout = std::chrono::seconds(10);

}  // namespace

Audience::Audience(AudienceSettings settings, Events events)
    : settings_(std::move(settings)),
      events_(std::move(events)),
      threads_(make_joined_threads()),
      ice_thread_(std::make_shared<IceThread>()),
      accepting_(settings_.accept_viewers),
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
  end_threads(threads_.get());
  ice_thread_->stop();
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

namespace {

using Renditions = std::vector<std::shared_ptr<Rendition>>;

// The lowest of a campaign's first.
void insert(Renditions& renditions, const std::shared_ptr<Rendition>& added) {
  const auto above = std::ranges::find_if(renditions, [&](const auto& other) {
    return other->campaign() == added->campaign() && other->rank() > added->rank();
  });
  renditions.insert(above, added);
}

}  // namespace

std::optional<std::string> Audience::add(const std::vector<std::shared_ptr<Rendition>>& added) {
  const auto taken = renditions_.with([&](auto& renditions) -> std::optional<std::string> {
    for (const auto& rendition : added)
      if (std::ranges::any_of(renditions, [&](const auto& other) { return other->is_namesake(*rendition); }))
        return rendition->quality();
    for (const auto& rendition : added) insert(renditions, rendition);
    return std::nullopt;
  });
  if (!taken) begin(added);
  return taken;
}

void Audience::rank(const std::shared_ptr<Rendition>& rendition, std::uint64_t bits_per_second) {
  if (rendition->rank() == bits_per_second) return;
  rendition->leave(router_);
  renditions_.with([&](auto& renditions) {
    std::erase(renditions, rendition);
    rendition->set_rank(bits_per_second);
    insert(renditions, rendition);
  });
  begin({rendition});
}

void Audience::begin(const std::vector<std::shared_ptr<Rendition>>& added) {
  for (const auto& rendition : added) rendition->join(router_);
  readmit();
  renew_choices();
}

void Audience::limit_viewers(const std::string& campaign, unsigned most) {
  loop_->post([this, campaign, most] {
    if (most == 0)
      limits_.erase(campaign);
    else
      limits_[campaign] = most;
  });
}

void Audience::accept_viewers(bool accept) {
  loop_->call([&] { accepting_ = accept; });
  readmit();
}

// Something changed that those who wait may have waited for.
void Audience::readmit() {
  loop_->post([this] {
    if (server_) server_->readmit();
  });
}

void Audience::remove(const std::shared_ptr<Rendition>& rendition) {
  const bool last = renditions_.with([&](auto& renditions) {
    std::erase(renditions, rendition);
    return std::ranges::none_of(
        renditions, [&](const auto& other) { return other->campaign() == rendition->campaign(); });
  });
  rendition->leave(router_);
  renew_choices();
  if (!last) return;  // their viewers have gone to another rung
  loop_->call([&] {
    if (!server_) return;
    std::vector<ConnectionId> watching;
    for (const auto& [connection, viewer] : viewers_)
      if (viewer.campaign == rendition->campaign()) watching.push_back(connection);
    for (ConnectionId connection : watching)
      server_->bye(connection, "stopped", SOUP_WEBSOCKET_CLOSE_GOING_AWAY);
  });
}

GstClockTime Audience::play(const Ref<GstClock>& clock, GstClockTime base_time) {
  const bool replaced =
      timing_.with([&](auto& timing) { return timing && timing->clock.get() != clock.get(); });
  if (replaced) end_sessions();
  const GstClockTime epoch = timing_.with([&](auto& timing) {
    if (!timing) timing = Timing{clock, base_time};
    return timing->epoch;
  });
  readmit();
  return epoch;
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

signalling::Admission Audience::admit(const signalling::Visitor& visitor) {
  const auto unless_awaited = [this](Refusal refusal) -> signalling::Admission {
    if (events_.may_wait && events_.may_wait()) return signalling::Wait{std::move(refusal)};
    return refusal;
  };
  if (!accepting_)
    return unless_awaited({RefusalCode::draining, "this server takes no new viewers, it is about to end"});
  auto rendition = choose(visitor.campaign, {});
  if (!rendition) return unless_awaited(rendition.error());
  if (!(*rendition)->format() || !timing_.snapshot())
    return unless_awaited({RefusalCode::not_ready, "campaign \"" + (*rendition)->campaign() +
                                                       "\" is not playing yet; try again soon"});
  if (is_full((*rendition)->campaign()))
    return Refusal{RefusalCode::too_many_viewers,
                   "all places of campaign \"" + (*rendition)->campaign() + "\" are taken; try again later"};
  signalling::Welcome welcome;
  welcome.peer = visitor.peer;
  signalling::Choice choice = choice_of((*rendition)->campaign());
  welcome.campaign = std::move(choice.campaign);
  welcome.campaigns = std::move(choice.campaigns);
  welcome.qualities = std::move(choice.qualities);
  welcome.ice_servers = browser_ice_servers(settings_.ice);
  return welcome;
}

void Audience::waits(const signalling::Visitor& visitor) {
  send_servers(visitor.connection);
  if (events_.campaign_wanted) events_.campaign_wanted(visitor);
}

bool Audience::is_full(const std::string& campaign) {
  const auto limit = limits_.find(campaign);
  if (limit == limits_.end()) return false;
  const auto there =
      std::ranges::count_if(viewers_, [&](const auto& entry) { return entry.second.campaign == campaign; });
  return unsigned(there) >= limit->second;
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
  events.connected = while_alive([this, connection] { connected(connection); });
  events.heard = while_alive([this, connection] {
    const auto found = viewers_.find(connection);
    if (found != viewers_.end() && found->second.watching)
      router_.heard_from(found->second.watching, routing_now());
  });
  events.changed = [this, connection](std::string campaign, std::string quality) {
    loop_->post([this, connection, campaign = std::move(campaign), quality = std::move(quality)] {
      changed(connection, campaign, quality);
    });
  };
  events.fits = [this, connection](std::string quality, std::string reason) {
    loop_->post([this, connection, quality = std::move(quality), reason = std::move(reason)] {
      fits(connection, quality, reason);
    });
  };
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

void Audience::arrived(const signalling::Visitor& visitor, const signalling::Welcome& told) {
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
      SessionSettings{visitor.peer, format->codec, settings_.ice, timing->clock, timing->epoch,
                      ladder_of(renditions_.snapshot(), (*rendition)->campaign()), settings_.fec, threads_,
                      ice_thread_},
      session_events(connection, visitor.peer));
  Viewer viewer;
  viewer.visitor = visitor;
  viewer.campaign = (*rendition)->campaign();
  viewer.rendition = *rendition;
  viewer.session = session;
  viewer.since = g_get_monotonic_time();
  viewer.choice = to_json(signalling::Choice{told.campaign, told.campaigns, told.qualities});
  send_servers(connection);
  send_state(connection, viewer.campaign);
  viewers_[connection] = std::move(viewer);
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
  release(viewer);
  retire(std::move(viewer.session));
  events_.viewer_removed(viewer.visitor.peer, viewer.rendition->campaign());
}

// Its pad's task ends with it, so that the session can be closed.
void Audience::release(Viewer& viewer) {
  if (viewer.watching) router_.remove_viewer(std::exchange(viewer.watching, nullptr));
}

routing::Wish Audience::wish_of(const Viewer& viewer, const Rendition& chosen) {
  routing::Wish wish;
  wish.campaign = viewer.campaign;
  wish.quality = viewer.quality;
  if (!wish.quality.empty()) wish.rank = chosen.rank();
  return wish;
}

// Media may flow: what is sent begins with a key frame, cached or new.
void Audience::connected(ConnectionId connection) {
  const auto found = viewers_.find(connection);
  if (found == viewers_.end()) return;
  Viewer& viewer = found->second;
  viewer.connected_at = g_get_monotonic_time();
  routing::ViewerLimits limits;
  limits.feedback_timeout = kFeedbackTimeout;
  limits.start_admits = viewer.admits;
  viewer.watching = router_.add_viewer(wish_of(viewer, *viewer.rendition), limits, routing_now());
  viewer.session->play(viewer.watching);
}

// adaptivebitrate has chosen, which is what `auto` follows; the viewer's own choice stands.
void Audience::fits(ConnectionId connection, const std::string& quality, const std::string& reason) {
  const auto found = viewers_.find(connection);
  if (found == viewers_.end()) return;
  Viewer& viewer = found->second;
  const auto rendition = find(viewer.campaign, quality);
  if (!rendition) return;  // of the campaign before, or gone: another choice follows
  viewer.admits = rendition->rank();
  if (viewer.quality.empty() && rendition != viewer.rendition) viewer.reason = reason;
  if (viewer.watching) router_.estimate(viewer.watching, viewer.admits, routing_now());
}

// Rungs come and go, and their bitrates can be set.
void Audience::renew_ladders() {
  const auto renditions = renditions_.snapshot();
  std::map<std::string, Ladder> ladders;
  for (const auto& [connection, viewer] : viewers_) {
    auto known = ladders.find(viewer.campaign);
    if (known == ladders.end())
      known = ladders.emplace(viewer.campaign, ladder_of(renditions, viewer.campaign)).first;
    viewer.session->adaptive().set_ladder(known->second);
  }
}

// The viewer's own thread has begun to send another rung, or the first one.
void Audience::changed(ConnectionId connection, const std::string& campaign, const std::string& quality) {
  const auto found = viewers_.find(connection);
  const auto rendition = find(campaign, quality);
  if (found == viewers_.end() || !rendition) return;
  Viewer& viewer = found->second;
  viewer.rendition = rendition;
  server_->send(connection, to_json(signalling::QualityChange{campaign, quality,
                                                              std::exchange(viewer.reason, "available"),
                                                              viewer.session->adaptive().found().estimate}));
}

void Audience::retire(std::shared_ptr<Session> session) {
  worker_->post([session = std::move(session)] { session->close(); });
}

void Audience::received(ConnectionId connection, signalling::ViewerMessage message) {
  auto found = viewers_.find(connection);
  if (found == viewers_.end()) return;  // refused, and about to be closed
  if (found->second.watching) router_.heard_from(found->second.watching, routing_now());
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
  const bool elsewhere = (*chosen)->campaign() != viewer.campaign;
  if (elsewhere && is_full((*chosen)->campaign()))
    return Refusal{RefusalCode::too_many_viewers,
                   "all places of campaign \"" + wish.campaign + "\" are taken; try again later"};
  viewer.campaign = (*chosen)->campaign();
  if (elsewhere) {
    viewer.session->adaptive().set_ladder(ladder_of(renditions_.snapshot(), viewer.campaign));
    send_state(connection, viewer.campaign);
    renew_choice(connection, viewer);
  }
  viewer.quality = wish.quality == "auto" ? std::string{} : wish.quality;
  viewer.session->adaptive().wish(viewer.quality);
  viewer.reason = "requested";
  if (*chosen == viewer.rendition)  // and stays so; otherwise it is told when the first of it is sent
    server_->send(connection, to_json(signalling::QualityChange{
                                  viewer.rendition->campaign(), viewer.rendition->quality(), "requested",
                                  viewer.session->adaptive().found().estimate}));
  if (viewer.watching)
    router_.wish(viewer.watching, wish_of(viewer, **chosen), routing_now());
  else
    viewer.rendition = *chosen;
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
  renew_ladders();
  const auto crowds = count_viewers();
  std::vector<ConnectionId> late;
  for (const auto& [connection, viewer] : viewers_) {
    if (viewer.connected_at == 0 && now - viewer.since > kNegotiationTimeout) late.push_back(connection);
    const Adaptive::Found network = viewer.session->adaptive().found();
    if (viewer.watching) viewer.watching->thin_to(network.thin_to);
    send_stats(connection, viewer, network, crowds);
  }
  for (ConnectionId connection : late)
    server_->refuse(connection, {RefusalCode::negotiation_timeout,
                                 "no media connection within 10 seconds; is UDP blocked on the way?"});
  return true;
}

}  // namespace campaign::viewer
