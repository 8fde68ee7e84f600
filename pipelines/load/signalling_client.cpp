// See signalling_client.hpp.
#include "pipelines/load/signalling_client.hpp"

namespace campaign::load {
namespace {

constexpr guint64 kMaxMessageBytes = 256 * 1024;

}  // namespace

struct SignallingClient::Connection {
  Handlers handlers;
  ObjectPtr<SoupMessage> request;
  ObjectPtr<GCancellable> cancellable;
  ObjectPtr<SoupWebsocketConnection> socket;
  bool abandoned = false;  // nobody is told anything any more
  bool closed = false;

  ~Connection() {
    if (!socket) return;
    g_signal_handlers_disconnect_by_data(socket.get(), this);
    if (soup_websocket_connection_get_state(socket.get()) != SOUP_WEBSOCKET_STATE_CLOSED)
      g_io_stream_close(soup_websocket_connection_get_io_stream(socket.get()), nullptr, nullptr);
  }

  void opened(SoupSession* session, GAsyncResult* result) {
    GError* raw = nullptr;
    socket.reset(soup_session_websocket_connect_finish(session, result, &raw));
    const ErrorPtr error{raw};
    if (abandoned) return;
    if (!socket) {
      const unsigned status = soup_message_get_status(request.get());
      handlers.closed(status >= 400 ? "the server answered HTTP " + std::to_string(status)
                                    : std::string("no connection: ") + error->message);
      return;
    }
    soup_websocket_connection_set_max_incoming_payload_size(socket.get(), kMaxMessageBytes);
    g_signal_connect(socket.get(), "message",
                     G_CALLBACK(+[](SoupWebsocketConnection*, gint type, GBytes* bytes, gpointer self) {
                       static_cast<Connection*>(self)->received(type, bytes);
                     }),
                     this);
    g_signal_connect(
        socket.get(), "closed", G_CALLBACK(+[](SoupWebsocketConnection* ended, gpointer self) {
          auto* connection = static_cast<Connection*>(self);
          connection->closed = true;
          if (!connection->abandoned)
            connection->handlers.closed("the server closed the connection, code " +
                                        std::to_string(soup_websocket_connection_get_close_code(ended)));
        }),
        this);
    handlers.open();
  }

  void received(gint type, GBytes* bytes) {
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
    const auto message = type == SOUP_WEBSOCKET_DATA_TEXT ? parse_server_message({data ? data : "", size})
                                                          : std::optional<ServerMessage>{};
    if (message && !abandoned) handlers.message(*message);
  }
};

SignallingClient::SignallingClient(SoupSession* session, const std::string& url, bool insecure,
                                   Handlers handlers)
    : connection_(std::make_shared<Connection>()) {
  connection_->handlers = std::move(handlers);
  connection_->request.reset(soup_message_new("GET", url.c_str()));
  connection_->cancellable.reset(g_cancellable_new());
  if (insecure)
    g_signal_connect(
        connection_->request.get(), "accept-certificate",
        G_CALLBACK(+[](SoupMessage*, GTlsCertificate*, GTlsCertificateFlags, gpointer) { return TRUE; }),
        nullptr);
  soup_session_websocket_connect_async(
      session, connection_->request.get(), nullptr, nullptr, G_PRIORITY_DEFAULT,
      connection_->cancellable.get(),
      [](GObject* source, GAsyncResult* result, gpointer data) {
        const std::unique_ptr<std::shared_ptr<Connection>> connection{
            static_cast<std::shared_ptr<Connection>*>(data)};
        (*connection)->opened(SOUP_SESSION(source), result);
      },
      new std::shared_ptr<Connection>(connection_));
}

SignallingClient::~SignallingClient() {
  connection_->abandoned = true;
  g_cancellable_cancel(connection_->cancellable.get());
}

void SignallingClient::send(const std::string& text) {
  SoupWebsocketConnection* socket = connection_->socket.get();
  if (socket && soup_websocket_connection_get_state(socket) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_send_text(socket, text.c_str());
}

void SignallingClient::close() {
  connection_->abandoned = true;
  SoupWebsocketConnection* socket = connection_->socket.get();
  if (socket && soup_websocket_connection_get_state(socket) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close(socket, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, nullptr);
  else
    connection_->closed = true;
}

bool SignallingClient::is_closed() const { return connection_->closed; }

GSocketAddress* SignallingClient::server_address() const {
  return soup_message_get_remote_address(connection_->request.get());
}

}  // namespace campaign::load
