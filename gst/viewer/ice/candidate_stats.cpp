// See candidate_stats.hpp.
#include "viewer/ice/candidate_stats.hpp"

#include <memory>

namespace campaign::viewer {
namespace {

// RTCIceCandidateType's words.
const char* type_of(NiceCandidateType type) {
  switch (type) {
    case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE:
      return "srflx";
    case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE:
      return "prflx";
    case NICE_CANDIDATE_TYPE_RELAYED:
      return "relay";
    default:
      return "host";
  }
}

std::string text_of(const NiceAddress& address) {
  char text[NICE_ADDRESS_STRING_LEN] = {};
  nice_address_to_string(&address, text);
  return text;
}

// The server that a candidate of ours was got from.
std::string server_of(NiceCandidate* candidate, const CandidateSource& source) {
  NiceAddress address;
  nice_address_init(&address);
  if (candidate->type == NICE_CANDIDATE_TYPE_RELAYED) {
    nice_candidate_relay_address(candidate, &address);
    return text_of(address);
  }
  if (candidate->type != NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE) return {};
  return nice_candidate_stun_server_address(candidate, &address) ? text_of(address) : source.stun_host;
}

}  // namespace

GstWebRTCICECandidateStats* candidate_stats(NiceCandidate* candidate, const CandidateSource& source) {
  auto* stats = g_new0(GstWebRTCICECandidateStats, 1);
  stats->ipaddr = g_strdup(text_of(candidate->addr).c_str());
  stats->port = nice_address_get_port(&candidate->addr);
  stats->stream_id = source.stream_id;
  stats->type = type_of(candidate->type);
  stats->prio = candidate->priority;
  stats->proto = candidate->transport == NICE_CANDIDATE_TRANSPORT_UDP ? "udp" : "tcp";
  if (source.local) {
    if (candidate->type == NICE_CANDIDATE_TYPE_RELAYED) stats->relay_proto = source.relay_protocol;
    stats->url = g_strdup(server_of(candidate, source).c_str());
  }
  return stats;
}

GstWebRTCICECandidateStats** candidates_stats(GSList* candidates, const CandidateSource& source) {
  auto** stats = g_new0(GstWebRTCICECandidateStats*, g_slist_length(candidates) + 1);
  std::size_t count = 0;
  for (GSList* each = candidates; each; each = each->next)
    stats[count++] = candidate_stats(static_cast<NiceCandidate*>(each->data), source);
  g_slist_free_full(candidates,
                    [](gpointer each) { nice_candidate_free(static_cast<NiceCandidate*>(each)); });
  return stats;
}

}  // namespace campaign::viewer
