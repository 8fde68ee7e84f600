// The transport of one ICE stream: nicesrc and nicesink, which webrtcbin puts into its bins. Any thread.
#pragma once

#include <memory>

#include "viewer/ice/ice_connection.hpp"

namespace campaign::viewer {

// Told of the stream's states by the connection, as long as it is there.
Ref<GstWebRTCICETransport> make_ice_transport(std::shared_ptr<IceConnection> connection, guint stream_id);

}  // namespace campaign::viewer
