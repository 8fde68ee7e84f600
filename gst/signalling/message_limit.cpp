// See message_limit.hpp. Lives on the server thread, like the connection that owns it.
#include "signalling/message_limit.hpp"

#include "signalling/viewer_message.hpp"

struct CampaignMessageLimit {
  SoupWebsocketExtension parent;
  gsize received;  // bytes of the message under way
};
struct CampaignMessageLimitClass {
  SoupWebsocketExtensionClass parent_class;
};

G_DEFINE_TYPE(CampaignMessageLimit, campaign_message_limit, SOUP_TYPE_WEBSOCKET_EXTENSION)

static GBytes* campaign_message_limit_incoming(SoupWebsocketExtension* extension, guint8* header,
                                               GBytes* payload, GError** error) {
  auto* self = reinterpret_cast<CampaignMessageLimit*>(extension);
  const guint8 opcode = header[0] & 0x0f;  // RFC 6455, section 5.2
  if (opcode & 0x08) return payload;       // control frames may come between fragments
  if (opcode != 0) self->received = 0;     // not a continuation
  self->received += g_bytes_get_size(payload);
  if (self->received <= campaign::signalling::kMaxMessageBytes) return payload;
  g_bytes_unref(payload);
  g_set_error_literal(error, SOUP_WEBSOCKET_ERROR, SOUP_WEBSOCKET_CLOSE_TOO_BIG, "message too large");
  return nullptr;
}

static void campaign_message_limit_class_init(CampaignMessageLimitClass* klass) {
  SOUP_WEBSOCKET_EXTENSION_CLASS(klass)->process_incoming_message = campaign_message_limit_incoming;
}

static void campaign_message_limit_init(CampaignMessageLimit*) {}

namespace campaign::signalling {

SoupWebsocketExtension* message_limit_new() {
  return SOUP_WEBSOCKET_EXTENSION(g_object_new(campaign_message_limit_get_type(), nullptr));
}

}  // namespace campaign::signalling
