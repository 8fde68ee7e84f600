// See link.hpp. hiredis frees a connection after its failure and its end; `data` in it points here until
// then, or to nothing once this gave it up.
#include "events/redis/link.hpp"

#include <signal.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "events/redis/event_source.hpp"

namespace campaign::events::redis {
namespace {

// hiredis writes to sockets whose other end may be gone; that must not be what ends the process.
void ignore_broken_pipes() {
  struct sigaction now {};
  if (sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) signal(SIGPIPE, SIG_IGN);
}

Link* of(const redisAsyncContext* connection) { return static_cast<Link*>(connection->data); }

}  // namespace

struct Link::Waiting {
  std::weak_ptr<Link*> link;
  ReplyCallback callback;
};

Link::Link(Address address, Timing timing, std::uint64_t seed, GMainContext* context, Hooks hooks)
    : address_(std::move(address)),
      timing_(timing),
      hooks_(std::make_shared<const Hooks>(std::move(hooks))),
      context_(context),
      random_(seed),
      deadline_(context),
      retry_(context),
      later_(context),
      self_(std::make_shared<Link*>(this)) {
  ignore_broken_pipes();
  later_.post([this] { connect(); });
}

Link::~Link() {
  self_.reset();
  if (resolving_) {
    g_cancellable_cancel(resolving_);
    g_object_unref(resolving_);
  }
  if (connection_) {
    connection_->data = nullptr;
    redisAsyncFree(connection_);
  }
}

void Link::connect() {
  deadline_.start(timing_.connect, [this] {
    drop("no answer from Redis at " + address_.shown() + " within " + std::to_string(timing_.connect) +
         " ms");
  });
  if (address_.socket.empty() && !g_hostname_is_ip_address(address_.host.c_str())) return resolve();
  open(address_.socket.empty() ? address_.host : address_.socket);
}

// As hiredis would wait for the name server.
void Link::resolve() {
  using Self = std::weak_ptr<Link*>;
  GResolver* resolver = g_resolver_get_default();
  resolving_ = g_cancellable_new();
  if (context_) g_main_context_push_thread_default(context_);
  g_resolver_lookup_by_name_async(
      resolver, address_.host.c_str(), resolving_,
      [](GObject* source, GAsyncResult* result, gpointer data) {
        const std::unique_ptr<Self> weak(static_cast<Self*>(data));
        GError* error = nullptr;
        GList* found = g_resolver_lookup_by_name_finish(G_RESOLVER(source), result, &error);
        const bool cancelled = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
        const std::string why = error ? error->message : "";
        g_clear_error(&error);
        std::vector<std::string> addresses;
        for (const GList* one = found; one; one = one->next) {
          char* text = g_inet_address_to_string(G_INET_ADDRESS(one->data));
          addresses.emplace_back(text);
          g_free(text);
        }
        g_resolver_free_addresses(found);
        const auto alive = weak->lock();
        if (!alive || cancelled) return;
        Link& link = **alive;
        g_clear_object(&link.resolving_);
        if (addresses.empty())
          link.drop("cannot resolve the Redis host " + link.address_.host + ": " + why);
        else
          link.open(addresses[link.turn_ % addresses.size()]);
      },
      new Self(self_));
  if (context_) g_main_context_pop_thread_default(context_);
  g_object_unref(resolver);
}

void Link::open(const std::string& address) {
  connection_ = address_.socket.empty() ? redisAsyncConnect(address.c_str(), address_.port)
                                        : redisAsyncConnectUnix(address.c_str());
  if (!connection_) return drop("out of memory for a connection to Redis");
  if (connection_->err)
    return drop("cannot connect to Redis at " + address_.shown() + ": " + connection_->errstr);
  connection_->data = this;
  attach(connection_, context_);
  redisAsyncSetConnectCallback(connection_, [](const redisAsyncContext* connection, int status) {
    if (Link* link = of(connection)) link->opened(status == REDIS_OK);
  });
  redisAsyncSetDisconnectCallback(connection_, [](const redisAsyncContext* connection, int) {
    Link* link = of(connection);
    if (!link) return;
    link->connection_ = nullptr;
    link->closed("the connection to Redis at " + link->address_.shown() + " ended: " + connection->errstr);
  });
}

// hiredis frees what did not connect when this returns, and must not be told to from here.
void Link::opened(bool connected) {
  if (connected) return log_in();
  const std::string why = std::exchange(connection_, nullptr)->errstr;
  closed("cannot connect to Redis at " + address_.shown() + ": " + why);
}

void Link::log_in() {
  const auto step = [this](std::vector<std::string_view> words, bool last) {
    ReplyCallback answered = [this, last, what = std::string(words[0])](const Reply& reply) {
      if (reply.is_error()) {
        drop("Redis at " + address_.shown() + " refused " + what + ": " + reply.trouble());
      } else if (last && reply.ok() && reply.text() != "PONG") {
        // A connection to itself, too: trying to reach a port of this machine's own range where nobody
        // listens may end in one.
        drop("what answers at " + address_.shown() + " is not Redis");
      } else if (last && reply.ok()) {
        deadline_.stop();
        attempts_ = 0;
        trouble_.clear();
        up_ = true;
        const auto hooks = hooks_;
        hooks->up();
      }
    };
    send(words, answered);
  };
  const std::string database = std::to_string(address_.database);
  if (!address_.password.empty()) {
    if (address_.user.empty())
      step({"AUTH", address_.password}, false);
    else
      step({"AUTH", address_.user, address_.password}, false);
  }
  if (address_.database != 0) step({"SELECT", database}, false);
  step({"PING"}, true);  // which is refused while Redis is loading its data
}

void Link::command(std::span<const std::string_view> words, ReplyCallback callback) {
  std::string why = trouble_;
  if (up_ && waiting_ >= kMaxWaiting)
    why = "too many commands wait for Redis";
  else if (up_ && send(words, callback))
    return;
  later_.post([callback = std::move(callback), why = std::move(why)] { callback(Reply::not_sent(why)); });
}

// Takes `callback` if it will be called.
bool Link::send(std::span<const std::string_view> words, ReplyCallback& callback) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (std::string_view word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  auto waiting = std::make_unique<Waiting>(Waiting{self_, std::move(callback)});
  if (redisAsyncCommandArgv(connection_, on_reply, waiting.get(), int(words.size()), texts.data(),
                            sizes.data()) != REDIS_OK) {
    callback = std::move(waiting->callback);
    return false;
  }
  waiting.release();  // to on_reply, which hiredis calls exactly once
  ++waiting_;
  return true;
}

void Link::on_reply(redisAsyncContext*, void* reply, void* data) {
  const std::unique_ptr<Waiting> waiting(static_cast<Waiting*>(data));
  const auto link = waiting->link.lock();
  if (!link) return;
  --(*link)->waiting_;
  waiting->callback(reply ? Reply(static_cast<const redisReply*>(reply))
                          : Reply::lost("the connection to Redis ended before it answered"));
}

void Link::subscription(std::string_view command, std::string_view channel) {
  if (!connection_) return;
  const char* texts[] = {command.data(), channel.data()};
  const std::size_t sizes[] = {command.size(), channel.size()};
  redisAsyncCommandArgv(connection_, on_message, nullptr, 2, texts, sizes);
}

void Link::on_message(redisAsyncContext* connection, void* reply, void*) {
  Link* link = of(connection);
  if (!link || !reply) return;
  const auto hooks = link->hooks_;
  hooks->message(Reply(static_cast<const redisReply*>(reply)));
}

void Link::drop(std::string why) {
  if (resolving_) {
    g_cancellable_cancel(resolving_);
    g_clear_object(&resolving_);
  }
  if (redisAsyncContext* connection = std::exchange(connection_, nullptr)) {
    const std::weak_ptr<Link*> alive = self_;
    connection->data = nullptr;
    redisAsyncFree(connection);  // which calls those that wait, and one of them may take this down
    if (alive.expired()) return;
  }
  closed(std::move(why));
}

void Link::closed(std::string why) {
  trouble_ = std::move(why);
  deadline_.stop();
  if (!up_) ++turn_;
  const double longest = std::min(double(timing_.most_back_off), timing_.back_off * std::exp2(attempts_));
  attempts_ = std::min(attempts_ + 1, 16u);
  const double wait = longest * std::uniform_real_distribution(0.5, 1.0)(random_);
  retry_.start(unsigned(wait), [this] { connect(); });
  const auto hooks = hooks_;
  if (std::exchange(up_, false)) hooks->down();
}

}  // namespace campaign::events::redis
