// See ice_transport.hpp.
#include "viewer/ice/ice_transport.hpp"

#include <utility>

struct CampaignIceTransport {
  GstWebRTCICETransport parent;
};
struct CampaignIceTransportClass {
  GstWebRTCICETransportClass parent_class;
};

static GType campaign_ice_transport_get_type();
G_DEFINE_TYPE(CampaignIceTransport, campaign_ice_transport, GST_TYPE_WEBRTC_ICE_TRANSPORT)

static void campaign_ice_transport_finalize(GObject* object) {
  auto* transport = GST_WEBRTC_ICE_TRANSPORT(object);
  gst_clear_object(&transport->src);
  gst_clear_object(&transport->sink);
  G_OBJECT_CLASS(campaign_ice_transport_parent_class)->finalize(object);
}

static void campaign_ice_transport_init(CampaignIceTransport*) {}

static void campaign_ice_transport_class_init(CampaignIceTransportClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = campaign_ice_transport_finalize;
}

namespace campaign::viewer {
namespace {

using Connection = std::shared_ptr<IceConnection>;

// It keeps the connection for as long as it may use libnice's agent. Null if libnice's plugin is missing.
Ref<GstElement> make_element(const char* factory, const Connection& connection, guint stream_id) {
  auto element = sink(gst_element_factory_make(factory, nullptr));
  if (!element) return nullptr;
  g_object_set(element.get(), "agent", connection->agent(), "stream", stream_id, "component", kIceComponent,
               nullptr);
  g_object_set_data_full(G_OBJECT(element.get()), "campaign-ice-connection", new Connection(connection),
                         [](gpointer kept) { delete static_cast<Connection*>(kept); });
  return element;
}

}  // namespace

Ref<GstWebRTCICETransport> make_ice_transport(std::shared_ptr<IceConnection> connection, guint stream_id) {
  auto made = sink(GST_WEBRTC_ICE_TRANSPORT(
      g_object_new(campaign_ice_transport_get_type(), "component", GST_WEBRTC_ICE_COMPONENT_RTP, nullptr)));
  gboolean controlling = FALSE;
  g_object_get(connection->agent(), "controlling-mode", &controlling, nullptr);
  made.get()->role = controlling ? GST_WEBRTC_ICE_ROLE_CONTROLLING : GST_WEBRTC_ICE_ROLE_CONTROLLED;
  made.get()->src = make_element("nicesrc", connection, stream_id).release();
  made.get()->sink = make_element("nicesink", connection, stream_id).release();
  if (made.get()->sink)
    g_object_set(made.get()->sink, "async", FALSE, "enable-last-sample", FALSE, "sync", FALSE, nullptr);
  connection->set_transport(stream_id, made.get());
  return made;
}

}  // namespace campaign::viewer
