// See config.hpp.
#include "pipelines/server/config.hpp"

#include <glib.h>

#include <filesystem>
#include <fstream>

#include "campaign/encoder_profile.hpp"
#include "campaign/nodes/node_record.hpp"
#include "events/redis/address.hpp"
#include "signalling/origin.hpp"
#include "util/glib_ptr.hpp"
#include "util/id.hpp"
#include "util/json_reader.hpp"

namespace campaign::server {
namespace {

using nlohmann::json;

constexpr JsonLimits kFileLimits{1024 * 1024, 24};
constexpr std::size_t kMostConfiguredCampaigns = 1000, kMostListed = 64;
constexpr std::size_t kLongestText = 512, kShortestToken = 16, kLongestToken = 512;

void read_string(JsonReader& in, const char* key, std::string& to) {
  const json* value = in.find(key);
  if (!value) return;
  if (!value->is_string() || value->get_ref<const std::string&>().size() > kLongestText ||
      value->get_ref<const std::string&>().find('\0') != std::string::npos)
    return in.fail(key, "a text of at most " + std::to_string(kLongestText) + " bytes", *value);
  to = value->get<std::string>();
}

void read_bool(JsonReader& in, const char* key, bool& to) {
  const json* value = in.find(key);
  if (!value) return;
  if (!value->is_boolean()) return in.fail(key, "true or false", *value);
  to = value->get<bool>();
}

void read_strings(JsonReader& in, const char* key, std::vector<std::string>& to) {
  const json* value = in.find(key);
  if (!value) return;
  const std::string expected = "an array of at most " + std::to_string(kMostListed) + " texts";
  if (!value->is_array() || value->size() > kMostListed) return in.fail(key, expected, *value);
  for (const json& entry : *value) {
    // The element's properties are lists with commas.
    if (!entry.is_string() || entry.get_ref<const std::string&>().find(',') != std::string::npos)
      return in.fail(key, expected + " without commas", entry);
    to.push_back(entry.get<std::string>());
  }
}

std::optional<std::string> read_file(const std::filesystem::path& path, std::size_t most) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(most + 1, '\0');
  file.read(text.data(), std::streamsize(text.size()));
  text.resize(std::size_t(file.gcount()));
  if (file.bad()) return std::nullopt;
  return text;
}

// A scene that is a file becomes what is in it.
Result<void> resolve_scene(json& spec, const std::string& folder) {
  const auto scene = spec.find("scene");
  if (scene == spec.end() || !scene->is_string()) return {};
  const auto& name = scene->get_ref<const std::string&>();
  if (!name.ends_with(".json") && name.find('/') == std::string::npos) return {};
  const auto path = std::filesystem::path(folder) / name;
  const auto text = read_file(path, 64 * 1024);
  if (!text) return Error("The scene file " + path.string() + " cannot be read.");
  json parsed = json::parse(*text, nullptr, false);
  if (!parsed.is_object()) return Error("The scene file " + path.string() + " must hold a JSON object.");
  *scene = std::move(parsed);
  return {};
}

Result<void> read_token(Config& config, const std::string& file, const std::string& folder) {
  if (file.empty()) return {};
  const auto path = std::filesystem::path(folder) / file;
  auto text = read_file(path, kLongestToken + 1);
  if (!text) return Error("api_token_file " + path.string() + " cannot be read.");
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  if (text->size() < kShortestToken || text->size() > kLongestToken)
    return Error("api_token_file " + path.string() + " must hold " + std::to_string(kShortestToken) + " to " +
                 std::to_string(kLongestToken) + " characters.");
  config.api_token = *text;
  return {};
}

// What does not depend on where a value came from.
Result<void> check(const Config& config) {
  if (config.host.empty() || config.host.find_first_of(" /\t\n") != std::string::npos)
    return Error::invalid("host", "an address or a host name", "'" + config.host + "'");
  if (!config.node_id.empty() && !is_valid_id(config.node_id))
    return Error::invalid("node_id", kIdRule, "'" + config.node_id + "'");
  if (!config.advertise.empty() && !nodes::is_node_url(config.advertise))
    return Error::invalid("advertise", "like http://host:8080, without a path", "'" + config.advertise + "'");
  if (config.ice_max_port < config.ice_min_port)
    return Error::invalid("ice_ports", "a range",
                          std::to_string(config.ice_min_port) + " to " + std::to_string(config.ice_max_port));
  if (auto valid = signalling::check_origins(config.allowed_origins, "allowed_origins"); !valid) return valid;
  if (config.redis.empty()) return {};
  if (const auto address = events::redis::parse_url(config.redis); !address) return address.error();
  return {};
}

std::string machine_id() {
  std::string id = std::string(g_get_host_name()).substr(0, kMaxIdLength);
  for (char& c : id)
    if (!is_valid_id({&c, 1})) c = '-';
  return id.empty() ? "node" : id;
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& folder) {
  Config config;
  std::string token_file;
  std::vector<json> campaigns;
  auto parsed = read_json<Config>(text, "the configuration", kFileLimits, [&](JsonReader& in, Config& to) {
    in.allow({"host",          "port",           "node_id",     "advertise",       "redis",
              "state",         "codec",          "encoder",     "stun_server",     "turn_servers",
              "ice_ports",     "fec_percentage", "max_viewers", "allowed_origins", "api_token_file",
              "max_campaigns", "drain_seconds",  "log_level",   "on_arrival",      "campaigns"});
    read_string(in, "host", to.host);
    in.integer("port", to.port, 0u, 65535u);
    read_string(in, "node_id", to.node_id);
    read_string(in, "advertise", to.advertise);
    read_string(in, "redis", to.redis);
    read_string(in, "state", to.state);
    in.choice<std::string>("codec", to.codec,
                           {{"h264", "h264"}, {"vp8", "vp8"}, {"vp9", "vp9"}, {"av1", "av1"}});
    read_string(in, "encoder", to.encoder);
    read_string(in, "stun_server", to.stun_server);
    read_strings(in, "turn_servers", to.turn_servers);
    read_strings(in, "allowed_origins", to.allowed_origins);
    in.object("ice_ports", [&](JsonReader& ports) {
      ports.allow({"min", "max"});
      ports.integer("min", to.ice_min_port, 0u, 65535u);
      ports.integer("max", to.ice_max_port, 0u, 65535u);
    });
    in.integer("fec_percentage", to.fec_percentage, 0u, 100u);
    in.integer("max_viewers", to.max_viewers, 1u, 100'000u);
    read_string(in, "api_token_file", token_file);
    in.integer("max_campaigns", to.max_campaigns, 1u, 1000u);
    in.integer("drain_seconds", to.drain_seconds, 0u, 3600u);
    in.choice<LogLevel>("log_level", to.log_level,
                        {{"debug", LogLevel::debug},
                         {"info", LogLevel::info},
                         {"warning", LogLevel::warning},
                         {"error", LogLevel::error}});
    in.object("on_arrival", [&](JsonReader& arrival) {
      arrival.allow({"create", "idle_seconds", "campaign"});
      read_bool(arrival, "create", to.create_on_arrival);
      arrival.integer("idle_seconds", to.idle_seconds, 0u, 24u * 3600);
      if (const json* spec = arrival.find("campaign")) to.arrival = *spec;
    });
    if (const json* list = in.find("campaigns")) {
      if (!list->is_array() || list->size() > kMostConfiguredCampaigns)
        return in.fail("campaigns", "an array of at most " + std::to_string(kMostConfiguredCampaigns), *list);
      campaigns.assign(list->begin(), list->end());
    }
  });
  if (!parsed) return parsed;
  config = std::move(*parsed);
  if (auto read = read_token(config, token_file, folder); !read) return read.error();
  if (auto resolved = resolve_scene(config.arrival, folder); !resolved) return resolved.error();
  if (auto spec = parse_spec(config.arrival, "on_arrival.campaign"); !spec)
    return Error("on_arrival.campaign: " + spec.error().for_user());
  for (std::size_t i = 0; i < campaigns.size(); ++i) {
    const std::string where = "campaigns[" + std::to_string(i) + "]";
    json& entry = campaigns[i];
    const auto id = entry.is_object() ? entry.find("id") : entry.end();
    if (!entry.is_object() || id == entry.end() || !id->is_string() ||
        !is_valid_id(id->get_ref<const std::string&>()))
      return Error::invalid(where, "an object with an id of " + std::string(kIdRule), entry.type_name());
    const std::string name = id->get<std::string>();
    entry.erase("id");
    if (auto resolved = resolve_scene(entry, folder); !resolved) return resolved.error();
    if (auto spec = parse_spec(entry, where); !spec) return Error(where + ": " + spec.error().for_user());
    if (!config.campaigns.emplace(name, entry).second)
      return Error::invalid(where + ".id", "unique", "'" + name + "' again");
  }
  if (auto checked = check(config); !checked) return checked.error();
  return config;
}

Result<ParsedCommandLine> parse_command_line(const std::vector<std::string>& arguments) {
  char *config = nullptr, *host = nullptr, *node_id = nullptr, *advertise = nullptr, *redis = nullptr,
       *state = nullptr, *level = nullptr;
  int port = -1;
  gboolean help = FALSE, version = FALSE;
  const GOptionEntry entries[] = {
      {"config", 0, 0, G_OPTION_ARG_FILENAME, &config, "a JSON file; read again on SIGHUP", "FILE"},
      {"host", 0, 0, G_OPTION_ARG_STRING, &host, "address to listen on (127.0.0.1)", "ADDRESS"},
      {"port", 0, 0, G_OPTION_ARG_INT, &port, "of page, signalling and API; 0 for any that is free (8080)",
       "N"},
      {"node-id", 0, 0, G_OPTION_ARG_STRING, &node_id, "this node's name (the machine's)", "ID"},
      {"advertise", 0, 0, G_OPTION_ARG_STRING, &advertise,
       "where viewers and other nodes reach this one (http://host:port)", "URL"},
      {"redis", 0, 0, G_OPTION_ARG_STRING, &redis, "what several nodes share (a single node)", "URL"},
      {"state", 0, 0, G_OPTION_ARG_FILENAME, &state,
       "folder of the campaigns' state without Redis; none keeps nothing (the user's state folder)",
       "FOLDER"},
      {"log-level", 0, 0, G_OPTION_ARG_STRING, &level, "debug, info, warning or error (info)", "LEVEL"},
      {"version", 0, 0, G_OPTION_ARG_NONE, &version, "prints the version", nullptr},
      {"help", 0, 0, G_OPTION_ARG_NONE, &help, "this text", nullptr},
      {}};
  const OptionsPtr context{g_option_context_new(nullptr)};
  g_option_context_set_help_enabled(context.get(), FALSE);
  g_option_context_set_summary(
      context.get(),
      "Hosts campaigns, worlds of particles that people watch together, and serves the page to watch them "
      "on.\n"
      "SIGHUP reads the configuration again; SIGTERM lets viewers go and ends; SIGINT ends.");
  g_option_context_add_main_entries(context.get(), entries, nullptr);

  GStrvBuilder* builder = g_strv_builder_new();
  g_strv_builder_add(builder, "campaign-server");
  for (const std::string& argument : arguments) g_strv_builder_add(builder, argument.c_str());
  char** list = g_strv_builder_end(builder);
  g_strv_builder_unref(builder);
  GError* raw = nullptr;
  const bool parsed = g_option_context_parse_strv(context.get(), &list, &raw);
  const std::string rest = parsed && list[0] && list[1] ? list[1] : "";
  g_strfreev(list);
  const ErrorPtr error{raw};
  const CharPtr owned[] = {CharPtr{config}, CharPtr{host},  CharPtr{node_id}, CharPtr{advertise},
                           CharPtr{redis},  CharPtr{state}, CharPtr{level}};
  if (!parsed) return Error(error->message);
  if (!rest.empty()) return Error("'" + rest.substr(0, 100) + "' is not an option; --help lists them.");
  if (version) return ParsedCommandLine{std::nullopt, "campaign-server " CAMPAIGN_VERSION "\n"};
  if (help) {
    g_set_prgname("campaign-server");
    return ParsedCommandLine{std::nullopt,
                             CharPtr(g_option_context_get_help(context.get(), FALSE, nullptr)).get()};
  }
  CommandLine options;
  if (config) options.config_file = config;
  const auto take = [](const char* from, std::optional<std::string>& to) {
    if (from) to = from;
  };
  take(host, options.host);
  take(node_id, options.node_id);
  take(advertise, options.advertise);
  take(redis, options.redis);
  take(state, options.state);
  take(level, options.log_level);
  if (port != -1) {
    if (port < 0 || port > 65535)
      return Error::invalid("--port", "a whole number from 0 to 65535", std::to_string(port));
    options.port = unsigned(port);
  }
  if (level && !log_level(level))
    return Error::invalid("--log-level", "debug, info, warning or error", "'" + *options.log_level + "'");
  return ParsedCommandLine{options, {}};
}

Result<Config> load_config(const CommandLine& options) {
  Config config;
  if (!options.config_file.empty()) {
    const std::filesystem::path path = options.config_file;
    const auto text = read_file(path, kFileLimits.bytes);
    if (!text) return Error("The configuration " + path.string() + " cannot be read.");
    auto parsed = parse_config(*text, path.parent_path().string());
    if (!parsed) return Error(path.string() + ": " + parsed.error().for_user());
    config = std::move(*parsed);
  }
  if (options.host) config.host = *options.host;
  if (options.port) config.port = *options.port;
  if (options.node_id) config.node_id = *options.node_id;
  if (options.advertise) config.advertise = *options.advertise;
  if (options.redis) config.redis = *options.redis;
  if (options.state) config.state = *options.state;
  if (options.log_level) config.log_level = *log_level(*options.log_level);
  if (auto checked = check(config); !checked) return checked.error();
  if (config.node_id.empty()) config.node_id = machine_id();
  if (config.state.empty() && config.redis.empty())
    config.state = (std::filesystem::path(g_get_user_state_dir()) / "gst-campaign" / config.node_id).string();
  return config;
}

std::vector<std::string> Config::fixed_differences(const Config& before, const Config& after) {
  std::vector<std::string> names;
  const auto compare = [&](const char* name, const auto& a, const auto& b) {
    if (a != b) names.emplace_back(name);
  };
  compare("host", before.host, after.host);
  compare("port", before.port, after.port);
  compare("node_id", before.node_id, after.node_id);
  compare("advertise", before.advertise, after.advertise);
  compare("redis", before.redis, after.redis);
  compare("state", before.state, after.state);
  compare("codec", before.codec, after.codec);
  compare("encoder", before.encoder, after.encoder);
  compare("stun_server", before.stun_server, after.stun_server);
  compare("turn_servers", before.turn_servers, after.turn_servers);
  compare("fec_percentage", before.fec_percentage, after.fec_percentage);
  compare("allowed_origins", before.allowed_origins, after.allowed_origins);
  compare("ice_ports", before.ice_min_port, after.ice_min_port);
  if (before.ice_min_port == after.ice_min_port)
    compare("ice_ports", before.ice_max_port, after.ice_max_port);
  return names;
}

}  // namespace campaign::server
