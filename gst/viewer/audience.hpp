// Everybody who watches this node: connections, their sessions, and the renditions they choose from.
// Viewers' state lives on one event loop and needs no lock; pipelines are built and taken down on a worker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "signalling/server.hpp"
#include "util/guarded.hpp"
#include "util/worker.hpp"
#include "viewer/ice.hpp"
#include "viewer/rendition.hpp"
#include "viewer/session.hpp"

namespace campaign::viewer {

struct AudienceSettings {
  signalling::ServerSettings server;
  IceSettings ice;
  unsigned fec = 0;  // repairs for every 100 packets, for viewers who can read them
  bool accept_viewers = true;
};

struct ViewerReport {
  std::string peer, campaign, quality, context;
  bool connected = false;
  Adaptive::Found network;
  routing::ViewerStats stats;
  std::map<std::string, double> seen;  // what the viewer reported last
};

class Audience : private signalling::ServerDelegate {
 public:
  struct Events {  // called without a lock; the first two on the loop, the others on the worker
    std::function<void(const std::string&peer, const std::string&campaign)> viewer_added, viewer_removed;
    std::function<void(const std::string&peer, GstElement*)> webrtcbin_ready, payloader_setup;
    // Who asks for a campaign that is not here may wait where somebody can be told that it is wanted; both on
    // the loop, and both may be empty.
    std::function<bool()> may_wait = nullptr;
    std::function<void(const signalling::Visitor&)> campaign_wanted = nullptr;
  };

  Audience(AudienceSettings settings, Events events);
  ~Audience();  // says bye, ends every session, joins every thread

  Result<void> open();
  unsigned port() const { return server_->port(); }
  SoupServer* http_server() const { return server_->soup(); }  // borrowed
  void set_max_viewers(unsigned limit) {
    loop_->call([&] { server_->set_max_viewers(limit); });
  }

  // Those of one campaign together: who waits for it is let in with all of them to choose from. Where the
  // campaign has one of these qualities already it is returned, and none of them is added.
  std::optional<std::string> add(const std::vector<std::shared_ptr<Rendition>>& renditions);
  void remove(const std::shared_ptr<Rendition>& rendition);
  // It is admitted by another bandwidth from here on.
  void rank(const std::shared_ptr<Rendition>& rendition, std::uint64_t bits_per_second);
  // 0: no limit of this campaign's own. It is for newcomers; those who watch stay.
  void limit_viewers(const std::string& campaign, unsigned most);
  // False: every newcomer waits for a campaign, or is told "draining" where nobody can be asked.
  void accept_viewers(bool accept);

  // From here on frames have a time. Returns the epoch that access units count from: it stays while the
  // clock does, so that a pause does not disturb the sessions; a new clock ends them.
  GstClockTime play(const Ref<GstClock>& clock, GstClockTime base_time);
  std::optional<GstClockTime> epoch() const;  // once it plays
  // Ends the sessions; newcomers are told not-ready.
  void end_sessions();

  std::vector<ViewerReport> report();

  // See audience_orders.cpp. Any thread; false: no such viewer, or for move() no such stream.
  bool redirect(const std::string& peer, const std::string& url);
  bool refuse(const std::string& peer, const signalling::Refusal& refusal);
  bool remove_viewer(const std::string& peer);
  bool move(const std::string& peer, const std::string& campaign, const std::string& quality);
  // Everybody who watches the campaign is sent the state, a JSON object, and so is who joins later. Any
  // thread; states of one thread are sent in their order. An empty one is forgotten.
  void set_state(const std::string& campaign, std::uint64_t revision, std::string state);

  // Other servers that show the same campaigns, as http://host:port: viewers turn to them should this one be
  // gone. Any thread.
  void set_other_servers(std::vector<std::string> urls);

