// campaignsink's properties: what is set, what is read, and what of it takes effect while it runs.
#include "campaignsink.hpp"

using campaign::Codec;
using campaign::pads_of;
using campaign::Settings;

enum {
  PROP_0,
  PROP_HOST,
  PROP_PORT,
  PROP_CODEC,
  PROP_ENCODER,
  PROP_BITRATE,
  PROP_LADDER,
  PROP_STUN_SERVER,
  PROP_TURN_SERVERS,
  PROP_ICE_MIN_PORT,
  PROP_ICE_MAX_PORT,
  PROP_MAX_VIEWERS,
  PROP_ALLOWED_ORIGINS,
  PROP_FEC_PERCENTAGE,
  PROP_ACCEPT_VIEWERS,
  PROP_HTTP_SERVER,
  PROP_QOS,
  PROP_FRAME_BUDGET,
  PROP_STATS,
};

// "" for one that fits. Encoders' own properties often count kbit/s, so that a small one is most likely meant
// so.
static std::string refusal_of_bitrate(guint64 bitrate) {
  if (bitrate == 0 || bitrate >= campaign::kLeastBitrate) return "";
  return campaign::Error::invalid("bitrate",
                                  "0, or at least " + std::to_string(campaign::kLeastBitrate) + " bit/s",
                                  std::to_string(bitrate))
             .for_user() +
         ". For " + std::to_string(bitrate) + " kbit/s, set " + std::to_string(bitrate * 1000) + ".";
}

std::string Settings::refusal() const {
  return ladder_refusal.empty() ? refusal_of_bitrate(bitrate) : ladder_refusal;
}

