// The API on campaignsink's HTTP server. Requests arrive on that server's thread, are checked there, wait
// paused while the main loop answers, and are answered for it when it takes too long.
#pragma once

#include <libsoup/soup.h>

#include <functional>
#include <memory>
#include <string>

#include "events/loop_queue.hpp"
#include "pipelines/server/api/call.hpp"
#include "pipelines/server/api/handler.hpp"
#include "signalling/origin.hpp"
#include "util/guarded.hpp"

namespace campaign::server {

struct HttpAnswers {  // called on the main loop
  std::function<void(const ApiCall&, const std::string& path, ApiHandler::Answer)> api;
  std::function<ApiResponse()> healthz, readyz;
};

// Made and destroyed on the main loop's thread; the server ends before.
class HttpApi {
 public:
  HttpApi(signalling::OriginPolicy origins, HttpAnswers answers)
      : origins_(std::move(origins)), answers_(std::move(answers)) {}
  HttpApi(const HttpApi&) = delete;

  void attach(SoupServer* server);    // on the server's thread, before it listens
  void set_token(std::string token);  // any thread; empty: this machine only

 private:
  struct Exchange;
  using Job = std::function<void(ApiHandler::Answer)>;

  static void on_early(SoupServer*, SoupServerMessage*, const char*, GHashTable*, gpointer);
  static void on_request(SoupServer*, SoupServerMessage*, const char* path, GHashTable*, gpointer self);
  void handle(SoupServerMessage* message, const std::string& path);
  std::optional<Denial> keep_out(SoupServerMessage* message) const;
  void ask_main_loop(SoupServerMessage* message, Job job, unsigned deadline_ms, ApiResponse too_late);

  const signalling::OriginPolicy origins_;
  const HttpAnswers answers_;
  Guarded<std::string> token_;
  events::LoopQueue loop_;  // last: its jobs use the members above
};

}  // namespace campaign::server
