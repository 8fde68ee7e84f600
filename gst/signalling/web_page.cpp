// Serves the compiled-in page. The Content-Security-Policy lets the page load nothing from anywhere else:
// no outside address is ever contacted.
#include "signalling/web_page.hpp"

#include <nlohmann/json.hpp>

#include "util/gst_ptr.hpp"

namespace campaign::signalling {
namespace {

constexpr struct {
  std::string_view suffix;
  const char* type;
} kTypes[] = {{".html", "text/html; charset=utf-8"},
              {".js", "text/javascript; charset=utf-8"},
              {".mjs", "text/javascript; charset=utf-8"},
              {".css", "text/css; charset=utf-8"},
              {".svg", "image/svg+xml"},
              {".json", "application/json"},
              {".png", "image/png"},
              {".ico", "image/x-icon"},
              {".webmanifest", "application/manifest+json"}};

constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'";

const char* content_type(std::string_view path) {
  for (const auto& entry : kTypes)
    if (path.ends_with(entry.suffix)) return entry.type;
  return "application/octet-stream";
}

}  // namespace

void set_common_headers(SoupServerMessage* message) {
  SoupMessageHeaders* headers = soup_server_message_get_response_headers(message);
  soup_message_headers_replace(headers, "Cache-Control", "no-cache");
  soup_message_headers_replace(headers, "Content-Security-Policy", kPolicy);
  soup_message_headers_replace(headers, "X-Content-Type-Options", "nosniff");
  soup_message_headers_replace(headers, "Referrer-Policy", "no-referrer");
  soup_message_headers_replace(headers, "Cross-Origin-Opener-Policy", "same-origin");
  soup_message_headers_replace(headers, "Cross-Origin-Resource-Policy", "same-origin");
  // libsoup closes a connection of somebody else's listener behind its answer (3.2 to 3.6, request_finished()
  // in soup-server.c), and does not say so. One that it keeps alive it keeps for good before 3.3, where it
  // never notices that the client has closed it (libsoup's commit d20c6601).
  soup_message_headers_replace(headers, "Connection", "close");
}

void respond_json(SoupServerMessage* message, unsigned status, std::string_view json) {
  set_common_headers(message);
  soup_server_message_set_response(message, "application/json", SOUP_MEMORY_COPY, json.data(), json.size());
  soup_server_message_set_status(message, status, nullptr);
}

void respond_error(SoupServerMessage* message, unsigned status, std::string_view code,
                   std::string_view text) {
  const char* accept =
      soup_message_headers_get_list(soup_server_message_get_request_headers(message), "Accept");
  if (!accept || !g_strrstr(accept, "text/html")) {
    respond_json(message, status,
                 nlohmann::json{{"error", {{"code", code}, {"message", text}}}}.dump(
                     -1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  const CharPtr escaped{g_markup_escape_text(text.data(), gssize(text.size()))};
  const std::string html = "<!doctype html><meta charset=utf-8><title>" + std::to_string(status) +
                           "</title><p>" + escaped.get() + "</p>\n";
  set_common_headers(message);
  soup_server_message_set_response(message, "text/html; charset=utf-8", SOUP_MEMORY_COPY, html.data(),
                                   html.size());
  soup_server_message_set_status(message, status, nullptr);
}

void WebPage::may_ask(const std::vector<std::string>& origins) {
  policy_ = kPolicy;
  for (const auto& origin : origins) policy_ += " " + origin;
}

void WebPage::serve(SoupServerMessage* message, std::string_view path) const {
  const bool folder = path != "/" && path.ends_with('/');  // GResource would ignore the slash
  const std::string name = prefix_ + (path == "/" ? "/index.html" : std::string(path));
  GBytes* bytes =
      folder ? nullptr
             : g_resource_lookup_data(resource_, name.c_str(), G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr);
  if (!bytes) {
    respond_error(message, SOUP_STATUS_NOT_FOUND, "not-found", "There is nothing here; the page is at /");
    return;
  }
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
  set_common_headers(message);
  if (!policy_.empty())
    soup_message_headers_replace(soup_server_message_get_response_headers(message), "Content-Security-Policy",
                                 policy_.c_str());
  soup_server_message_set_response(message, content_type(name), SOUP_MEMORY_COPY, data, size);
  soup_server_message_set_status(message, SOUP_STATUS_OK, nullptr);
  g_bytes_unref(bytes);
}

}  // namespace campaign::signalling
