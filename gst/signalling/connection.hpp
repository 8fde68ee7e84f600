// One viewer's WebSocket: a bounded queue out, a rate limit in, and a close that explains itself.
// Server thread only.
#pragma once

#include <libsoup/soup.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "signalling/refusal.hpp"
#include "signalling/token_bucket.hpp"
#include "signalling/viewer_message.hpp"

namespace campaign::signalling {

using ConnectionId = std::uint64_t;

// Who asks to watch: the query of GET /ws, checked against the id rules.
struct Visitor {
  ConnectionId connection = 0;
  std::string peer, campaign, context;
};

class Connection {
 public:
  struct Handlers {
    std::function<void(ViewerMessage)> message;
    std::function<void()> closed;  // once; the connection must not be destroyed inside
  };

  Connection(SoupWebsocketConnection* socket, Visitor visitor, GMainContext* context);
  Connection(const Connection&) = delete;
  ~Connection();

  void open(Handlers handlers);
  void send(std::string text);
  void refuse(const Refusal& refusal);  // says why, then closes
  void close(unsigned short code, std::string_view reason);

  const Visitor& visitor() const { return visitor_; }
  bool is_closing() const { return closing_.has_value(); }
  gint64 last_heard() const { return last_heard_; }        // monotonic microseconds
  gint64 closing_since() const { return closing_since_; }  // likewise; 0 while open

 private:
  struct Close {
    unsigned short code;
    std::string reason;
  };

  void received(SoupWebsocketDataType type, GBytes* bytes);
  void refuse_size();
  void flush();
  void watch_writability();
  void forget_outgoing();
  static gboolean on_writable(GObject* stream, gpointer self);

  SoupWebsocketConnection* socket_;  // owned
  Visitor visitor_;
  GMainContext* context_;
  Handlers handlers_;
  std::deque<std::string> outgoing_;
  std::size_t outgoing_bytes_ = 0;
  GSource* writable_ = nullptr;  // owned; set while outgoing_ is not empty
  TokenBucket messages_;
  gint64 last_heard_;
  std::optional<Close> closing_;
  gint64 closing_since_ = 0;
  bool close_sent_ = false;
  std::vector<gulong> signals_;
};

}  // namespace campaign::signalling
