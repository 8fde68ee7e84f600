// See websocket_client.hpp.
#include "websocket_client.hpp"

#include "wait.hpp"

namespace campaign::test {

WebSocketClient::WebSocketClient(unsigned port, const std::string& query, const char* origin)
    : session_(soup_session_new()), cancellable_(g_cancellable_new()) {
  const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/ws" + query;
  request_ = soup_message_new("GET", url.c_str());
  soup_session_websocket_connect_async(session_, request_, origin, nullptr, G_PRIORITY_DEFAULT, cancellable_,
                                       connected, this);
  wait_until([this] { return settled_; });
}

WebSocketClient::~WebSocketClient() {
  if (!settled_) {
    g_cancellable_cancel(cancellable_);
    wait_until([this] { return settled_; });
  }
  if (socket_) {
    g_signal_handlers_disconnect_by_data(socket_, this);
    g_io_stream_close(soup_websocket_connection_get_io_stream(socket_), nullptr, nullptr);
    g_object_unref(socket_);
  }
  soup_session_abort(session_);
  g_object_unref(request_);
  g_object_unref(session_);
  g_object_unref(cancellable_);
}

void WebSocketClient::connected(GObject* session, GAsyncResult* result, gpointer data) {
  auto* self = static_cast<WebSocketClient*>(data);
  self->settled_ = true;
  GError* error = nullptr;
  self->socket_ = soup_session_websocket_connect_finish(SOUP_SESSION(session), result, &error);
  if (!self->socket_) {
    self->refused_status_ = soup_message_get_status(self->request_);
    g_clear_error(&error);
    return;
  }
  g_signal_connect(self->socket_, "message",
                   G_CALLBACK(+[](SoupWebsocketConnection*, gint, GBytes* bytes, gpointer user) {
                     auto* client = static_cast<WebSocketClient*>(user);
                     gsize size = 0;
                     const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
                     auto message = nlohmann::json::parse(std::string(text, size));
                     if (!client->on_message || !client->on_message(message))
                       client->received.push_back(std::move(message));
                   }),
                   self);
  g_signal_connect(self->socket_, "closed", G_CALLBACK(+[](SoupWebsocketConnection* socket, gpointer user) {
                     auto* client = static_cast<WebSocketClient*>(user);
                     client->closed_ = true;
                     client->close_code_ = soup_websocket_connection_get_close_code(socket);
                   }),
                   self);
}

bool WebSocketClient::is_open() const {
  return socket_ && soup_websocket_connection_get_state(socket_) == SOUP_WEBSOCKET_STATE_OPEN;
}

void WebSocketClient::send_text(const std::string& text) {
  if (is_open()) soup_websocket_connection_send_text(socket_, text.c_str());
}

void WebSocketClient::send_binary(const std::string& bytes) {
  if (is_open()) soup_websocket_connection_send_binary(socket_, bytes.data(), bytes.size());
}

void WebSocketClient::close() {
  if (is_open()) soup_websocket_connection_close(socket_, SOUP_WEBSOCKET_CLOSE_NORMAL, nullptr);
}

nlohmann::json WebSocketClient::wait_for(const std::string& type, double seconds) {
  nlohmann::json found;
  wait_until(
      [&] {
        while (!received.empty()) {
          nlohmann::json next = std::move(received.front());
          received.pop_front();
          if (next["type"] != type) continue;
          found = std::move(next);
          return true;
        }
        return closed_;
      },
      seconds);
  return found;
}

bool WebSocketClient::wait_closed(double seconds) {
  return wait_until([this] { return closed_; }, seconds);
}

HttpResponse http(unsigned port, const char* method, const std::string& path, const char* accept) {
  SoupSession* session = soup_session_new();
  const std::string url = "http://127.0.0.1:" + std::to_string(port) + path;
  SoupMessage* message = soup_message_new(method, url.c_str());
  if (accept) soup_message_headers_replace(soup_message_get_request_headers(message), "Accept", accept);
  HttpResponse response;
  GBytes* body = soup_session_send_and_read(session, message, nullptr, nullptr);
  response.status = soup_message_get_status(message);
  if (body) {
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(body, &size));
    response.body.assign(data ? data : "", size);
    g_bytes_unref(body);
  }
  SoupMessageHeaders* headers = soup_message_get_response_headers(message);
  const char* type = soup_message_headers_get_content_type(headers, nullptr);
  response.content_type = type ? type : "";
  soup_message_headers_foreach(
      headers,
      [](const char* name, const char* value, gpointer dump) {
        static_cast<std::string*>(dump)->append(name).append(": ").append(value).append("\n");
      },
      &response.header_dump);
  g_object_unref(message);
  g_object_unref(session);
  return response;
}

}  // namespace campaign::test
