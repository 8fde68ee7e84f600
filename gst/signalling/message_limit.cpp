// See message_limit.hpp.
#include "signalling/message_limit.hpp"

#include "signalling/viewer_message.hpp"

struct CampaignMessageLimit {
  SoupWebsocketExtension parent;
  gsize received;  // bytes of the message under way
  void (*exceeded)(gpointer);
  gpointer data;
};
struct CampaignMessageLimitClass {
  SoupWebsocketExtensionClass parent_class;
};

G_DEFINE_TYPE(CampaignMessageLimit, campaign_message_limit, SOUP_TYPE_WEBSOCKET_EXTENSION)

static GBytes* campaign_message_limit_incoming(SoupWebsocketExtension* extension, guint8* header,
                                               GBytes* payload, GError**) {
  auto* self = reinterpret_cast<CampaignMessageLimit*>(extension);
  const guint8 opcode = header[0] & 0x0f;  // RFC 6455, section 5.2
  if (opcode & 0x08) return payload;       // control frames may come between fragments
  if (opcode != 0) self->received = 0;     // not a continuation
  self->received += g_bytes_get_size(payload);
  if (self->received <= campaign::signalling::kMaxMessageBytes) return payload;
  g_bytes_unref(payload);
  if (self->exceeded) self->exceeded(self->data);
  return g_bytes_new(nullptr, 0);
}

static void campaign_message_limit_class_init(CampaignMessageLimitClass* klass) {
  SOUP_WEBSOCKET_EXTENSION_CLASS(klass)->process_incoming_message = campaign_message_limit_incoming;
}

static void campaign_message_limit_init(CampaignMessageLimit*) {}

namespace campaign::signalling {

SoupWebsocketExtension* message_limit_new() {
  return SOUP_WEBSOCKET_EXTENSION(g_object_new(campaign_message_limit_get_type(), nullptr));
}

void message_limit_watch(SoupWebsocketConnection* socket, void (*exceeded)(gpointer), gpointer data) {
  for (GList* item = soup_websocket_connection_get_extensions(socket); item; item = item->next) {
    if (!G_TYPE_CHECK_INSTANCE_TYPE(item->data, campaign_message_limit_get_type())) continue;
    auto* limit = static_cast<CampaignMessageLimit*>(item->data);
    limit->exceeded = exceeded;
    limit->data = data;
  }
}

}  // namespace campaign::signalling
