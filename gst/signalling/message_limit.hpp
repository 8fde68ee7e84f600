// Bounds a WebSocket message that arrives in many frames. libsoup bounds each frame, not their sum, and
// offers one hook per frame: an extension, which here is never negotiated. Server thread.
#pragma once

#include <libsoup/soup.h>

namespace campaign::signalling {

// Transfer full; to be handed to the connection when it is made.
SoupWebsocketExtension* message_limit_new();

// `exceeded` is called for each frame that takes a message beyond kMaxMessageBytes; its bytes are dropped.
void message_limit_watch(SoupWebsocketConnection* socket, void (*exceeded)(gpointer), gpointer data);

}  // namespace campaign::signalling
