// HTTP and WebSocket: serves the page, /healthz and /ws, and owns every viewer's connection.
// Runs on an EventLoop of the owner's; its methods are called on that loop, unless said otherwise.
#pragma once

#include <libsoup/soup.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "signalling/connection.hpp"
#include "signalling/event_loop.hpp"
#include "signalling/listener.hpp"
#include "signalling/origin.hpp"
#include "signalling/server_message.hpp"
#include "signalling/web_page.hpp"
#include "util/result.hpp"

namespace campaign::signalling {

// The visitor may stay until there is an answer; `otherwise` is what it is told when none comes in time.
struct Wait {
  Refusal otherwise;
};
using Admission = std::variant<Welcome, Refusal, Wait>;

// What the server asks of those who know the campaigns. Called on the loop.
class ServerDelegate {
 public:
  virtual ~ServerDelegate() = default;
  // May this visitor watch? The welcome is sent, then arrived() is called. An empty visitor.campaign
  // leaves the choice to the delegate.
  virtual Admission admit(const Visitor& visitor) = 0;
  virtual void waits(const Visitor& visitor) = 0;  // once, after it was told so
  virtual void arrived(const Visitor& visitor, const Welcome& told) = 0;
  virtual void received(ConnectionId connection, ViewerMessage message) = 0;
  virtual void left(ConnectionId connection) = 0;  // for every arrived(), once
};

struct ServerSettings {
  std::string host = "127.0.0.1";
  unsigned port = 8080;  // 0: any that is free
  unsigned max_viewers = 200;
  std::vector<std::string> allowed_origins;
  // On the loop, before it listens: adds further handlers.
  std::function<void(SoupServer*)> setup = nullptr;
};

class Server {
 public:
  Server(EventLoop& loop, ServerDelegate& delegate, WebPage page);
  ~Server();

  Result<void> listen(const ServerSettings& settings);
  unsigned port() const { return port_; }  // the bound one
  void set_max_viewers(unsigned limit) { max_viewers_ = limit; }

  // Unknown connections are ignored: the viewer may have left meanwhile.
  void send(ConnectionId connection, std::string text);
  void refuse(ConnectionId connection, const Refusal& refusal);
  void bye(ConnectionId connection, const std::string& reason, unsigned short close_code,
           const std::string& url = {});
  // The newest connection under this id, waiting ones included.
  std::optional<ConnectionId> find(std::string_view peer) const;
  // Origins that the page may ask whether they are there.
  void set_other_servers(const std::vector<std::string>& origins) { page_.may_ask(origins); }
  // Asks the delegate again about everybody who waits.
  void readmit();
  SoupServer* soup() const { return soup_; }  // borrowed

  // No new connections; says bye to everybody. `idle` says when the last one is closed.
  void shut_down(const std::string& reason);
  bool idle() const { return connections_.empty(); }

 private:
  static void on_request(SoupServer*, SoupServerMessage*, const char*, GHashTable*, gpointer);
  static void on_early_request(SoupServer*, SoupServerMessage*, const char*, GHashTable*, gpointer);
  static void on_upgraded(SoupServerMessage* message, gpointer self);

  void handle(SoupServerMessage* message, std::string_view path);
  void upgrade(SoupServerMessage* message);
  void accept(SoupWebsocketConnection* socket, const char* query);
  void admit(ConnectionId connection);
  Result<Visitor, Refusal> read_query(const char* query);
  void forget(ConnectionId connection);
  void leave(ConnectionId connection);  // tells the delegate, once
  bool check_liveness();

  struct Peer {
    std::unique_ptr<Connection> connection;
    bool arrived = false;
    std::optional<Wait> waiting = std::nullopt;
    gint64 waiting_since = 0;  // monotonic microseconds
  };

  EventLoop& loop_;
  ServerDelegate& delegate_;
  WebPage page_;
  SoupServer* soup_ = nullptr;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<OriginPolicy> origins_;
  unsigned max_viewers_ = 0;
  std::atomic<unsigned> port_ = 0;
  bool closing_ = false;
  ConnectionId next_connection_ = 1;
  std::map<ConnectionId, Peer> connections_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // closures on the loop may outlive us
};

}  // namespace campaign::signalling
