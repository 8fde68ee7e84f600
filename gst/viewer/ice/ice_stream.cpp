// See ice_stream.hpp.
#include "viewer/ice/ice_stream.hpp"

#include <utility>

#include "viewer/ice/ice_transport.hpp"

using campaign::viewer::IceConnection;

struct CampaignIceStream {
  GstWebRTCICEStream parent;
  std::shared_ptr<IceConnection>* connection;  // owned
};
struct CampaignIceStreamClass {
  GstWebRTCICEStreamClass parent_class;
};

static GType campaign_ice_stream_get_type();
G_DEFINE_TYPE(CampaignIceStream, campaign_ice_stream, GST_TYPE_WEBRTC_ICE_STREAM)

static const std::shared_ptr<IceConnection>& connection_of(gpointer stream) {
  return *static_cast<CampaignIceStream*>(stream)->connection;
}

// Transfer full. One is made whenever the last one is gone.
static GstWebRTCICETransport* campaign_ice_stream_find_transport(GstWebRTCICEStream* stream,
                                                                 GstWebRTCICEComponent component) {
  if (component != GST_WEBRTC_ICE_COMPONENT_RTP) return nullptr;
  const auto& connection = connection_of(stream);
  if (auto transport = connection->transport(stream->stream_id)) return transport.release();
  return campaign::viewer::make_ice_transport(connection, stream->stream_id).release();
}

static gboolean campaign_ice_stream_gather_candidates(GstWebRTCICEStream* stream) {
  connection_of(stream)->gather(stream->stream_id, {});
  return TRUE;
}

static void campaign_ice_stream_finalize(GObject* object) {
  delete reinterpret_cast<CampaignIceStream*>(object)->connection;
  G_OBJECT_CLASS(campaign_ice_stream_parent_class)->finalize(object);
}

static void campaign_ice_stream_init(CampaignIceStream*) {}

static void campaign_ice_stream_class_init(CampaignIceStreamClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = campaign_ice_stream_finalize;
  auto* stream = GST_WEBRTC_ICE_STREAM_CLASS(klass);
  stream->find_transport = campaign_ice_stream_find_transport;
  stream->gather_candidates = campaign_ice_stream_gather_candidates;
}

namespace campaign::viewer {

Ref<GstWebRTCICEStream> make_ice_stream(std::shared_ptr<IceConnection> connection, guint session_id) {
  const guint id = connection->add_stream(session_id);
  if (id == 0) return nullptr;
  auto made =
      sink(GST_WEBRTC_ICE_STREAM(g_object_new(campaign_ice_stream_get_type(), "stream-id", id, nullptr)));
  reinterpret_cast<CampaignIceStream*>(made.get())->connection =
      new std::shared_ptr<IceConnection>(std::move(connection));
  return made;
}

void gather_candidates(GstWebRTCICEStream* stream, IceConnection::Ports ports) {
  connection_of(stream)->gather(stream->stream_id, ports);
}

}  // namespace campaign::viewer