 private:
  using ConnectionId = signalling::ConnectionId;
  struct Timing {
    Ref<GstClock> clock;
    GstClockTime epoch = 0;
  };
  struct Viewer {
    signalling::Visitor visitor;
    std::string campaign, quality;         // wished for; an empty quality is automatic
    std::shared_ptr<Rendition> rendition;  // what is sent, or will be first
    std::shared_ptr<Session> session;
    std::shared_ptr<routing::Viewer> watching;  // once it is connected
    std::string reason = "start";               // of the next change of what is sent
    std::uint64_t admits = kStartBandwidth;     // the rank of the rung that fits the network
    gint64 since = 0, connected_at = 0;         // monotonic microseconds
    std::map<std::string, double> seen;
    std::string choice;  // the message that says what it knows of
  };

  signalling::Admission admit(const signalling::Visitor& visitor) override;
  void waits(const signalling::Visitor& visitor) override;
  void arrived(const signalling::Visitor& visitor, const signalling::Welcome& told) override;
  void received(ConnectionId connection, signalling::ViewerMessage message) override;
  void left(ConnectionId connection) override;

  Session::Events session_events(ConnectionId connection, const std::string& peer);
  Result<void, signalling::Refusal> obey(ConnectionId connection, Viewer& viewer,
                                         signalling::ViewerMessage& message);
  Result<void, signalling::Refusal> subscribe(ConnectionId connection, Viewer& viewer,
                                              const signalling::Subscribe& wish);
  void control(Viewer& viewer, const signalling::Pointer& pointer);
  void connected(ConnectionId connection);
  void changed(ConnectionId connection, const std::string& campaign, const std::string& quality);
  void fits(ConnectionId connection, const std::string& quality, const std::string& reason);
  void renew_ladders();
  void release(Viewer& viewer);
  void begin(const std::vector<std::shared_ptr<Rendition>>& added);
  void readmit();
  bool is_full(const std::string& campaign);
  void send_servers(ConnectionId connection);
  void send_state(ConnectionId connection, const std::string& campaign);
  bool order(const std::string& peer, const std::function<bool(ConnectionId)>& carry_out);
  static routing::Wish wish_of(const Viewer& viewer, const Rendition& chosen);
  // See audience_choices.cpp. Empty names choose the first campaign, and what suits most.
  Result<std::shared_ptr<Rendition>, signalling::Refusal> choose(const std::string& campaign,
                                                                 const std::string& quality);
  std::shared_ptr<Rendition> find(const std::string& campaign, const std::string& quality);
  signalling::Choice choice_of(const std::string& campaign);
  void renew_choices();
  void renew_choice(ConnectionId connection, Viewer& viewer);
  void retire(std::shared_ptr<Session> session);
  bool tick();
  // See audience_stats.cpp. How many watch each campaign; on the loop.
  using Crowds = std::map<std::string, unsigned>;
  Crowds count_viewers() const;
  void send_stats(ConnectionId connection, const Viewer& viewer, const Adaptive::Found& network,
                  const Crowds& crowds);
  template <class F>
  std::function<void()> while_alive(F job);

  const AudienceSettings settings_;
  const Events events_;
  const Ref<GstTaskPool> threads_;               // of the sessions
  const std::shared_ptr<IceThread> ice_thread_;  // of the sessions
  routing::Router router_;
  Guarded<std::vector<std::shared_ptr<Rendition>>> renditions_;
  Guarded<std::optional<Timing>> timing_;
  std::map<std::string, std::string> states_;  // as they are sent, by campaign; on the loop
  std::string servers_;                        // the message about other servers; on the loop
  std::map<std::string, unsigned> limits_;     // of viewers, by campaign; on the loop
  bool accepting_;                             // on the loop
  // In the order of need: the sessions' callbacks post to the loop, so it goes last.
  std::unique_ptr<signalling::EventLoop> loop_;
  std::unique_ptr<signalling::Server> server_;  // on the loop
  std::map<ConnectionId, Viewer> viewers_;      // on the loop
  std::unique_ptr<Worker> worker_;
};

}  // namespace campaign::viewer
