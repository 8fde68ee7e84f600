// See webrtc_ice.hpp. The vfuncs are GstWebRTCICE's (gst/webrtc/ice.h); each says what it asks of the
// connection.
#include "viewer/ice/webrtc_ice.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "util/glib_ptr.hpp"
#include "viewer/ice/candidate_stats.hpp"
#include "viewer/ice/ice_connection.hpp"
#include "viewer/ice/ice_stream.hpp"

namespace campaign::viewer {
namespace {

struct Servers {
  std::string stun, turn, proxy;  // as they were given
  std::string stun_host;
  const char* relay_protocol = nullptr;  // to the first TURN server
};

struct StreamOfSession {
  guint session_id;
  Ref<GstWebRTCICEStream> stream;
};

}  // namespace

struct WebRtcIce {
  std::shared_ptr<IceConnection> connection;
  Guarded<Servers> servers;
  Guarded<std::vector<StreamOfSession>> streams;
};

}  // namespace campaign::viewer

using namespace campaign;
using namespace campaign::viewer;

struct CampaignWebRtcIce {
  GstWebRTCICE parent;
  WebRtcIce* ice;  // owned
};
struct CampaignWebRtcIceClass {
  GstWebRTCICEClass parent_class;
};

static GType campaign_webrtc_ice_get_type();
G_DEFINE_TYPE(CampaignWebRtcIce, campaign_webrtc_ice, GST_TYPE_WEBRTC_ICE)

enum { PROP_0, PROP_AGENT, PROP_ICE_TCP, PROP_ICE_UDP };

static WebRtcIce& ice_of(gpointer object) { return *static_cast<CampaignWebRtcIce*>(object)->ice; }
static IceConnection& connection_of(gpointer object) { return *ice_of(object).connection; }
static NiceAgent* agent_of(gpointer object) { return connection_of(object).agent(); }

// Transfer none: webrtcbin keeps the pointer without a reference, for as long as it keeps its agent.
static GstWebRTCICEStream* webrtc_ice_add_stream(GstWebRTCICE* object, guint session_id) {
  WebRtcIce& ice = ice_of(object);
  auto stream = make_ice_stream(ice.connection, session_id);
  GstWebRTCICEStream* borrowed = stream.get();
  if (stream) ice.streams.with([&](auto& streams) { streams.push_back({session_id, std::move(stream)}); });
  return borrowed;
}

static GstWebRTCICETransport* webrtc_ice_find_transport(GstWebRTCICE*, GstWebRTCICEStream* stream,
                                                        GstWebRTCICEComponent component) {
  return gst_webrtc_ice_stream_find_transport(stream, component);
}

static gboolean webrtc_ice_gather_candidates(GstWebRTCICE* object, GstWebRTCICEStream* stream) {
  if (object->min_rtp_port > object->max_rtp_port) {
    GST_ERROR_OBJECT(object, "min-rtp-port, %u, must be at most max-rtp-port, %u", object->min_rtp_port,
                     object->max_rtp_port);
    return FALSE;
  }
  gather_candidates(stream, {object->min_rtp_port, object->max_rtp_port});
  return TRUE;
}

static void add_candidate(GstWebRTCICE* object, GstWebRTCICEStream* stream, const char* candidate) {
  if (candidate)
    connection_of(object).add_remote_candidate(stream->stream_id, candidate);
  else
    connection_of(object).end_of_remote_candidates(stream->stream_id);
}

static gboolean webrtc_ice_set_local_credentials(GstWebRTCICE* object, GstWebRTCICEStream* stream,
                                                 const char* ufrag, const char* pwd) {
  return ufrag && pwd && nice_agent_set_local_credentials(agent_of(object), stream->stream_id, ufrag, pwd);
}

static gboolean webrtc_ice_set_remote_credentials(GstWebRTCICE* object, GstWebRTCICEStream* stream,
                                                  const char* ufrag, const char* pwd) {
  if (!ufrag || !pwd) return FALSE;
  connection_of(object).set_remote_credentials(stream->stream_id, ufrag, pwd);
  return TRUE;
}

static gboolean webrtc_ice_add_turn_server(GstWebRTCICE* object, const char* uri) {
  const auto server = uri ? parse_ice_server(uri, "turn") : std::nullopt;
  if (!server) {
    GST_ERROR_OBJECT(object, "a TURN server must be like turn://user:password@host:port");
    return FALSE;
  }
  ice_of(object).servers.with([&](Servers& servers) {
    if (servers.relay_protocol) return;
    servers.relay_protocol = server->scheme == "turns" ? "tls" : server->transport == "tcp" ? "tcp" : "udp";
  });
  connection_of(object).add_turn_server(*server);
  return TRUE;
}

static void webrtc_ice_set_turn_server(GstWebRTCICE* object, const char* uri) {
  if (uri && webrtc_ice_add_turn_server(object, uri))
    ice_of(object).servers.with([&](Servers& servers) { servers.turn = uri; });
}

