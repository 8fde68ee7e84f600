// campaign-server: reads what it is asked to be, runs until it is told to end.
#include <glib-unix.h>
#include <gst/gst.h>

#include <cstdio>
#include <exception>

#include "pipelines/server/allocators.hpp"
#include "pipelines/server/campaign_server.hpp"
#include "pipelines/server/log.hpp"

namespace {

using namespace campaign::server;

struct Running {
  GMainLoop* loop;
  CommandLine options;
  std::unique_ptr<CampaignServer> server;
};

gboolean on_hangup(gpointer data) {
  auto* running = static_cast<Running*>(data);
  const auto config = load_config(running->options);
  if (config)
    running->server->reload(*config);
  else
    log(LogLevel::error, "not-reloaded", config.error().for_user());
  return G_SOURCE_CONTINUE;
}

gboolean on_terminate(gpointer data) {
  static_cast<Running*>(data)->server->drain();
  return G_SOURCE_CONTINUE;
}

gboolean on_interrupt(gpointer data) {
  static_cast<Running*>(data)->server->stop();
  return G_SOURCE_CONTINUE;
}

int misused(const campaign::Error& error) {
  std::fprintf(stderr, "campaign-server: %s\n", error.for_user().c_str());
  return 2;
}

int run(int argc, char** argv) {
  const auto parsed = parse_command_line({argv + 1, argv + argc});
  if (!parsed) return misused(parsed.error());
  if (!parsed->options) {
    std::fputs(parsed->help.c_str(), stdout);
    return 0;
  }
  const auto config = load_config(*parsed->options);
  if (!config) return misused(config.error());
  set_log_level(config->log_level);
  gst_init(nullptr, nullptr);

  Running running{g_main_loop_new(nullptr, FALSE), *parsed->options, nullptr};
  auto opened = CampaignServer::open(*config);
  if (!opened) {
    log(LogLevel::error, "not-started", opened.error().for_user(), {{"detail", opened.error().detail()}});
    g_main_loop_unref(running.loop);
    return 1;
  }
  running.server = std::move(*opened);
  running.server->on_end([&] { g_main_loop_quit(running.loop); });
  const guint sources[] = {g_unix_signal_add(SIGHUP, on_hangup, &running),
                           g_unix_signal_add(SIGTERM, on_terminate, &running),
                           g_unix_signal_add(SIGINT, on_interrupt, &running)};
  g_main_loop_run(running.loop);
  running.server.reset();
  for (guint source : sources) g_source_remove(source);
  g_main_loop_unref(running.loop);
  gst_deinit();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    choose_allocators(argv);
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "campaign-server: %s\n", error.what());
    return 1;
  }
}
