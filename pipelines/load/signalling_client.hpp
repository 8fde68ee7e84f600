// One viewer's WebSocket to the server. libsoup does the work. One thread, whose default main context drives
// it; handlers are called from there and must not destroy the client.
#pragma once

#include <libsoup/soup.h>

#include <functional>
#include <memory>
#include <string>

#include "pipelines/load/server_message.hpp"
#include "util/glib_ptr.hpp"
#include "util/result.hpp"

namespace campaign::load {

class SignallingClient {
 public:
  struct Handlers {
    std::function<void()> open;
    std::function<void(const ServerMessage&)> message;
    std::function<void(std::string why)> closed;  // at most once; also when it never opened
  };

  // `url`: of the WebSocket. `insecure`: any TLS certificate will do.
  SignallingClient(SoupSession* session, const std::string& url, bool insecure, Handlers handlers);
  SignallingClient(const SignallingClient&) = delete;
  ~SignallingClient();  // drops the TCP connection without a word, unless it is closed

  void send(const std::string& text);
  void close();  // with a goodbye; no handler is called any more
  bool is_closed() const;
  GSocketAddress* server_address() const;  // borrowed; null before it is known

 private:
  // What the asynchronous connect, and a close that still waits for its answer, may outlive.
  struct Connection;
  std::shared_ptr<Connection> connection_;
};

}  // namespace campaign::load
