// The files of the viewer page, compiled in, and the headers they are served with. Any thread.
#pragma once

#include <gio/gio.h>
#include <libsoup/soup.h>

#include <string>
#include <string_view>
#include <vector>

namespace campaign::signalling {

class WebPage {
 public:
  // `resource` holds the page's files below `prefix`; both outlive this.
  WebPage(GResource* resource, std::string prefix) : resource_(resource), prefix_(std::move(prefix)) {}

  // Answers GET or HEAD of `path` ("/" is index.html), with 404 for what the page has not.
  void serve(SoupServerMessage* message, std::string_view path) const;
  // Origins that the page may ask whether they are there, besides its own. From serve()'s thread.
  void may_ask(const std::vector<std::string>& origins);

 private:
  GResource* resource_;
  std::string prefix_;
  std::string policy_;  // empty: the usual one
};

// Answers with JSON, or with a line of HTML where the client prefers that.
void respond_error(SoupServerMessage* message, unsigned status, std::string_view code, std::string_view text);
void respond_json(SoupServerMessage* message, unsigned status, std::string_view json);
// The headers every response carries.
void set_common_headers(SoupServerMessage* message);

}  // namespace campaign::signalling