GType gst_campaign_codec_get_type() {
  static const GEnumValue values[] = {{int(Codec::h264), "H.264, constrained baseline", "h264"},
                                      {int(Codec::vp8), "VP8", "vp8"},
                                      {int(Codec::vp9), "VP9", "vp9"},
                                      {int(Codec::av1), "AV1", "av1"},
                                      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstCampaignCodec", values);
  return type;
}

static void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  auto* self = GST_CAMPAIGN_SINK(object);
  const auto text = [value] {
    const char* string = g_value_get_string(value);
    return std::string(string ? string : "");
  };
  const bool runs = campaign::audience_of(self) != nullptr;
  std::string refusal;
  self->impl->settings.with([&](Settings& settings) {
    switch (id) {
      case PROP_HOST:
        settings.host = text();
        break;
      case PROP_PORT:
        settings.port = g_value_get_uint(value);
        break;
      case PROP_CODEC:
        settings.codec = Codec(g_value_get_enum(value));
        break;
      case PROP_ENCODER:
        settings.encoder = text();
        break;
      case PROP_BITRATE:
        refusal = refusal_of_bitrate(g_value_get_uint64(value));
        if (refusal.empty() || !runs) settings.bitrate = g_value_get_uint64(value);
        break;
      case PROP_LADDER: {
        const std::string json = text();
        auto ladder = json.empty() ? campaign::Result<campaign::Ladder>(campaign::Ladder())
                                   : campaign::Ladder::parse(json);
        settings.ladder_refusal = ladder ? std::string() : "The ladder: " + ladder.error().for_user();
        if (!ladder) {
          refusal = settings.ladder_refusal;
          break;
        }
        settings.ladder = *ladder;
        settings.ladder_text = json;
        break;
      }
      case PROP_STUN_SERVER:
        settings.stun_server = text();
        break;
      case PROP_TURN_SERVERS:
        settings.turn_servers = text();
        break;
      case PROP_ICE_MIN_PORT:
        settings.ice_min_port = g_value_get_uint(value);
        break;
      case PROP_ICE_MAX_PORT:
        settings.ice_max_port = g_value_get_uint(value);
        break;
      case PROP_MAX_VIEWERS:
        settings.max_viewers = g_value_get_uint(value);
        break;
      case PROP_ALLOWED_ORIGINS:
        settings.allowed_origins = text();
        break;
      case PROP_FEC_PERCENTAGE:
        settings.fec_percentage = g_value_get_uint(value);
        break;
      case PROP_ACCEPT_VIEWERS:
        settings.accept_viewers = g_value_get_boolean(value) != FALSE;
        break;
      case PROP_QOS:
        settings.qos = g_value_get_boolean(value) != FALSE;
        break;
      case PROP_FRAME_BUDGET:
        settings.frame_budget = g_value_get_double(value);
        break;
      default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
  });
  // Before it runs, its start says so.
  if (!refusal.empty()) {
    if (runs) g_warning("%s: %s", GST_OBJECT_NAME(self), refusal.c_str());
  } else if (id == PROP_BITRATE) {
    for (const auto& pad : pads_of(self))
      if (const auto input = campaign::input_of(pad.get())) input->set_bitrate(g_value_get_uint64(value));
  } else if (id == PROP_QOS || id == PROP_FRAME_BUDGET) {
    const double share = self->impl->settings.snapshot().budget_in_force();
    for (const auto& pad : pads_of(self))
      if (const auto input = campaign::input_of(pad.get())) input->set_frame_budget(share);
  } else if (id == PROP_ACCEPT_VIEWERS) {
    if (const auto audience = campaign::audience_of(self))
      audience->accept_viewers(g_value_get_boolean(value) != FALSE);
  } else if (id == PROP_MAX_VIEWERS) {
    if (const auto audience = campaign::audience_of(self)) audience->set_max_viewers(g_value_get_uint(value));
  }
}

static void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  auto* self = GST_CAMPAIGN_SINK(object);
  const Settings settings = self->impl->settings.snapshot();
  const auto set_text = [value](const std::string& text) {
    g_value_set_string(value, text.empty() ? nullptr : text.c_str());
  };
  switch (id) {
    case PROP_HOST:
      set_text(settings.host);
      break;
    case PROP_PORT: {
      const auto audience = campaign::audience_of(self);
      g_value_set_uint(value, audience ? audience->port() : settings.port);
      break;
    }
    case PROP_CODEC:
      g_value_set_enum(value, int(settings.codec));
      break;
    case PROP_ENCODER:
      set_text(settings.encoder);
      break;
    case PROP_BITRATE:
      g_value_set_uint64(value, settings.bitrate);
      break;
    case PROP_LADDER:
      set_text(settings.ladder_text);
      break;
    case PROP_STUN_SERVER:
      set_text(settings.stun_server);
      break;
    case PROP_TURN_SERVERS:
      set_text(settings.turn_servers);
      break;
    case PROP_ICE_MIN_PORT:
      g_value_set_uint(value, settings.ice_min_port);
      break;
    case PROP_ICE_MAX_PORT:
      g_value_set_uint(value, settings.ice_max_port);
      break;
    case PROP_MAX_VIEWERS:
      g_value_set_uint(value, settings.max_viewers);
      break;
    case PROP_ALLOWED_ORIGINS:
      set_text(settings.allowed_origins);
      break;
    case PROP_FEC_PERCENTAGE:
      g_value_set_uint(value, settings.fec_percentage);
      break;
    case PROP_ACCEPT_VIEWERS:
      g_value_set_boolean(value, settings.accept_viewers);
      break;
    case PROP_QOS:
      g_value_set_boolean(value, settings.qos);
      break;
    case PROP_FRAME_BUDGET:
      g_value_set_double(value, settings.frame_budget);
      break;
    case PROP_HTTP_SERVER: {
      const auto audience = campaign::audience_of(self);
      g_value_set_object(value, audience ? audience->http_server() : nullptr);
      break;
    }
    case PROP_STATS:
      g_value_take_boxed(value, campaign::make_stats(self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void campaign::install_properties(GObjectClass* klass) {
  klass->set_property = set_property;
  klass->get_property = get_property;
  const auto ready = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  const auto playing = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  const auto install = [klass](guint id, GParamSpec* spec) {
    g_object_class_install_property(klass, id, spec);
  };
  install(PROP_HOST,
          g_param_spec_string("host", "Host", "Address to listen on; 0.0.0.0 for every IPv4 interface",
                              "127.0.0.1", ready));
  install(PROP_PORT, g_param_spec_uint("port", "Port",
                                       "TCP port of page and signalling; 0 for any that is free, and "
                                       "then the bound one can be read from READY on",
                                       0, 65535, 8080, ready));
  install(PROP_CODEC, g_param_spec_enum("codec", "Codec", "What raw video is encoded to",
                                        gst_campaign_codec_get_type(), int(Codec::h264), ready));
  install(PROP_ENCODER, g_param_spec_string("encoder", "Encoder",
                                            "Element that encodes raw video: nvh264enc, "
                                            "vah264enc, v4l2h264enc, x264enc, openh264enc, vp8enc, "
                                            "vp9enc or av1enc "
                                            "(unset: the first of the codec's that opens)",
                                            nullptr, ready));
  install(PROP_BITRATE, g_param_spec_uint64("bitrate", "Bitrate",
                                            "Of the best quality, in bit/s; 0 for what the ladder "
                                            "says, or what fits a picture that is smaller than its rungs",
                                            0, 1000000000, 0, playing));
  install(PROP_LADDER,
          g_param_spec_string("ladder", "Ladder",
                              "The qualities, the lowest first, as JSON: {\"rungs\": [{\"name\", "
                              "\"threshold\" (bit/s), \"particles\", \"width\", \"height\", "
                              "\"max_framerate\", \"bitrate\" (bit/s)}, ...]} (unset: low, medium, high "
                              "and ultra)",
                              nullptr, ready));
  install(PROP_STUN_SERVER, g_param_spec_string("stun-server", "STUN server",
                                                "stun://host:port, for the server and "
                                                "its viewers (unset: none)",
                                                nullptr, ready));
  install(PROP_TURN_SERVERS,
          g_param_spec_string("turn-servers", "TURN servers",
                              "Comma-separated list of "
                              "turn(s)://user:password@host:port, for the server and its viewers "
                              "(unset: none)",
                              nullptr, ready));
  install(PROP_ICE_MIN_PORT, g_param_spec_uint("ice-min-port", "Lowest ICE port",
                                               "Lowest UDP port for media; counts "
                                               "only with ice-max-port",
                                               0, 65535, 0, ready));
  install(PROP_ICE_MAX_PORT, g_param_spec_uint("ice-max-port", "Highest ICE port",
                                               "Highest UDP port for media; 0 for "
                                               "any port",
                                               0, 65535, 0, ready));
  install(PROP_MAX_VIEWERS, g_param_spec_uint("max-viewers", "Most viewers",
                                              "How many may watch at once; more are "
                                              "told too-many-viewers",
                                              1, 100000, 200, playing));
  install(PROP_ALLOWED_ORIGINS,
          g_param_spec_string("allowed-origins", "Allowed origins",
                              "Comma-separated list of "
                              "origins whose pages may connect, like https://example.org, or * "
                              "(unset: this server's own page)",
                              nullptr, ready));
  install(
      PROP_FEC_PERCENTAGE,
      g_param_spec_uint(
          "fec-percentage", "Forward error correction",
          "Repairs sent along with a viewer's video, in percent of its packets (ULPFEC, RFC 5109, to who can "
          "read it; 0: none). Losses are mended without waiting for what is sent again, and each quality "
          "asks "
          "for so much more bandwidth. Of most use with VP8, as of H.264 a lost repair is sent again too",
          0, 100, 0, ready));
  install(PROP_ACCEPT_VIEWERS,
          g_param_spec_boolean("accept-viewers", "Accept viewers",
                               "Whether newcomers may watch; else each is told draining, or waits for an "
                               "answer where campaign-wanted is connected",
                               TRUE, playing));
  install(PROP_QOS,
          g_param_spec_boolean("qos", "QoS",
                               "While this machine cannot keep up, draw fewer particles and encode fewer "
                               "pictures of a quality, for everybody who watches it",
                               TRUE, playing));
  install(PROP_FRAME_BUDGET,
          g_param_spec_double("frame-budget", "Frame budget",
                              "How much of the time between two pictures drawing and encoding one may take; "
                              "more of it for 2 s is what qos acts on",
                              0.1, 1, campaign::FrameBudget::kDefaultShare, playing));
  install(PROP_HTTP_SERVER,
          g_param_spec_object("http-server", "HTTP server",
                              "The SoupServer of page and signalling, from READY on; it belongs to its own "
                              "thread (handlers are added in http-server-setup)",
                              SOUP_TYPE_SERVER, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  install(PROP_STATS,
          g_param_spec_boxed("stats", "Statistics",
                             "Viewers and renditions: port, viewers, connected, "
                             "viewer-list (dropped in frames), renditions (bitrate in bit/s, framerate "
                             "in frames/s; particles, framerate-limit, frame-time in ns, load as a part of "
                             "the time there is, lowered)",
                             GST_TYPE_STRUCTURE, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}
