// The bus between servers, by Redis' pub/sub: a channel a campaign. An event reaches this process' own
// subscribers directly, also while Redis is away, and those of others through Redis, or not at all. See
// events/bus.hpp. The connection outlives the bus.
#pragma once

#include <map>
#include <memory>

#include "events/bus.hpp"
#include "events/redis/connection.hpp"

namespace campaign::events::redis {

class RedisBus : public Bus {
 public:
  static constexpr std::size_t kMaxWaiting = 10'000;  // of our own, not yet delivered here; more are dropped

  // `seed` marks what this process publishes: different in every process.
  RedisBus(Connection& connection, std::uint64_t seed);

  Result<void> publish(const Envelope& envelope) override;
  Subscription subscribe(Filter filter, std::function<void(const Envelope&)> receive) override;
  BusHealth health() const override;
  Subscription on_connected(std::function<void(bool)> changed) override;

 private:
  // Those who want to hear of one campaign, or of all ("").
  struct Audience {
    Subscribers<const Envelope&> subscribers;
    Subscription channel;
  };

  void received(const std::string& audience, std::string_view campaign, std::string_view message);
  void deliver(const std::string& audience, const Envelope& envelope);
  void leave(const std::string& audience);

  Connection& connection_;
  const std::string origin_;  // what our own messages begin with
  std::map<std::string, Audience> audiences_;
  BusHealth health_;
  Subscribers<bool> connected_;
  LoopQueue later_;
  std::shared_ptr<RedisBus*> self_;  // gone with this: what subscriptions that end later find out by
  Subscription ready_;
};

}  // namespace campaign::events::redis
