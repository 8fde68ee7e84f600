#include "campaign/nodes/node_record.hpp"

#include <algorithm>

#include "util/id.hpp"
#include "util/json_reader.hpp"

namespace campaign::nodes {
namespace {

using Json = nlohmann::json;

constexpr double kMost = 1e15;  // of any resource: a petabyte

Json load_json(const Load& load) {
  Json json = Json::object();
  for (const auto& rule : kResources) {
    if (load[rule.resource] != 0) json[rule.name] = load[rule.resource];
  }
  return json;
}

void read_load(JsonReader& reader, const char* key, Load& to) {
  reader.object(key, [&](JsonReader& load) {
    load.allow({kResources[0].name, kResources[1].name, kResources[2].name, kResources[3].name});
    for (const auto& rule : kResources) load.number(rule.name.data(), to[rule.resource], 0, kMost);
  });
}

void read_id(JsonReader& reader, const char* key, std::string& to) {
  reader.text(key, to);
  if (!is_valid_id(to)) reader.refuse(key, kIdRule, "'" + to + "'");
}

}  // namespace

bool is_node_url(std::string_view url) {
  if (url.size() > kMaxUrlBytes) return false;
  if (url.starts_with("http://")) {
    url.remove_prefix(7);
  } else if (url.starts_with("https://")) {
    url.remove_prefix(8);
  } else {
    return false;
  }
  std::string_view host = url, port;
  if (url.starts_with('[')) {  // an IPv6 address
    const auto end = url.find(']');
    if (end == url.npos) return false;
    host = url.substr(1, end - 1);
    const auto rest = url.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) return false;
    if (rest == ":") return false;
    port = rest.empty() ? rest : rest.substr(1);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != host.npos) return false;
  } else {
    const auto colon = url.find(':');
    host = url.substr(0, colon);
    if (colon != url.npos) {
      port = url.substr(colon + 1);
      if (port.empty()) return false;
    }
    if (!std::ranges::all_of(host, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                 c == '-';
        })) {
      return false;
    }
  }
  if (host.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != port.npos) return false;
  return port.empty() || (std::stoi(std::string(port)) >= 1 && std::stoi(std::string(port)) <= 65535);
}

Result<NodeRecord> parse_node_record(std::string_view json) {
  return read_json<NodeRecord>(
      json, "the node", {.bytes = kMaxNodeRecordBytes, .depth = 5}, [](JsonReader& reader, NodeRecord& node) {
        reader.allow(
            {"id", "incarnation", "beat", "url", "draining", "capacity", "used", "forecast", "campaigns"});
        read_id(reader, "id", node.id);
        read_id(reader, "incarnation", node.incarnation);
        reader.integer("beat", node.beat, std::uint64_t(0), std::uint64_t(1) << 53);
        if (const Json* url = reader.find("url")) {
          if (url->is_string()) node.url = url->get<std::string>();
        }
        if (!is_node_url(node.url)) reader.refuse("url", "http://host:port", "something else");
        if (const Json* draining = reader.find("draining")) {
          if (draining->is_boolean()) {
            node.draining = draining->get<bool>();
          } else {
            reader.fail("draining", "true or false", *draining);
          }
        }
        read_load(reader, "capacity", node.capacity);
        read_load(reader, "used", node.used);
        read_load(reader, "forecast", node.forecast);
        reader.list("campaigns", node.campaigns, kMaxCampaignsOfANode,
                    [](JsonReader& entry, PlacedCampaign& campaign) {
                      entry.allow({"id", "viewers", "idle_for", "needs"});
                      read_id(entry, "id", campaign.id);
                      entry.integer("viewers", campaign.viewers, 0, 1'000'000);
                      entry.number("idle_for", campaign.idle_for, 0, 1e9);
                      read_load(entry, "needs", campaign.needs);
                    });
      });
}

std::string to_json(const NodeRecord& record) {
  Json campaigns = Json::array();
  for (const auto& campaign : record.campaigns) {
    campaigns.push_back({{"id", campaign.id},
                         {"viewers", campaign.viewers},
                         {"idle_for", campaign.idle_for},
                         {"needs", load_json(campaign.needs)}});
  }
  return Json{{"id", record.id},
              {"incarnation", record.incarnation},
              {"beat", record.beat},
              {"url", record.url},
              {"draining", record.draining},
              {"capacity", load_json(record.capacity)},
              {"used", load_json(record.used)},
              {"forecast", load_json(record.forecast)},
              {"campaigns", std::move(campaigns)}}
      .dump();
}

}  // namespace campaign::nodes
