// See options.hpp.
#include "pipelines/load/options.hpp"

#include <cmath>

#include "util/glib_ptr.hpp"

namespace campaign::load {
namespace {

constexpr int kMaxViewers = 10'000;
constexpr double kMaxRate = 10'000, kMaxSeconds = 7 * 24 * 3600;
constexpr int kMaxThreads = 64;

constexpr const char* kSummary =
    "Lets many viewers watch a server of gst-campaign over real WebRTC, without a screen, and reports what\n"
    "they got: how long joining took, frame rate, freezes, losses. ADDRESS is that of the page or of the "
    "WebSocket:\n"
    "\n"
    "  campaign-load --viewers=20 'http://127.0.0.1:8080/?campaign=0'\n"
    "\n"
    "A frame counts when it is complete and a decoder could show it. A pause of more than 250 ms between two "
    "frames\n"
    "is a freeze. Ctrl-C ends the run early, with the report. The exit status is 0 when every viewer got "
    "frames,\n"
    "1 when one did not, 2 when the options are wrong.";

Time time_of(double value) { return std::chrono::duration_cast<Time>(std::chrono::duration<double>(value)); }

std::string text_of(double value) {
  char text[32];
  g_snprintf(text, sizeof text, "%g", value);
  return text;
}

Result<void> check(const char* option, double value, double least, double most) {
  if (std::isfinite(value) && value >= least && value <= most) return {};
  return Error::invalid(option, "from " + text_of(least) + " to " + text_of(most), text_of(value));
}

}  // namespace

Result<std::string> websocket_url(const std::string& address) {
  const UriPtr uri{
      g_uri_parse(address.c_str(), GUriFlags(G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE), nullptr)};
  const std::string scheme = uri ? g_uri_get_scheme(uri.get()) : "";
  const bool secure = scheme == "https" || scheme == "wss";
  const char* host = uri ? g_uri_get_host(uri.get()) : nullptr;
  if ((!secure && scheme != "http" && scheme != "ws") || !host || !*host)
    return Error::invalid("ADDRESS", "like http://127.0.0.1:8080/?campaign=0",
                          "'" + address.substr(0, 200) + "'");

  std::string path = g_uri_get_path(uri.get());
  if (path.empty()) path = "/";
  if (path != "/ws" && !path.ends_with("/ws")) path = path.substr(0, path.rfind('/') + 1) + "ws";
  std::string query = g_uri_get_query(uri.get()) ? g_uri_get_query(uri.get()) : "";
  if (("&" + query).find("&context=") == std::string::npos)
    query += (query.empty() ? "" : "&") + std::string("context=campaign-load");
  // With the viewers' ids all the same, each would put out the one before.
  if (("&" + query).find("&peer=") != std::string::npos)
    return Error("ADDRESS must name no peer: every viewer gets an id of its own from the server.");
  const CharPtr url{g_uri_join(G_URI_FLAGS_ENCODED, secure ? "wss" : "ws", g_uri_get_userinfo(uri.get()),
                               host, g_uri_get_port(uri.get()), path.c_str(), query.c_str(), nullptr)};
  return std::string(url.get());
}

Result<std::string> moved_url(const std::string& to, const std::string& from) {
  const auto query = from.find('?');
  const bool names_more = to.find('?') != std::string::npos || to.find('#') != std::string::npos;
  return websocket_url(names_more || query == std::string::npos ? to : to + from.substr(query));
}

Result<ParsedOptions> parse_options(const std::vector<std::string>& arguments) {
  int viewers = 1, decoding = 0, threads = 1;
  gint64 seed = 1;
  double join_rate = 10, duration = 10, switch_every = 0, leave_every = 0, wait = 0;
  gboolean insecure = FALSE, follow = FALSE, help = FALSE;
  char *json_raw = nullptr, **rest_raw = nullptr;
  const GOptionEntry entries[] = {
      {"viewers", 0, 0, G_OPTION_ARG_INT, &viewers, "how many watch (1)", "N"},
      {"join-rate", 0, 0, G_OPTION_ARG_DOUBLE, &join_rate, "how many join in a second (10)", "N"},
      {"duration", 0, 0, G_OPTION_ARG_DOUBLE, &duration,
       "for how long, from when everybody sees something (10)", "SECONDS"},
      {"switch-every", 0, 0, G_OPTION_ARG_DOUBLE, &switch_every,
       "each changes quality and campaign at random, on average this often (0: never)", "SECONDS"},
      {"leave-every", 0, 0, G_OPTION_ARG_DOUBLE, &leave_every,
       "each leaves and comes back at random, on average this often (0: never)", "SECONDS"},
      {"wait", 0, 0, G_OPTION_ARG_DOUBLE, &wait, "for a server that is still starting, at most so long (0)",
       "SECONDS"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "of all that is random (1)", "N"},
      {"decode", 0, 0, G_OPTION_ARG_INT, &decoding, "how many decode what they get, and count errors (0)",
       "N"},
      {"threads", 0, 0, G_OPTION_ARG_INT, &threads, "over how many threads the viewers are spread (1)", "N"},
      {"json", 0, 0, G_OPTION_ARG_FILENAME, &json_raw, "writes the report there too; - is standard output",
       "FILE"},
      {"follow", 0, 0, G_OPTION_ARG_NONE, &follow,
       "goes on as the page does: where the server sends it, and elsewhere when the server is gone", nullptr},
      {"insecure", 0, 0, G_OPTION_ARG_NONE, &insecure, "takes any TLS certificate", nullptr},
      {"help", 0, 0, G_OPTION_ARG_NONE, &help, "this text", nullptr},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest_raw, nullptr, "ADDRESS"},
      {}};
  const OptionsPtr context{g_option_context_new(nullptr)};
  g_option_context_set_help_enabled(context.get(), FALSE);
  g_option_context_set_summary(context.get(), kSummary);
  g_option_context_add_main_entries(context.get(), entries, nullptr);

