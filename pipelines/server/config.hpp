// What campaign-server is asked to be: its configuration file and its command line, checked. Plain C++ and
// GLib's option parser, any thread.
//
// The file is one JSON object; the flags that say the same win over it:
//   {"host": "127.0.0.1", "port": 8080, "node_id": "…", "advertise": "http://…", "redis": "redis://…",
//    "state": "folder" or "none", "codec": "h264", "encoder": "", "stun_server": "", "turn_servers": [],
//    "ice_ports": {"min": 0, "max": 0}, "fec_percentage": 0, "max_viewers": 200, "allowed_origins": [],
//    "api_token_file": "", "max_campaigns": 64, "drain_seconds": 10, "log_level": "info", "on_arrival":
//    {"create": false, "idle_seconds": 60, "campaign": {…}}, "campaigns": [{"id": "0", …}]}
// A campaign is written as in campaign_spec.hpp, with its id; its scene may also be the path of a file,
// from the configuration's folder.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipelines/server/campaign_spec.hpp"
#include "pipelines/server/log.hpp"
#include "util/result.hpp"

namespace campaign::server {

struct Config {
  // Fixed while the server runs.
  std::string host = "127.0.0.1";
  unsigned port = 8080;
  std::string node_id;    // empty: made from the machine's name
  std::string advertise;  // where viewers and other nodes reach this one; empty: http://host:port
  std::string redis;      // URL; empty: a single node
  std::string state;      // a folder, "none", or empty for the user's own state folder
  std::string codec = "h264", encoder;
  std::string stun_server;
  std::vector<std::string> turn_servers, allowed_origins;
  unsigned ice_min_port = 0, ice_max_port = 0;
  unsigned fec_percentage = 0;

  // These follow the file on SIGHUP.
  unsigned max_viewers = 200;
  std::string api_token;  // from api_token_file; empty: the API answers this machine only
  unsigned max_campaigns = 64;
  unsigned drain_seconds = 10;
  LogLevel log_level = LogLevel::info;
  bool create_on_arrival = false;
  unsigned idle_seconds = 60;  // a campaign made for an arrival ends so long after its last viewer; 0: never
  nlohmann::json arrival = nlohmann::json::object();  // specification of what is made on arrival
  // Of each the members that are given, checked; what a campaign keeps besides stays.
  std::map<std::string, nlohmann::json> campaigns;

  // What is fixed, and differs: names for people.
  static std::vector<std::string> fixed_differences(const Config& before, const Config& after);
};

// `folder`: where paths in it start from.
Result<Config> parse_config(std::string_view text, const std::string& folder);

struct CommandLine {
  std::string config_file;
  std::optional<std::string> host, node_id, advertise, redis, state, log_level;
  std::optional<unsigned> port;
};
struct ParsedCommandLine {
  std::optional<CommandLine> options;
  std::string help;  // when that (or the version) was asked for
};
// `arguments` without the program's name.
Result<ParsedCommandLine> parse_command_line(const std::vector<std::string>& arguments);

// Reads the file, if there is one, and lets the flags win.
Result<Config> load_config(const CommandLine& options);

}  // namespace campaign::server
