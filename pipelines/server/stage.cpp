// See stage.hpp. The pipeline never changes its state nor its clock while it plays, and its latency is not
// distributed anew: each input of campaignsink keeps to its own, so that who comes disturbs nobody.
#include "pipelines/server/stage.hpp"

#include "pipelines/server/log.hpp"

namespace campaign::server {
namespace {

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const auto& entry : list) text += (text.empty() ? "" : ",") + entry;
  return text;
}

std::string text_of(const GstStructure* structure, const char* field) {
  const char* text = gst_structure_get_string(structure, field);
  return text ? text : "";
}

// What both halves of an error message say.
Error error_in(GstMessage* message) {
  GError* raw = nullptr;
  char* debug = nullptr;
  gst_message_parse_error(message, &raw, &debug);
  const ErrorPtr error{raw};
  const CharPtr detail{debug};
  return Error(error->message, detail ? detail.get() : "");
}

template <class F>
void each_structure(const GstStructure* all, const char* list, F&& f) {
  const GValue* values = gst_structure_get_value(all, list);
  for (guint i = 0; values && i < gst_value_array_get_size(values); ++i)
    f(gst_value_get_structure(gst_value_array_get_value(values, i)));
}

}  // namespace

Result<std::unique_ptr<Stage>> Stage::open(const Config& config, Events events) {
  std::unique_ptr<Stage> stage(new Stage(std::move(events)));
  if (auto built = stage->build(config); !built) return built.error();
  return stage;
}

Result<void> Stage::build(const Config& config) {
  pipeline_ = campaign::sink(gst_pipeline_new("campaign-server"));
  sink_ = campaign::sink(gst_element_factory_make("campaignsink", "sink"));
  if (!sink_)
    return Error(
        "The element campaignsink is missing; set GST_PLUGIN_PATH to where it was built, or install it.");
  g_object_set(sink_.get(), "host", config.host.c_str(), "port", config.port, "max-viewers",
               config.max_viewers, "ice-min-port", config.ice_min_port, "ice-max-port", config.ice_max_port,
               "fec-percentage", config.fec_percentage, nullptr);
  gst_util_set_object_arg(G_OBJECT(sink_.get()), "codec", config.codec.c_str());
  const auto set_text = [&](const char* property, const std::string& text) {
    if (!text.empty()) g_object_set(sink_.get(), property, text.c_str(), nullptr);
  };
  set_text("encoder", config.encoder);
  set_text("stun-server", config.stun_server);
  set_text("turn-servers", joined(config.turn_servers));
  set_text("allowed-origins", joined(config.allowed_origins));

  // These run on the server's thread and only hand over.
  const auto connect = [&](const char* signal, GCallback callback) {
    signals_.push_back(g_signal_connect(sink_.get(), signal, callback, this));
  };
  connect("http-server-setup", G_CALLBACK(+[](GstElement*, SoupServer* server, gpointer self) {
            static_cast<Stage*>(self)->events_.http_setup(server);
          }));
  connect("viewer-added", G_CALLBACK((hand_over<&Events::viewer_added>)));
  connect("viewer-removed", G_CALLBACK((hand_over<&Events::viewer_removed>)));
  connect("campaign-wanted", G_CALLBACK((hand_over<&Events::campaign_wanted, const char*>)));

  gst_bin_add(bin(), sink_.get());
  const auto clock = adopt(gst_system_clock_obtain());
  gst_pipeline_use_clock(GST_PIPELINE(pipeline_.get()), clock.get());
  const auto bus = adopt(gst_pipeline_get_bus(GST_PIPELINE(pipeline_.get())));
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    const auto message = adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    return message ? error_in(message.get()) : Error("The server cannot be started.");
  }
  gst_bus_set_sync_handler(bus.get(), on_message, this, nullptr);
  return {};
}

// A signal's (peer, campaign) goes to the main loop; more that it says is for others.
template <auto event, class... More>
void Stage::hand_over(GstElement*, const char* peer, const char* campaign, More..., gpointer data) {
  auto* self = static_cast<Stage*>(data);
  self->loop_.post([self, peer = std::string(peer), campaign = std::string(campaign)] {
    (self->events_.*event)(peer, campaign);
  });
}