  GStrvBuilder* builder = g_strv_builder_new();
  g_strv_builder_add(builder, "campaign-load");
  for (const std::string& argument : arguments) g_strv_builder_add(builder, argument.c_str());
  char** list = g_strv_builder_end(builder);
  g_strv_builder_unref(builder);
  GError* raw = nullptr;
  const bool parsed = g_option_context_parse_strv(context.get(), &list, &raw);
  g_strfreev(list);
  const ErrorPtr error{raw};
  const CharPtr json{json_raw};
  const std::unique_ptr<char*, void (*)(char**)> rest{rest_raw, g_strfreev};
  if (!parsed) return Error(error->message);
  if (help) {
    g_set_prgname("campaign-load");
    return ParsedOptions{std::nullopt,
                         CharPtr(g_option_context_get_help(context.get(), FALSE, nullptr)).get()};
  }

  const Result<void> ranges[] = {check("--viewers", viewers, 1, kMaxViewers),
                                 check("--join-rate", join_rate, 0.001, kMaxRate),
                                 check("--duration", duration, 0.1, kMaxSeconds),
                                 check("--switch-every", switch_every, 0, kMaxSeconds),
                                 check("--leave-every", leave_every, 0, kMaxSeconds),
                                 check("--wait", wait, 0, kMaxSeconds),
                                 check("--seed", double(seed), 0, 1e18),
                                 check("--decode", decoding, 0, kMaxViewers),
                                 check("--threads", threads, 1, kMaxThreads)};
  for (const auto& range : ranges)
    if (!range) return range.error();
  if (!rest || !rest.get()[0] || rest.get()[1])
    return Error("There must be one address, like http://127.0.0.1:8080/?campaign=0; --help tells more.");

  Options options;
  options.address = rest.get()[0];
  auto url = websocket_url(options.address);
  if (!url) return url.error();
  options.url = *url;
  options.viewers = unsigned(viewers);
  options.join_rate = join_rate;
  options.duration = time_of(duration);
  if (switch_every > 0) options.switch_every = time_of(switch_every);
  if (leave_every > 0) options.leave_every = time_of(leave_every);
  options.wait = time_of(wait);
  options.seed = static_cast<std::uint64_t>(seed);
  options.decoding = unsigned(decoding);
  options.threads = unsigned(threads);
  options.json = json ? json.get() : "";
  options.insecure = insecure;
  options.follow = follow;
  return ParsedOptions{std::move(options), {}};
}

}  // namespace campaign::load
