// What whoever runs the server may do with single viewers and with a campaign's state; see audience.hpp.
#include "viewer/audience.hpp"

#include <algorithm>

namespace campaign::viewer {
namespace {

// 4000 + the HTTP status that says the same, as of refusals.
constexpr unsigned short kMoved = 4307, kRemoved = 4410;

}  // namespace

// The caller waits for the loop, which never waits for anybody.
bool Audience::order(const std::string& peer, const std::function<bool(ConnectionId)>& carry_out) {
  bool done = false;
  loop_->call([&] {
    const auto connection = server_ ? server_->find(peer) : std::nullopt;
    done = connection && carry_out(*connection);
  });
  return done;
}

bool Audience::redirect(const std::string& peer, const std::string& url) {
  return order(peer, [&](ConnectionId connection) {
    server_->bye(connection, "moved", kMoved, url);
    return true;
  });
}

bool Audience::refuse(const std::string& peer, const signalling::Refusal& refusal) {
  signalling::Refusal told = refusal;
  if (told.code == signalling::RefusalCode::unknown_campaign)
    for (const auto& rendition : renditions_.snapshot())
      if (std::ranges::find(told.campaigns, rendition->campaign()) == told.campaigns.end())
        told.campaigns.push_back(rendition->campaign());
  return order(peer, [&](ConnectionId connection) {
    server_->refuse(connection, told);
    return true;
  });
}

bool Audience::remove_viewer(const std::string& peer) {
  return order(peer, [&](ConnectionId connection) {
    server_->bye(connection, "removed", kRemoved);
    return true;
  });
}

bool Audience::move(const std::string& peer, const std::string& campaign, const std::string& quality) {
  return order(peer, [&](ConnectionId connection) {
    const auto found = viewers_.find(connection);
    return found != viewers_.end() &&
           bool(subscribe(connection, found->second, {campaign, quality.empty() ? "auto" : quality}));
  });
}

void Audience::set_state(const std::string& campaign, std::uint64_t revision, std::string state) {
  loop_->post([this, campaign, revision, state = std::move(state)] {
    if (state.empty()) {
      states_.erase(campaign);
      return;
    }
    const std::string& message = states_[campaign] =
        to_json(signalling::CampaignState{campaign, revision, state});
    for (const auto& [connection, viewer] : viewers_)
      if (viewer.campaign == campaign) server_->send(connection, message);
  });
}

void Audience::set_other_servers(std::vector<std::string> urls) {
  loop_->post([this, urls = std::move(urls)] {
    if (server_) server_->set_other_servers(urls);
    servers_ = to_json(signalling::Servers{urls});
    for (const auto& [connection, viewer] : viewers_) send_servers(connection);
  });
}

void Audience::send_servers(ConnectionId connection) {
  if (!servers_.empty() && server_) server_->send(connection, servers_);
}

void Audience::send_state(ConnectionId connection, const std::string& campaign) {
  if (const auto state = states_.find(campaign); state != states_.end())
    server_->send(connection, state->second);
}

}  // namespace campaign::viewer
