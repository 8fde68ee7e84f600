// What webrtcbin's statistics say of ICE candidates. Any thread.
#pragma once

#include "viewer/ice/ice_connection.hpp"

namespace campaign::viewer {

struct CandidateSource {
  guint stream_id = 0;
  bool local = false;
  const char* relay_protocol = nullptr;  // static; of the TURN servers, if there are any
  std::string stun_host;                 // may be empty
};

// Transfer full.
GstWebRTCICECandidateStats* candidate_stats(NiceCandidate* candidate, const CandidateSource& source);
// Transfer full, ends with a null. Takes the list and what is in it.
GstWebRTCICECandidateStats** candidates_stats(GSList* candidates, const CandidateSource& source);

}  // namespace campaign::viewer
