// See bus.hpp. A message is "<origin> <envelope>", so that we know our own when they come back.
#include "events/redis/bus.hpp"

#include <utility>

#include "events/redis/keys.hpp"
#include "util/hex.hpp"

namespace campaign::events::redis {
namespace {

constexpr std::size_t kOriginBytes = 16;

}  // namespace

RedisBus::RedisBus(Connection& connection, std::uint64_t seed)
    : connection_(connection),
      origin_(hex(seed)),
      later_(connection.context()),
      self_(std::make_shared<RedisBus*>(this)),
      ready_(connection.on_ready([this](bool ready) { connected_.call(ready); })) {}

Result<void> RedisBus::publish(const Envelope& envelope) {
  const auto json = to_json(envelope);
  if (!json) return json.error();
  if (later_.size() >= kMaxWaiting) {
    ++health_.dropped;
    return {};
  }
  later_.post([this, envelope] {
    const std::weak_ptr<RedisBus*> self = self_;
    deliver(envelope.campaign_id, envelope);
    if (!self.expired()) deliver("", envelope);
  });
  if (!connection_.ready()) {
    ++health_.dropped;
    return {};
  }
  connection_.command({"PUBLISH", events_channel(envelope.campaign_id), origin_ + " " + *json},
                      [self = std::weak_ptr(self_)](const Reply& reply) {
                        if (const auto alive = self.lock())
                          ++(reply.ok() ? (*alive)->health_.published : (*alive)->health_.dropped);
                      });
  return {};
}

Subscription RedisBus::subscribe(Filter filter, std::function<void(const Envelope&)> receive) {
  const std::string name = filter.campaign.value_or("");
  const auto [found, is_new] = audiences_.try_emplace(name);
  if (is_new && name.empty()) {
    const std::string all = events_channel("*");
    found->second.channel = connection_.subscribe_pattern(
        all, [this, name, prefix = all.size() - 1](std::string_view channel, std::string_view message) {
          received(name, channel.substr(prefix), message);
        });
  } else if (is_new) {
    found->second.channel = connection_.subscribe(
        events_channel(name), [this, name](std::string_view message) { received(name, name, message); });
  }
  auto subscription = std::make_shared<Subscription>(found->second.subscribers.add(
      [this, filter = std::move(filter), receive = std::move(receive)](const Envelope& envelope) {
        if (!filter.matches(envelope)) return;
        ++health_.delivered;
        receive(envelope);
      }));
  return Subscription([self = std::weak_ptr(self_), name, subscription] {
    subscription->reset();
    if (const auto alive = self.lock()) (*alive)->leave(name);
  });
}

void RedisBus::leave(const std::string& audience) {
  const auto found = audiences_.find(audience);
  if (found != audiences_.end() && found->second.subscribers.empty()) audiences_.erase(found);
}

void RedisBus::received(const std::string& audience, std::string_view campaign, std::string_view message) {
  if (message.substr(0, kOriginBytes) == origin_) return;  // was delivered when it was published
  const bool marked = message.size() > kOriginBytes && message[kOriginBytes] == ' ';
  const auto envelope = parse_envelope(marked ? message.substr(kOriginBytes + 1) : "");
  if (!envelope || envelope->campaign_id != campaign) {
    ++health_.refused;
    return;
  }
  deliver(audience, *envelope);
}

void RedisBus::deliver(const std::string& audience, const Envelope& envelope) {
  const auto found = audiences_.find(audience);
  if (found != audiences_.end()) found->second.subscribers.call(envelope);
}

BusHealth RedisBus::health() const {
  BusHealth health = health_;
  health.connected = connection_.ready();
  health.trouble = connection_.trouble();
  return health;
}

Subscription RedisBus::on_connected(std::function<void(bool)> changed) {
  return connected_.add(std::move(changed));
}

}  // namespace campaign::events::redis
