// A real WebSocket client for tests, on the test's own thread and the default main context.
#pragma once

#include <libsoup/soup.h>

#include <deque>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace campaign::test {

class WebSocketClient {
 public:
  // `query`: what follows /ws, "?campaign=0" for example. `origin`: the Origin header, if any.
  explicit WebSocketClient(unsigned port, const std::string& query = "", const char* origin = nullptr);
  WebSocketClient(const WebSocketClient&) = delete;
  ~WebSocketClient();  // drops the TCP connection without a word, unless closed before

  void send(const nlohmann::json& message) { send_text(message.dump()); }
  void send_text(const std::string& text);
  void send_binary(const std::string& bytes);
  void close();

  bool is_open() const;
  bool is_closed() const { return closed_; }  // after having been open
  unsigned short close_code() const { return close_code_; }
  std::optional<unsigned> refused_status() const { return refused_status_; }  // HTTP, instead of 101

  // The next message of this type, dropping those before it; null if none came in time.
  nlohmann::json wait_for(const std::string& type, double seconds = 10);
  bool wait_closed(double seconds = 10);

  std::deque<nlohmann::json> received;                    // not yet taken by wait_for
  std::function<bool(const nlohmann::json&)> on_message;  // true: handled, do not keep

 private:
  static void connected(GObject* session, GAsyncResult* result, gpointer self);

  SoupSession* session_;
  SoupMessage* request_;
  GCancellable* cancellable_;
  SoupWebsocketConnection* socket_ = nullptr;
  bool settled_ = false;
  bool closed_ = false;
  unsigned short close_code_ = 0;
  std::optional<unsigned> refused_status_;
};

struct HttpResponse {
  unsigned status = 0;
  std::string body;
  std::string content_type, header_dump;
};
HttpResponse http(unsigned port, const char* method, const std::string& path, const char* accept = nullptr);

}  // namespace campaign::test
