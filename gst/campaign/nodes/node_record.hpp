// What a node says of itself with every heartbeat, and what the others know of it. Written by other
// processes, so it is read strictly and within bounds. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "campaign/nodes/load.hpp"
#include "util/result.hpp"

namespace campaign::nodes {

inline constexpr std::size_t kMaxNodeRecordBytes = 256 * 1024;
inline constexpr std::size_t kMaxCampaignsOfANode = 1000;
inline constexpr std::size_t kMaxUrlBytes = 512;

struct PlacedCampaign {
  std::string id;
  int viewers = 0;
  double idle_for = 0;  // seconds without a viewer
  Load needs;           // when all its qualities are watched
  bool operator==(const PlacedCampaign&) const = default;
};

struct NodeRecord {
  std::string id, incarnation;
  std::uint64_t beat = 0;  // grows with every heartbeat of an incarnation
  std::string url;         // where viewers and other nodes reach it: http://host:port, without a path
  bool draining = false;
  Load capacity, used;
  Load forecast;  // what its campaigns need beyond `used` when they are watched
  std::vector<PlacedCampaign> campaigns;

  Load expected() const { return used + forecast; }
  bool operator==(const NodeRecord&) const = default;
};

// http or https, a host and perhaps a port, nothing else: pages and messages put paths behind it.
bool is_node_url(std::string_view url);

Result<NodeRecord> parse_node_record(std::string_view json);
std::string to_json(const NodeRecord& record);

}  // namespace campaign::nodes