static void webrtc_ice_set_stun_server(GstWebRTCICE* object, const char* uri) {
  const auto server = uri ? parse_ice_server(uri, "stun") : std::nullopt;
  if (!server) {
    GST_ERROR_OBJECT(object, "a STUN server must be like stun://host:port");
    return;
  }
  ice_of(object).servers.with([&](Servers& servers) {
    servers.stun = uri;
    servers.stun_host = server->host;
  });
  g_object_set(agent_of(object), "stun-server", server->host.c_str(), "stun-server-port",
               server->port_or_default(), nullptr);
}

static void webrtc_ice_set_http_proxy(GstWebRTCICE* object, const char* text) {
  const UriPtr uri{text ? g_uri_parse(text, G_URI_FLAGS_HAS_PASSWORD, nullptr) : nullptr};
  const char* host = uri ? g_uri_get_host(uri.get()) : nullptr;
  if (!host || !*host || g_strcmp0(g_uri_get_scheme(uri.get()), "http") != 0) {
    GST_ERROR_OBJECT(object, "an HTTP proxy must be like http://user:password@host:port");
    return;
  }
  constexpr guint kProxyPort = 3128;  // the stock agent's
  const auto or_empty = [](const char* part) { return std::string(part ? part : ""); };
  const gint port = g_uri_get_port(uri.get());
  ice_of(object).servers.with([&](Servers& servers) { servers.proxy = text; });
  connection_of(object).set_proxy(host, port > 0 ? guint(port) : kProxyPort,
                                  or_empty(g_uri_get_user(uri.get())),
                                  or_empty(g_uri_get_password(uri.get())));
}

static char* given(gpointer object, std::string Servers::*which) {
  const std::string text = ice_of(object).servers.snapshot().*which;
  return text.empty() ? nullptr : g_strdup(text.c_str());
}

static void webrtc_ice_set_on_candidate(GstWebRTCICE* object, GstWebRTCICEOnCandidateFunc tell, gpointer data,
                                        GDestroyNotify destroy) {
  if (!tell) return connection_of(object).on_candidate({});
  const std::shared_ptr<void> owned(data, [destroy](gpointer owner) {
    if (destroy) destroy(owner);
  });
  connection_of(object).on_candidate([object, tell, owned](guint session_id, const char* candidate) {
    tell(object, session_id, candidate, owned.get());
  });
}

static CandidateSource source_of(gpointer object, GstWebRTCICEStream* stream, bool local) {
  const Servers servers = ice_of(object).servers.snapshot();
  return {stream->stream_id, local, servers.relay_protocol ? servers.relay_protocol : "none",
          servers.stun_host};
}

static gboolean webrtc_ice_get_selected_pair(GstWebRTCICE* object, GstWebRTCICEStream* stream,
                                             GstWebRTCICECandidateStats** local,
                                             GstWebRTCICECandidateStats** remote) {
  NiceCandidate *ours = nullptr, *theirs = nullptr;
  if (!stream ||
      !nice_agent_get_selected_pair(agent_of(object), stream->stream_id, kIceComponent, &ours, &theirs))
    return FALSE;
  *local = candidate_stats(ours, source_of(object, stream, true));
  *remote = candidate_stats(theirs, source_of(object, stream, false));
  return TRUE;
}

static gboolean webrtc_ice_add_local_ip_address(GstWebRTCICE* object, const char* text) {
  NiceAddress address;
  nice_address_init(&address);
  if (text && nice_address_set_from_string(&address, text) &&
      nice_agent_add_local_address(agent_of(object), &address))
    return TRUE;
  GST_ERROR_OBJECT(object, "\"%s\" is no address that ICE could use", text ? text : "");
  return FALSE;
}

static const char* property_of_agent(guint id) { return id == PROP_ICE_TCP ? "ice-tcp" : "ice-udp"; }

