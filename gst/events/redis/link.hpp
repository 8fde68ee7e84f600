// One connection to Redis that keeps coming back: resolves, connects, logs in, and after it has gone tries
// again, later each time. Everything has a deadline of our own, as hiredis' never come true on this loop.
// What is sent while it is away fails. Loop's thread only; callbacks come from the loop, never from inside a
// call.
#pragma once

#include <gio/gio.h>
#include <hiredis/async.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "events/loop_queue.hpp"
#include "events/redis/address.hpp"
#include "events/redis/reply.hpp"
#include "events/timer.hpp"

namespace campaign::events::redis {

// In milliseconds.
struct Timing {
  unsigned connect = 2000;        // until a new connection has answered
  unsigned heartbeat = 1000;      // between two looks whether it still answers
  unsigned answer = 2000;         // until the heartbeat's answer, and with it all those before
  unsigned back_off = 100;        // before the second attempt; then twice as long each time, up to
  unsigned most_back_off = 1000;  // each shortened by a random part of up to a half
};

class Link {
 public:
  struct Hooks {
    std::function<void()> up;                   // answers from now on
    std::function<void()> down;                 // after the last answer, or loss, of what was sent
    std::function<void(const Reply&)> message;  // of a subscription: ["message", channel, text] and so on
  };
  static constexpr std::size_t kMaxWaiting = 10'000;  // commands without an answer; more are not sent

  Link(Address address, Timing timing, std::uint64_t seed, GMainContext* context, Hooks hooks);
  Link(const Link&) = delete;
  ~Link();  // what waits for an answer is never called

  bool up() const { return up_; }
  const std::string& trouble() const { return trouble_; }  // why it is not up

  // Answers come in the order of the calls.
  void command(std::span<const std::string_view> words, ReplyCallback callback);
  // SUBSCRIBE, PSUBSCRIBE, UNSUBSCRIBE, PUNSUBSCRIBE; for a link that is used for nothing else.
  void subscription(std::string_view command, std::string_view channel);
  // Gives this connection up and makes a new one.
  void drop(std::string why);

 private:
  struct Waiting;
  void connect();
  void resolve();
  void open(const std::string& address);
  void opened(bool connected);
  void log_in();
  bool send(std::span<const std::string_view> words, ReplyCallback& callback);
  void closed(std::string why);
  static void on_reply(redisAsyncContext* connection, void* reply, void* waiting);
  static void on_message(redisAsyncContext* connection, void* reply, void*);

  const Address address_;
  const Timing timing_;
  const std::shared_ptr<const Hooks> hooks_;  // held while one of them runs, which may take this down
  GMainContext* context_;
  std::mt19937_64 random_;
  redisAsyncContext* connection_ = nullptr;
  GCancellable* resolving_ = nullptr;
  bool up_ = false;
  std::string trouble_ = "not connected to Redis yet";
  unsigned attempts_ = 0;    // since it was last up
  unsigned turn_ = 0;        // which of a name's addresses is tried: another one after each failure
  std::size_t waiting_ = 0;  // commands sent and not answered
  Timer deadline_, retry_;
  LoopQueue later_;
  std::shared_ptr<Link*> self_;  // gone with this: what callbacks that come too late find out by
};

}  // namespace campaign::events::redis
