// See connection.hpp.
#include "events/redis/connection.hpp"

#include <algorithm>
#include <utility>

#include "util/hex.hpp"

namespace campaign::events::redis {
Connection::Connection(Address address, Timing timing, std::uint64_t seed, GMainContext* context)
    : address_(std::move(address)),
      timing_(timing),
      context_(context),
      heartbeat_channel_("campaign:heartbeat:" + hex(seed)),
      heartbeat_(context),
      answer_(context),
      later_(context),
      messages_(address_, timing, seed, context,
                {.up = [this] { messages_up(); },
                 .down = [this] { messages_down(); },
                 .message = [this](const Reply& reply) { received(reply); }}),
      commands_(address_, timing, seed + 1, context,
                {.up = [this] { beat(); }, .down = [this] { commands_down(); }, .message = {}}),
      self_(std::make_shared<Connection*>(this)) {}

Connection::~Connection() {
  for (const Kind kind : {Kind::channel, Kind::pattern}) {
    for (auto& [name, channel] : of(kind))
      for (const auto& listener : channel.listeners) *listener = {};  // a call that goes round passes it by
  }
}

std::string Connection::trouble() const {
  if (ready_) return {};
  if (!commands_.up()) return commands_.trouble();
  if (!messages_.up()) return messages_.trouble();
  return "Redis has not answered on both connections yet";
}

void Connection::command(const std::vector<std::string>& words, ReplyCallback callback) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  commands_.command(views, std::move(callback));
}

void Connection::eval(std::string_view script, const std::vector<std::string>& keys,
                      const std::vector<std::string>& arguments, ReplyCallback callback) {
  const std::string count = std::to_string(keys.size());
  std::vector<std::string_view> words{"EVAL", script, count};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  commands_.command(words, std::move(callback));
}

Subscription Connection::subscribe(const std::string& channel,
                                   std::function<void(std::string_view text)> message,
                                   std::function<void()> active) {
  return listen(Kind::channel, channel,
                {[message = std::move(message)](std::string_view, std::string_view text) { message(text); },
                 std::move(active)});
}

Subscription Connection::subscribe_pattern(
    const std::string& pattern, std::function<void(std::string_view channel, std::string_view text)> message,
    std::function<void()> active) {
  return listen(Kind::pattern, pattern, {std::move(message), std::move(active)});
}

Subscription Connection::listen(Kind kind, const std::string& name, Listener given) {
  auto listener = std::make_shared<Listener>(std::move(given));
  const auto [found, is_new] = of(kind).try_emplace(name);
  found->second.listeners.push_back(listener);
  if (is_new && messages_.up())
    messages_.subscription(kind == Kind::channel ? "SUBSCRIBE" : "PSUBSCRIBE", name);
  if (found->second.confirmed) {
    later_.post([weak = std::weak_ptr(listener)] {
      const auto alive = weak.lock();
      if (alive && alive->active) alive->active();
    });
  }
  return Subscription([self = std::weak_ptr(self_), kind, name, listener]() mutable {
    if (const auto alive = self.lock()) (*alive)->leave(kind, name, listener);
    *listener = {};
    listener.reset();
  });
}

void Connection::leave(Kind kind, const std::string& name, const std::shared_ptr<Listener>& listener) {
  const auto found = of(kind).find(name);
  if (found == of(kind).end()) return;
  std::erase(found->second.listeners, listener);
  if (!found->second.listeners.empty()) return;
  of(kind).erase(found);
  if (messages_.up()) messages_.subscription(kind == Kind::channel ? "UNSUBSCRIBE" : "PUNSUBSCRIBE", name);
}

// The heartbeat's own channel comes last: when that is confirmed, all are.
void Connection::messages_up() {
  for (const Kind kind : {Kind::channel, Kind::pattern}) {
    for (const auto& [name, channel] : of(kind))
      messages_.subscription(kind == Kind::channel ? "SUBSCRIBE" : "PSUBSCRIBE", name);
  }
  messages_.subscription("SUBSCRIBE", heartbeat_channel_);
}

// Nothing watches the other link while this one is away.
void Connection::commands_down() {
  heartbeat_.stop();
  answer_.stop();
  const std::weak_ptr<Connection*> self = self_;
  if (messages_.up()) messages_.drop("the connection for commands ended");
  if (!self.expired()) check_ready();  // or whoever was told meanwhile has taken this down
}

void Connection::messages_down() {
  for (const Kind kind : {Kind::channel, Kind::pattern})
    for (auto& [name, channel] : of(kind)) channel.confirmed = false;
  listening_ = false;
  heard_ = true;  // nothing is expected until it is back
  check_ready();
}

void Connection::received(const Reply& reply) {
  const auto what = reply[0].text(), name = reply[1].text();
  if (!what || !name) return;
  if (*what == "subscribe") {
    confirmed(Kind::channel, *name);
  } else if (*what == "psubscribe") {
    confirmed(Kind::pattern, *name);
  } else if (*what == "message" || *what == "pmessage") {
    const bool by_pattern = *what == "pmessage";
    const auto channel = reply[by_pattern ? 2 : 1].text(), text = reply[by_pattern ? 3 : 2].text();
    if (!channel || !text) return;
    if (!by_pattern && *channel == heartbeat_channel_) {
      heard_ = true;
      return;
    }
    Channels& channels = of(by_pattern ? Kind::pattern : Kind::channel);
    const auto found = channels.find(*name);
    if (found == channels.end()) return;
    const auto listeners = found->second.listeners;
    for (const auto& listener : listeners) {
      const auto message = listener->message;  // which lives on while it ends its own subscription
      if (message) message(*channel, *text);
    }
  }
}

void Connection::confirmed(Kind kind, std::string_view name) {
  if (kind == Kind::channel && name == heartbeat_channel_) {
    listening_ = true;
    heard_ = true;  // the one under way may have gone out before
    return check_ready();
  }
  const auto found = of(kind).find(name);
  if (found == of(kind).end()) return;
  found->second.confirmed = true;
  const auto listeners = found->second.listeners;
  for (const auto& listener : listeners) {
    const auto active = listener->active;
    if (active) active();
  }
}

void Connection::beat() {
  answered_ = false;
  heard_ = !listening_;
  const std::string_view words[] = {"PUBLISH", heartbeat_channel_, "beat"};
  commands_.command(words, [this](const Reply& reply) { answered_ = answered_ || reply.answered(); });
  heartbeat_.start(timing_.heartbeat, [this] {
    if (answered_ && heard_) beat();
  });
  answer_.start(timing_.answer, [this] {
    const std::string late = " within " + std::to_string(timing_.answer) + " ms";
    if (!answered_) return commands_.drop("no answer from Redis at " + address_.shown() + late);
    const bool heard = heard_;
    if (!heard || !heartbeat_.running()) beat();
    if (!heard) messages_.drop("no message from Redis at " + address_.shown() + late);
  });
  check_ready();
}

void Connection::check_ready() {
  const bool ready = commands_.up() && listening_;
  if (ready != std::exchange(ready_, ready)) ready_changed_.call(ready);
}

}  // namespace campaign::events::redis
