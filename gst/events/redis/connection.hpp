// Redis for one process: commands on one link, subscriptions on another, as Redis wants it, and a heartbeat
// that goes out on the first and comes in on the second. Loop's thread only; callbacks come from the loop,
// never from inside a call, and never after this is gone. A callback may take it down.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "events/redis/link.hpp"
#include "util/subscription.hpp"

namespace campaign::events::redis {

class Connection {
 public:
  // `seed` for the back-off's jitter and the name of the heartbeat's channel: different in every process.
  Connection(Address address, Timing timing, std::uint64_t seed, GMainContext* context = nullptr);
  ~Connection();

  // Commands are answered, and messages of all subscriptions come in.
  bool ready() const { return ready_; }
  std::string trouble() const;  // one sentence while it is not ready
  const Address& address() const { return address_; }
  GMainContext* context() const { return context_; }
  Subscription on_ready(std::function<void(bool ready)> changed) {
    return ready_changed_.add(std::move(changed));
  }

  // Answered, or lost, within Timing's heartbeat and answer together; not sent while Redis is away.
  void command(const std::vector<std::string>& words, ReplyCallback callback);
  // A Lua script (EVAL), which finds `keys` in KEYS and `arguments` in ARGV. Not by digest: after NOSCRIPT it
  // would run behind commands that were sent after it.
  void eval(std::string_view script, const std::vector<std::string>& keys,
            const std::vector<std::string>& arguments, ReplyCallback callback);

  // `message` for each one published on `channel` (SUBSCRIBE), at most once. `active` each time that Redis
  // has confirmed it: at first and whenever the connection is back. What was published before that is not
  // heard.
  Subscription subscribe(const std::string& channel, std::function<void(std::string_view text)> message,
                         std::function<void()> active = {});
  // The same for all channels that match (PSUBSCRIBE).
  Subscription subscribe_pattern(const std::string& pattern,
                                 std::function<void(std::string_view channel, std::string_view text)> message,
                                 std::function<void()> active = {});

 private:
  struct Listener {
    std::function<void(std::string_view channel, std::string_view text)> message;
    std::function<void()> active;
  };
  struct Channel {
    bool confirmed = false;  // by Redis, on the present link
    std::vector<std::shared_ptr<Listener>> listeners;
  };
  enum class Kind { channel, pattern };
  using Channels = std::map<std::string, Channel, std::less<>>;

  Channels& of(Kind kind) { return kind == Kind::channel ? channels_ : patterns_; }
  Subscription listen(Kind kind, const std::string& name, Listener listener);
  void leave(Kind kind, const std::string& name, const std::shared_ptr<Listener>& listener);
  void received(const Reply& reply);
  void confirmed(Kind kind, std::string_view name);
  void messages_up();
  void messages_down();
  void commands_down();
  void beat();
  void check_ready();

  const Address address_;
  const Timing timing_;
  GMainContext* context_;
  const std::string heartbeat_channel_;
  bool answered_ = false, heard_ = false;  // the heartbeat under way
  bool listening_ = false;                 // Redis has confirmed the heartbeat's channel, and so those before
  bool ready_ = false;
  Channels channels_, patterns_;
  Subscribers<bool> ready_changed_;
  Timer heartbeat_, answer_;
  LoopQueue later_;
  Link messages_, commands_;
  std::shared_ptr<Connection*> self_;  // gone with this: what subscriptions that end later find out by
};

}  // namespace campaign::events::redis
