// See connection.hpp. libsoup's own send queue has neither a bound nor a level, so messages wait here and
// are handed over one at a time, when libsoup has written the one before.
#include "signalling/connection.hpp"

#include "signalling/message_limit.hpp"
#include "signalling/server_message.hpp"

namespace campaign::signalling {
namespace {

constexpr std::size_t kMaxOutgoingBytes = 1024 * 1024;
// Beyond kMaxMessageBytes a viewer is told so; beyond this libsoup just hangs up.
constexpr std::size_t kMaxFrameBytes = 4 * kMaxMessageBytes;
constexpr unsigned kKeepaliveSeconds = 10;
// A page sends pointer moves once a frame; 120 Hz screens and bursts of ICE candidates fit well below.
constexpr double kMessagesPerSecond = 200, kMessageBurst = 400;
constexpr double kRefusedMessageCost = 20;    // so that garbage runs out of credit soon
constexpr std::size_t kMaxCloseReason = 120;  // RFC 6455 allows 123 bytes

}  // namespace

Connection::Connection(SoupWebsocketConnection* socket, Visitor visitor, GMainContext* context)
    : socket_(SOUP_WEBSOCKET_CONNECTION(g_object_ref(socket))),
      visitor_(std::move(visitor)),
      context_(context),
      messages_(kMessagesPerSecond, kMessageBurst),
      last_heard_(g_get_monotonic_time()) {
  soup_websocket_connection_set_max_incoming_payload_size(socket_, kMaxFrameBytes);
  soup_websocket_connection_set_keepalive_interval(socket_, kKeepaliveSeconds);
}

Connection::~Connection() {
  message_limit_watch(socket_, nullptr, nullptr);
  for (gulong signal : signals_) g_signal_handler_disconnect(socket_, signal);
  if (writable_) {
    g_source_destroy(writable_);
    g_source_unref(writable_);
  }
  if (soup_websocket_connection_get_state(socket_) != SOUP_WEBSOCKET_STATE_CLOSED)
    g_io_stream_close(soup_websocket_connection_get_io_stream(socket_), nullptr, nullptr);
  g_object_unref(socket_);
}

void Connection::open(Handlers handlers) {
  handlers_ = std::move(handlers);
  message_limit_watch(
      socket_, [](gpointer self) { static_cast<Connection*>(self)->refuse_size(); }, this);
  const auto connect = [this](const char* signal, GCallback callback) {
    signals_.push_back(g_signal_connect(socket_, signal, callback, this));
  };
  connect("message", G_CALLBACK(+[](SoupWebsocketConnection*, gint type, GBytes* bytes, gpointer self) {
            static_cast<Connection*>(self)->received(static_cast<SoupWebsocketDataType>(type), bytes);
          }));
  connect("pong", G_CALLBACK(+[](SoupWebsocketConnection*, GBytes*, gpointer self) {
            static_cast<Connection*>(self)->last_heard_ = g_get_monotonic_time();
          }));
  connect("closed", G_CALLBACK(+[](SoupWebsocketConnection*, gpointer self) {
            auto closed = static_cast<Connection*>(self)->handlers_.closed;  // outlives *self
            if (closed) closed();
          }));
}

void Connection::refuse_size() {
  refuse(
      {RefusalCode::too_large, "a message may have at most " + std::to_string(kMaxMessageBytes) + " bytes"});
}

void Connection::received(SoupWebsocketDataType type, GBytes* bytes) {
  last_heard_ = g_get_monotonic_time();
  if (closing_) return;
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
  Result<ViewerMessage, Refusal> message =
      type == SOUP_WEBSOCKET_DATA_TEXT ? parse_viewer_message({data ? data : "", size})
                                       : Result<ViewerMessage, Refusal>(Refusal{
                                             RefusalCode::bad_message, "messages must be text, not binary"});
  if (!messages_.take(message ? 1 : kRefusedMessageCost, last_heard_)) {
    refuse({RefusalCode::rate_limited,
            "too many messages; at most " + std::to_string(int(kMessagesPerSecond)) + " a second"});
  } else if (!message) {
    send(to_json(message.error()));
  } else if (std::holds_alternative<Ping>(*message)) {
    send(to_json(Pong{}));
  } else {
    handlers_.message(std::move(*message));
  }
}

void Connection::send(std::string text) {
  if (closing_) return;
  outgoing_bytes_ += text.size();
  outgoing_.push_back(std::move(text));
  if (outgoing_bytes_ > kMaxOutgoingBytes) {
    outgoing_.clear();  // it reads nothing, so it will not read why either
    outgoing_bytes_ = 0;
    close(Refusal{RefusalCode::too_slow, {}}.close_code(), "too-slow");
    return;
  }
  watch_writability();
}

void Connection::refuse(const Refusal& refusal) {
  send(to_json(refusal));
  close(refusal.close_code(), refusal.name());
}

void Connection::close(unsigned short code, std::string_view reason) {
  if (closing_) return;
  closing_ = Close{code, std::string(reason.substr(0, kMaxCloseReason))};
  closing_since_ = g_get_monotonic_time();
  watch_writability();
}

// Nothing can be sent any more once the closing has begun, by whichever side, and the socket may be closed
// well before libsoup says so.
void Connection::watch_writability() {
  if (writable_) return;
  if (soup_websocket_connection_get_state(socket_) != SOUP_WEBSOCKET_STATE_OPEN) {
    forget_outgoing();
    return;
  }
  GOutputStream* stream = g_io_stream_get_output_stream(soup_websocket_connection_get_io_stream(socket_));
  writable_ = g_pollable_output_stream_create_source(G_POLLABLE_OUTPUT_STREAM(stream), nullptr);
  // Below libsoup's own source on the same socket: this runs only once libsoup has nothing left to write.
  g_source_set_priority(writable_, G_PRIORITY_DEFAULT + 10);
  g_source_set_callback(writable_, G_SOURCE_FUNC(on_writable), this, nullptr);
  g_source_attach(writable_, context_);
}

gboolean Connection::on_writable(GObject*, gpointer data) {
  auto* self = static_cast<Connection*>(data);
  self->flush();
  if (!self->outgoing_.empty() || (self->closing_ && !self->close_sent_)) return G_SOURCE_CONTINUE;
  g_source_unref(self->writable_);
  self->writable_ = nullptr;
  return G_SOURCE_REMOVE;
}

void Connection::forget_outgoing() {
  outgoing_.clear();
  outgoing_bytes_ = 0;
  close_sent_ = true;
}

void Connection::flush() {
  if (soup_websocket_connection_get_state(socket_) != SOUP_WEBSOCKET_STATE_OPEN) {
    forget_outgoing();
  } else if (!outgoing_.empty()) {
    const std::string text = std::move(outgoing_.front());
    outgoing_.pop_front();
    outgoing_bytes_ -= text.size();
    soup_websocket_connection_send_text(socket_, text.c_str());
  } else if (closing_ && !close_sent_) {
    close_sent_ = true;
    soup_websocket_connection_close(socket_, closing_->code, closing_->reason.c_str());
  }
}

}  // namespace campaign::signalling
