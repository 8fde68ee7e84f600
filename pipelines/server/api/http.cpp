// See http.hpp.
#include "pipelines/server/api/http.hpp"

#include "signalling/web_page.hpp"
#include "util/gst_ptr.hpp"

namespace campaign::server {
namespace {

constexpr unsigned kDeadlineMs = 10'000, kHealthDeadlineMs = 2'000;
constexpr const char* kTooLarge = "campaign-body-too-large";

std::string header(SoupServerMessage* message, const char* name) {
  const char* value = soup_message_headers_get_one(soup_server_message_get_request_headers(message), name);
  return value ? value : "";
}

void respond(SoupServerMessage* message, const ApiResponse& response) {
  SoupMessageHeaders* headers = soup_server_message_get_response_headers(message);
  if (response.body.empty()) {
    signalling::set_common_headers(message);
    soup_server_message_set_status(message, response.status, nullptr);
  } else {
    signalling::respond_json(message, response.status, response.body);
  }
  const auto set = [headers](const char* name, const std::string& value) {
    if (!value.empty()) soup_message_headers_replace(headers, name, value.c_str());
  };
  // Pages of other servers ask whether this one is there.
  if (std::string_view(g_uri_get_path(soup_server_message_get_uri(message))) == "/healthz")
    set("Cross-Origin-Resource-Policy", "cross-origin");
  set("Location", response.location);
  set("ETag", response.etag);
  set("Allow", response.allow);
  if (response.status == SOUP_STATUS_UNAUTHORIZED) set("WWW-Authenticate", "Bearer");
}

// As long whatever the outcome, so that the time tells nothing.
bool same_secret(const std::string& a, const std::string& b) {
  unsigned char difference = a.size() != b.size();
  for (std::size_t i = 0; i < b.size(); ++i)
    difference |= static_cast<unsigned char>((i < a.size() ? a[i] : 0) ^ b[i]);
  return difference == 0;
}

bool is_from_here(SoupServerMessage* message) {
  GSocketAddress* address = soup_server_message_get_remote_address(message);
  return G_IS_INET_SOCKET_ADDRESS(address) &&
         g_inet_address_get_is_loopback(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)));
}

}  // namespace

// A message that waits for the main loop. Server's thread, but for being carried there and back.
struct HttpApi::Exchange {
  Exchange(SoupServerMessage* waiting, GMainContext* context)
      : message(share(waiting)), server_context(g_main_context_ref(context)) {}
  ~Exchange() { g_main_context_unref(server_context); }

  void answer(const ApiResponse& response) {
    if (done) return;
    done = true;
    if (deadline) {
      g_source_destroy(deadline);
      g_source_unref(std::exchange(deadline, nullptr));
    }
    if (gone) {
      g_signal_handler_disconnect(message.get(), std::exchange(gone, 0));
      respond(message.get(), response);
      soup_server_message_unpause(message.get());
    }
    message = {};  // here, where it belongs
  }

  Ref<SoupServerMessage> message;
  GMainContext* server_context;
  GSource* deadline = nullptr;  // owned
  gulong gone = 0;              // signal handler; 0: the client has gone
  bool done = false;
};

void HttpApi::set_token(std::string token) {
  token_.with([&](std::string& current) { current = std::move(token); });
}

void HttpApi::attach(SoupServer* server) {
  for (const char* path : {"/api", "/healthz", "/readyz"}) {
    soup_server_add_early_handler(server, path, on_early, nullptr, nullptr);
    soup_server_add_handler(server, path, on_request, this, nullptr);
  }
}

// Before the body: one that is announced as too large is not waited for, one that grows is not kept.
void HttpApi::on_early(SoupServer*, SoupServerMessage* message, const char*, GHashTable*, gpointer) {
  SoupMessageBody* body = soup_server_message_get_request_body(message);
  const auto refuse = [](SoupServerMessage* refused) {
    soup_message_body_set_accumulate(soup_server_message_get_request_body(refused), FALSE);
    g_object_set_data(G_OBJECT(refused), kTooLarge, GINT_TO_POINTER(1));
  };
  const goffset announced =
      soup_message_headers_get_content_length(soup_server_message_get_request_headers(message));
  if (announced > goffset(kMaxApiBody)) refuse(message);
  soup_message_body_set_accumulate(body, announced <= goffset(kMaxApiBody));
  g_signal_connect(message, "got-chunk", G_CALLBACK(+[](SoupServerMessage* grown, GBytes* chunk, gpointer) {
                     auto* so_far =
                         static_cast<gsize*>(g_object_get_data(G_OBJECT(grown), "campaign-body-size"));
                     if (!so_far) {
                       so_far = g_new0(gsize, 1);
                       g_object_set_data_full(G_OBJECT(grown), "campaign-body-size", so_far, g_free);
                     }
                     *so_far += g_bytes_get_size(chunk);
                     if (*so_far <= kMaxApiBody) return;
                     soup_message_body_set_accumulate(soup_server_message_get_request_body(grown), FALSE);
                     soup_message_body_truncate(soup_server_message_get_request_body(grown));
                     g_object_set_data(G_OBJECT(grown), kTooLarge, GINT_TO_POINTER(1));
                   }),
                   nullptr);
}