Stage::~Stage() {
  if (!pipeline_) return;
  for (gulong signal : signals_) g_signal_handler_disconnect(sink_.get(), signal);
  const auto bus = adopt(gst_pipeline_get_bus(GST_PIPELINE(pipeline_.get())));
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
  gst_bus_set_flushing(bus.get(), TRUE);
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

// On whatever thread has something to say.
GstBusSyncReply Stage::on_message(GstBus*, GstMessage* message, gpointer data) {
  auto* self = static_cast<Stage*>(data);
  const auto type = GST_MESSAGE_TYPE(message);
  if (type == GST_MESSAGE_ERROR || type == GST_MESSAGE_WARNING)
    self->loop_.post([self, kept = adopt(message)] { self->hear(kept.get()); });
  else
    gst_message_unref(message);
  return GST_BUS_DROP;
}

void Stage::hear(GstMessage* message) {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    const GstStructure* details = nullptr;
    gst_message_parse_error_details(message, &details);
    events_.failed(GST_MESSAGE_SRC(message), details ? text_of(details, "campaign") : "", error_in(message));
    return;
  }
  GError* raw = nullptr;
  gst_message_parse_warning(message, &raw, nullptr);
  const ErrorPtr warning{raw};
  log(LogLevel::warning, "element-warning", warning->message,
      {{"element", GST_MESSAGE_SRC(message) ? GST_OBJECT_NAME(GST_MESSAGE_SRC(message)) : ""}});
}

unsigned Stage::port() const {
  guint port = 0;
  g_object_get(sink_.get(), "port", &port, nullptr);
  return port;
}

GstClockTime Stage::clock_time() const {
  const auto clock = adopt(gst_element_get_clock(pipeline_.get()));
  return clock ? gst_clock_get_time(clock.get()) : 0;
}

GstClockTime Stage::running_time() const { return clock_time() - gst_element_get_base_time(pipeline_.get()); }

StageReport Stage::report() const {
  GstStructure* raw = nullptr;
  g_object_get(sink_.get(), "stats", &raw, nullptr);
  const StructurePtr stats{raw};
  StageReport report;
  each_structure(stats.get(), "viewer-list", [&](const GstStructure* entry) {
    gboolean connected = FALSE;
    guint64 dropped = 0;
    gst_structure_get(entry, "connected", G_TYPE_BOOLEAN, &connected, "dropped", G_TYPE_UINT64, &dropped,
                      nullptr);
    report.viewers.push_back({text_of(entry, "peer"), text_of(entry, "campaign"), text_of(entry, "quality"),
                              text_of(entry, "context"), connected != FALSE, dropped});
  });
  return report;
}

void Stage::set_max_viewers(unsigned most) { g_object_set(sink_.get(), "max-viewers", most, nullptr); }

void Stage::accept_viewers(bool accept) {
  g_object_set(sink_.get(), "accept-viewers", gboolean(accept), nullptr);
}

void Stage::set_other_servers(const std::vector<std::string>& urls) {
  std::vector<const char*> list;
  for (const std::string& url : urls) list.push_back(url.c_str());
  list.push_back(nullptr);
  g_signal_emit_by_name(sink_.get(), "set-other-servers", list.data());
}

void Stage::set_state(const std::string& campaign, const std::string& json, std::uint64_t revision) {
  g_signal_emit_by_name(sink_.get(), "set-campaign-state", campaign.c_str(),
                        json.empty() ? nullptr : json.c_str(), guint64(revision));
}

bool Stage::redirect(const std::string& peer, const std::string& url) {
  gboolean done = FALSE;
  g_signal_emit_by_name(sink_.get(), "redirect-viewer", peer.c_str(), url.c_str(), &done);
  return done;
}

bool Stage::refuse(const std::string& peer, const char* code, const std::string& message) {
  gboolean done = FALSE;
  g_signal_emit_by_name(sink_.get(), "refuse-viewer", peer.c_str(), code, message.c_str(), &done);
  return done;
}

bool Stage::remove_viewer(const std::string& peer) {
  gboolean done = FALSE;
  g_signal_emit_by_name(sink_.get(), "remove-viewer", peer.c_str(), &done);
  return done;
}

bool Stage::move_viewer(const std::string& peer, const std::string& campaign, const std::string& quality) {
  gboolean done = FALSE;
  g_signal_emit_by_name(sink_.get(), "move-viewer", peer.c_str(), campaign.c_str(), quality.c_str(), &done);
  return done;
}

}  // namespace campaign::server