static void campaign_webrtc_ice_set_property(GObject* object, guint id, const GValue* value,
                                             GParamSpec* spec) {
  if (id == PROP_ICE_TCP || id == PROP_ICE_UDP)
    g_object_set_property(G_OBJECT(agent_of(object)), property_of_agent(id), value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void campaign_webrtc_ice_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  if (id == PROP_AGENT)
    g_value_set_object(value, agent_of(object));
  else if (id == PROP_ICE_TCP || id == PROP_ICE_UDP)
    g_object_get_property(G_OBJECT(agent_of(object)), property_of_agent(id), value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void campaign_webrtc_ice_finalize(GObject* object) {
  connection_of(object).close();
  delete reinterpret_cast<CampaignWebRtcIce*>(object)->ice;
  G_OBJECT_CLASS(campaign_webrtc_ice_parent_class)->finalize(object);
}

static void campaign_webrtc_ice_init(CampaignWebRtcIce*) {}

static void install_properties(GObjectClass* object) {
  object->set_property = campaign_webrtc_ice_set_property;
  object->get_property = campaign_webrtc_ice_get_property;
  const auto read = GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS),
             both = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property(
      object, PROP_AGENT,
      g_param_spec_object("agent", "ICE agent", "libnice's agent that does the work", NICE_TYPE_AGENT, read));
  g_object_class_install_property(
      object, PROP_ICE_TCP,
      g_param_spec_boolean("ice-tcp", "ICE TCP", "Whether to offer ways by TCP", TRUE, both));
  g_object_class_install_property(
      object, PROP_ICE_UDP,
      g_param_spec_boolean("ice-udp", "ICE UDP", "Whether to offer ways by UDP", TRUE, both));
}

static void campaign_webrtc_ice_class_init(CampaignWebRtcIceClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = campaign_webrtc_ice_finalize;
  install_properties(G_OBJECT_CLASS(klass));
  g_signal_override_class_handler("add-local-ip-address", G_TYPE_FROM_CLASS(klass),
                                  G_CALLBACK(webrtc_ice_add_local_ip_address));
  auto* ice = GST_WEBRTC_ICE_CLASS(klass);
  ice->add_stream = webrtc_ice_add_stream;
  ice->find_transport = webrtc_ice_find_transport;
  ice->gather_candidates = webrtc_ice_gather_candidates;
#if GST_CHECK_VERSION(1, 24, 0)
  ice->add_candidate = [](GstWebRTCICE* object, GstWebRTCICEStream* stream, const char* candidate,
                          GstPromise*) { add_candidate(object, stream, candidate); };
#else
  ice->add_candidate = add_candidate;
#endif
  ice->set_local_credentials = webrtc_ice_set_local_credentials;
  ice->set_remote_credentials = webrtc_ice_set_remote_credentials;
  ice->add_turn_server = webrtc_ice_add_turn_server;
  ice->set_turn_server = webrtc_ice_set_turn_server;
  ice->get_turn_server = [](GstWebRTCICE* object) { return given(object, &Servers::turn); };
  ice->set_stun_server = webrtc_ice_set_stun_server;
  ice->get_stun_server = [](GstWebRTCICE* object) { return given(object, &Servers::stun); };
  ice->set_http_proxy = webrtc_ice_set_http_proxy;
  ice->get_http_proxy = [](GstWebRTCICE* object) { return given(object, &Servers::proxy); };
  ice->set_is_controller = [](GstWebRTCICE* object, gboolean controller) {
    g_object_set(agent_of(object), "controlling-mode", controller, nullptr);
  };
  ice->get_is_controller = [](GstWebRTCICE* object) {
    gboolean controller = FALSE;
    g_object_get(agent_of(object), "controlling-mode", &controller, nullptr);
    return controller;
  };
  ice->set_force_relay = [](GstWebRTCICE* object, gboolean force_relay) {
    g_object_set(agent_of(object), "force-relay", force_relay, nullptr);
  };
  ice->set_tos = [](GstWebRTCICE* object, GstWebRTCICEStream* stream, guint tos) {
    nice_agent_set_stream_tos(agent_of(object), stream->stream_id, gint(tos));
  };
  ice->set_on_ice_candidate = webrtc_ice_set_on_candidate;
  ice->get_local_candidates = [](GstWebRTCICE* object, GstWebRTCICEStream* stream) {
    return candidates_stats(
        nice_agent_get_local_candidates(agent_of(object), stream->stream_id, kIceComponent),
        source_of(object, stream, true));
  };
  ice->get_remote_candidates = [](GstWebRTCICE* object, GstWebRTCICEStream* stream) {
    return candidates_stats(
        nice_agent_get_remote_candidates(agent_of(object), stream->stream_id, kIceComponent),
        source_of(object, stream, false));
  };
  ice->get_selected_pair = webrtc_ice_get_selected_pair;
#if GST_CHECK_VERSION(1, 28, 0)
  ice->close = [](GstWebRTCICE* object, GstPromise* promise) {
    connection_of(object).close();
    if (promise) gst_promise_reply(promise, nullptr);
  };
#endif
}

namespace campaign::viewer {

GstElement* make_webrtcbin(const char* name, std::shared_ptr<IceThread> thread) {
  auto* object = static_cast<CampaignWebRtcIce*>(g_object_new(campaign_webrtc_ice_get_type(), nullptr));
  auto ice = sink(GST_WEBRTC_ICE(object));
  object->ice = new WebRtcIce{IceConnection::make(std::move(thread)), {}, {}};
  GstElement* webrtcbin =
      gst_element_factory_make_full("webrtcbin", "name", name, "ice-agent", ice.get(), nullptr);
  if (!webrtcbin) return nullptr;
  ice.release();  // webrtcbin (1.22 to 1.28) takes the reference that it drops in the end from whoever gives
                  // it
  return webrtcbin;
}

void end_ice(GstElement* webrtcbin) {
  GObject* raw = nullptr;
  g_object_get(webrtcbin, "ice-agent", &raw, nullptr);
  const ObjectPtr<GObject> agent{raw};
  if (raw && G_OBJECT_TYPE(raw) == campaign_webrtc_ice_get_type()) connection_of(raw).close();
}

}  // namespace campaign::viewer