void HttpApi::on_request(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                         gpointer self) {
  static_cast<HttpApi*>(self)->handle(message, path);
}

void HttpApi::handle(SoupServerMessage* message, const std::string& path) {
  const std::string method = soup_server_message_get_method(message);
  const bool reads = method == "GET" || method == "HEAD";
  if (reads && path == "/healthz")
    return ask_main_loop(message, [this](const ApiHandler::Answer& answer) { answer(answers_.healthz()); },
                         kHealthDeadlineMs, {503, R"({"status":"stuck"})"});
  if (reads && path == "/readyz")
    return ask_main_loop(message, [this](const ApiHandler::Answer& answer) { answer(answers_.readyz()); },
                         kHealthDeadlineMs, {503, R"({"ready":false})"});
  if (const auto denied = keep_out(message)) return respond(message, to_response(*denied, path));
  if (g_object_get_data(G_OBJECT(message), kTooLarge))
    return respond(message, to_response(body_too_large(), path));
  ApiRequest request;
  request.method = method;
  request.path = path;
  const char* type =
      soup_message_headers_get_content_type(soup_server_message_get_request_headers(message), nullptr);
  request.content_type = type ? type : "";
  request.if_match = header(message, "If-Match");
  GBytes* body = soup_message_body_flatten(soup_server_message_get_request_body(message));
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(body, &size));
  request.body = {data ? data : "", size};
  auto call = parse_call(request);
  g_bytes_unref(body);
  if (!call) return respond(message, to_response(call.error(), path));
  ask_main_loop(
      message,
      [this, call = std::move(*call), path](const ApiHandler::Answer& answer) {
        answers_.api(call, path, answer);
      },
      kDeadlineMs,
      to_response({504, "timeout",
                   "no answer came within " + std::to_string(kDeadlineMs / 1000) +
                       " seconds; it may still be carried out"},
                  path));
}

std::optional<Denial> HttpApi::keep_out(SoupServerMessage* message) const {
  if (!origins_.allows(header(message, "Origin"), header(message, "Host")))
    return Denial{403, "origin-refused", "pages of this origin may not use the API"};
  const std::string token = token_.snapshot();
  if (token.empty()) {
    if (is_from_here(message)) return std::nullopt;
    return Denial{403, "local-only", "without api_token_file the API answers this machine only"};
  }
  constexpr std::string_view kScheme = "Bearer ";
  const std::string given = header(message, "Authorization");
  if (given.starts_with(kScheme) && same_secret(given.substr(kScheme.size()), token)) return std::nullopt;
  return Denial{401, "unauthorized", "the API needs the header Authorization: Bearer with the token"};
}

void HttpApi::ask_main_loop(SoupServerMessage* message, Job job, unsigned deadline_ms, ApiResponse too_late) {
  GMainContext* context = g_main_context_get_thread_default();
  auto exchange = std::make_shared<Exchange>(message, context);
  exchange->gone = g_signal_connect_data(
      message, "finished", G_CALLBACK(+[](SoupServerMessage* ended, gpointer data) {
        auto& of_it = **static_cast<std::shared_ptr<Exchange>*>(data);
        g_signal_handler_disconnect(ended, std::exchange(of_it.gone, 0));
      }),
      new std::shared_ptr<Exchange>(exchange),
      [](gpointer data, GClosure*) { delete static_cast<std::shared_ptr<Exchange>*>(data); },
      GConnectFlags(0));
  exchange->deadline = g_timeout_source_new(deadline_ms);
  using Late = std::pair<std::shared_ptr<Exchange>, ApiResponse>;
  g_source_set_callback(
      exchange->deadline,
      [](gpointer data) -> gboolean {
        const Late late = *static_cast<Late*>(data);  // answering destroys the source, and this with it
        late.first->answer(late.second);
        return G_SOURCE_REMOVE;
      },
      new Late(exchange, std::move(too_late)), [](gpointer data) { delete static_cast<Late*>(data); });
  g_source_attach(exchange->deadline, context);
  soup_server_message_pause(message);
  loop_.post([job = std::move(job), exchange] {
    job([exchange](ApiResponse response) {
      using Answered = std::pair<std::shared_ptr<Exchange>, ApiResponse>;
      GSource* source = g_idle_source_new();
      g_source_set_priority(source, G_PRIORITY_DEFAULT);
      g_source_set_callback(
          source,
          [](gpointer data) -> gboolean {
            auto* answered = static_cast<Answered*>(data);
            answered->first->answer(answered->second);
            return G_SOURCE_REMOVE;
          },
          new Answered(exchange, std::move(response)),
          [](gpointer data) { delete static_cast<Answered*>(data); });
      g_source_attach(source, exchange->server_context);
      g_source_unref(source);
    });
  });
}

}  // namespace campaign::server
