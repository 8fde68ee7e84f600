// Bounds a WebSocket message that arrives in many frames. libsoup bounds each frame, not their sum, and
// offers one hook per frame: an extension, which here is never negotiated and changes no byte.
#pragma once

#include <libsoup/soup.h>

namespace campaign::signalling {

// Transfer full. Fails the connection with SOUP_WEBSOCKET_CLOSE_TOO_BIG once the fragments of one message
// add up to more than kMaxMessageBytes.
SoupWebsocketExtension* message_limit_new();

}  // namespace campaign::signalling
