// One stream of an ICE connection, as webrtcbin wants to have it. Any thread.
#pragma once

#include <memory>

#include "viewer/ice/ice_connection.hpp"

namespace campaign::viewer {

// Null if libnice has no more room for one.
Ref<GstWebRTCICEStream> make_ice_stream(std::shared_ptr<IceConnection> connection, guint session_id);

// Of what make_ice_stream() made.
void gather_candidates(GstWebRTCICEStream* stream, IceConnection::Ports ports);

}  // namespace campaign::viewer
